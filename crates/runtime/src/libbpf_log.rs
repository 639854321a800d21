//! libbpf's messages, which it would print to stderr: here they go to whoever asked, or nowhere.
//!
//! libbpf has one print function for the whole process. The first [`Capture`] replaces it by one that gives
//! each message to the capture of the thread that libbpf runs on; a message on any other thread is dropped.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};

use libbpf_sys::{LIBBPF_DEBUG, LIBBPF_INFO, LIBBPF_WARN};

use crate::sys::print::route_up_to;

/// How much a message of libbpf matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something failed.
    Warning,
    /// Worth knowing.
    Information,
    /// Each step that libbpf takes.
    Debug,
}

/// Receives libbpf's messages, one call each, without `libbpf: ` and the final line break. A verifier log is
/// one message of many lines.
#[derive(Clone)]
pub struct Sink(Arc<Receive>);

type Receive = dyn Fn(Level, &str) + Send + Sync;

impl Sink {
    /// Calls `receive` for every message. It must not call into this crate.
    pub fn new(receive: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Hands over a message of this crate's own.
    pub(crate) fn tell(&self, level: Level, message: &str) {
        (self.0)(level, message);
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

/// While it lives, libbpf's messages on this thread go to `sink`; warnings are kept as well.
pub(crate) struct Capture {
    outer: Option<Current>,
    stays_on_its_thread: PhantomData<*const ()>,
}

#[derive(Default)]
struct Current {
    sink: Option<Sink>,
    warnings: Vec<String>,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

impl Capture {
    pub(crate) fn start(sink: Option<&Sink>) -> Self {
        static WARNINGS: Once = Once::new();
        static EVERYTHING: Once = Once::new();
        // What is not routed is not formatted: a quiet run does not pay for debug messages.
        WARNINGS.call_once(|| route_up_to(LIBBPF_WARN));
        if sink.is_some() {
            EVERYTHING.call_once(|| route_up_to(LIBBPF_DEBUG));
        }
        let current = Current { sink: sink.cloned(), warnings: Vec::new() };
        Self { outer: CURRENT.replace(Some(current)), stays_on_its_thread: PhantomData }
    }

    /// The warnings so far.
    pub(crate) fn warnings(&self) -> Vec<String> {
        CURRENT.with_borrow(|current| current.as_ref().map(|it| it.warnings.clone())).unwrap_or_default()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        CURRENT.set(self.outer.take());
    }
}

/// One message of libbpf, with its `LIBBPF_*` level. It is called from C: nothing may unwind out of it.
pub(crate) fn route(level: u32, message: &str) {
    let _nothing_unwinds_into_c = catch_unwind(AssertUnwindSafe(|| {
        let text = message.strip_prefix("libbpf: ").unwrap_or(message).trim_end_matches('\n');
        let level = match level {
            LIBBPF_WARN => Level::Warning,
            LIBBPF_INFO => Level::Information,
            _ => Level::Debug,
        };
        let sink = CURRENT.with_borrow_mut(|current| {
            let current = current.as_mut()?;
            if level == Level::Warning {
                current.warnings.push(text.to_owned());
            }
            current.sink.clone()
        });
        if let Some(Sink(receive)) = sink {
            receive(level, text);
        }
    }));
}

/// What the verifier said about a program, out of libbpf's warnings.
pub(crate) fn verifier_log(warnings: &[String]) -> Option<(String, String)> {
    warnings.iter().find_map(|warning| {
        let (subject, log) = warning.split_once(": -- BEGIN PROG LOAD LOG --\n")?;
        let program = subject.strip_prefix("prog '")?.strip_suffix('\'')?;
        let log = log.strip_suffix("-- END PROG LOAD LOG --").unwrap_or(log);
        Some((program.to_owned(), log.to_owned()))
    })
}

/// The type or member of a CO-RE relocation that the kernel has no match for, out of a verifier log: libbpf makes
/// the instruction invalid, and explains it there.
pub(crate) fn unresolved(log: &str) -> Option<&str> {
    let (_, explained) = log.split_once("failed to resolve CO-RE relocation <")?;
    let (_, target) = explained.lines().next()?.split_once("] ")?;
    Some(target.split_once(" (").map_or(target, |(name, _)| name))
}

/// The last warning, cut to its first line.
pub(crate) fn last(warnings: &[String]) -> Option<String> {
    warnings.last()?.lines().next().map(str::to_owned)
}

/// What libbpf was busy with when it gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Program(String),
    Map(String),
}

/// The program or map that the first warning is about.
pub(crate) fn subject(warnings: &[String]) -> Option<Subject> {
    warnings.iter().find_map(|warning| {
        let name =
            |prefix: &str| warning.strip_prefix(prefix)?.split_once('\'').map(|(name, _)| name.to_owned());
        name("prog '").map(Subject::Program).or_else(|| name("map '").map(Subject::Map))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_log_is_told_from_other_warnings() {
        let warnings = [
            "prog 'p': BPF program load failed: -EACCES".to_owned(),
            "prog 'p': -- BEGIN PROG LOAD LOG --\n0: R1=ctx()\ninvalid\n-- END PROG LOAD LOG --".to_owned(),
        ];
        assert_eq!(verifier_log(&warnings), Some(("p".into(), "0: R1=ctx()\ninvalid\n".into())));
        assert_eq!(verifier_log(&warnings[..1]), None);
        assert_eq!(subject(&warnings), Some(Subject::Program("p".into())));
        assert_eq!(subject(&["map 'm': failed to create: -EINVAL".into()]), Some(Subject::Map("m".into())));
    }

    #[test]
    fn an_unresolved_relocation_is_named() {
        let log = "3: <invalid CO-RE relocation>\nfailed to resolve CO-RE relocation <byte_off> [18] struct a.b.c (0:1 @ offset 4)\nprocessed 3 insns\n";
        assert_eq!(unresolved(log), Some("struct a.b.c"));
        assert_eq!(
            unresolved("failed to resolve CO-RE relocation <type_id> [18] struct a"),
            Some("struct a")
        );
        assert_eq!(unresolved("R1 invalid mem access 'scalar'"), None);
    }

    #[test]
    fn messages_go_to_the_capture_of_their_thread_only() {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = {
            let seen = Arc::clone(&seen);
            Sink::new(move |level, text| seen.lock().unwrap().push((level, text.to_owned())))
        };
        let capture = Capture::start(Some(&sink));
        route(LIBBPF_DEBUG, "libbpf: step\n");
        std::thread::spawn(|| route(LIBBPF_WARN, "libbpf: elsewhere\n")).join().unwrap();
        route(LIBBPF_WARN, "libbpf: bad\n");
        assert_eq!(capture.warnings(), ["bad"]);
        drop(capture);
        route(LIBBPF_WARN, "libbpf: after\n");
        assert_eq!(
            *seen.lock().unwrap(),
            [(Level::Debug, "step".to_owned()), (Level::Warning, "bad".to_owned())]
        );
    }

    #[test]
    fn a_sink_that_panics_does_not_unwind() {
        let sink = Sink::new(|_, _| panic!("in the sink"));
        let capture = Capture::start(Some(&sink));
        route(LIBBPF_WARN, "libbpf: bad\n");
        assert_eq!(capture.warnings(), ["bad"]);
    }
}
