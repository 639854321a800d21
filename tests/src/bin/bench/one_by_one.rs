//! Rows of one program at a time: start, memory, latency, CPU time while nothing matches.

use std::time::{Duration, Instant};

use e2e::{Tool, Workload};

use crate::Options;
use crate::figure::{Figure, Goal, median};
use crate::peers::Peers;
use crate::subject::{Subject, settle, stop};
use crate::terminal::Terminal;

const PATIENCE: Duration = Duration::from_secs(20);

/// From the start of the program to the first row of a steady workload on its terminal; the caches are warm.
pub(crate) fn start(options: &Options, peers: &Peers) -> Vec<Figure> {
    let load = Workload::opening(&peers.opened, 100_000_000).per_second(20_000).start();
    let once = |subject: Subject| {
        let (terminal, side) = Terminal::open();
        let begin = Instant::now();
        let live = subject.tool(peers).stdout(side).start();
        let first = terminal.wait("opened", PATIENCE).map(|at| (at - begin).as_secs_f64() * 1e3);
        stop(live);
        first.unwrap_or(f64::NAN)
    };
    let subjects = [Subject::Columns, Subject::LibbpfTools, Subject::Bpftrace];
    for subject in [Subject::Columns, Subject::LibbpfTools] {
        once(subject);
    }
    let mut times = subjects.map(|_| Vec::new());
    for round in 0..options.rounds * 2 {
        for (subject, times) in subjects.into_iter().zip(&mut times) {
            // A second for every start: that one only now and then.
            if subject != Subject::Bpftrace || round == 0 {
                times.push(once(subject));
            }
        }
    }
    drop(load);
    let [ours, tools, bpftrace] = times.map(median);
    eprintln!("start: ecli {ours:.1} ms, libbpf-tools {tools:.1} ms, bpftrace {bpftrace:.0} ms");
    let figure = |goal, peer| Figure {
        row: "start",
        what: "start to first event, second start",
        unit: "ms",
        goal,
        ours,
        peer,
    };
    vec![figure(Goal::TimesLess(3.0), Some(("libbpf-tools", tools))), figure(Goal::AtMost(6.0), None)]
}

/// Largest resident set after a start with warm caches and some load.
pub(crate) fn memory(options: &Options, peers: &Peers) -> Figure {
    let rows = peers.scratch.at("rows");
    let once = |subject: Subject| {
        let live = subject.start(peers, &rows);
        let _ = Workload::opening(&peers.opened, options.opens).run();
        settle(&live);
        let peak = live.peak_rss_bytes() as f64 / f64::from(1 << 20);
        stop(live);
        peak
    };
    once(Subject::Columns);
    Figure {
        row: "memory",
        what: "peak resident memory, second start",
        unit: "MiB",
        goal: Goal::AtMost(12.0),
        ours: once(Subject::Columns),
        peer: Some(("libbpf-tools", once(Subject::LibbpfTools))),
    }
}

/// From the system call to the terminal, one event now and then: the longest of them.
pub(crate) fn latency(options: &Options, peers: &Peers) -> Figure {
    let (terminal, side) = Terminal::open();
    let live = Subject::Columns.tool(peers).stdout(side).start();
    Subject::Columns.wait_attached(&live);
    let events = if options.smoke { 3 } else { 40 };
    let mut longest: f64 = 0.0;
    for event in 0..events {
        // At another phase of the flush timer each time.
        std::thread::sleep(Duration::from_millis(50 + event * 7 % 100));
        let path = peers.scratch.at(&format!("rare-{event}-"));
        let begin = Instant::now();
        drop(std::fs::File::open(&path));
        let came = terminal.wait(&format!("rare-{event}-"), PATIENCE);
        longest = longest.max(came.map_or(f64::NAN, |at| (at - begin).as_secs_f64() * 1e3));
        if came.is_none() {
            longest = f64::NAN;
            break;
        }
    }
    stop(live);
    Figure {
        row: "latency",
        what: "one event now and then: system call to terminal, longest",
        unit: "ms",
        goal: Goal::AtMost(100.0),
        ours: longest,
        peer: None,
    }
}

/// CPU time while a thousand opens a second are filtered in the kernel.
pub(crate) fn idle(options: &Options, peers: &Peers) -> Figure {
    /// Above the largest process id that the kernel gives out.
    const NOBODY: &str = "4194304";
    let rows = peers.scratch.at("rows");
    let seconds = if options.smoke { 1 } else { 10 };
    let used = |subject: Subject, tool: Tool| {
        let live = tool.stdout_file(&rows).start();
        subject.wait_attached(&live);
        let load = Workload::opening(&peers.opened, seconds * 1000).per_second(1000);
        let (begin, before) = (Instant::now(), live.cpu());
        let _ = load.run();
        let percent = (live.cpu() - before).as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0;
        stop(live);
        percent
    };
    let ours = used(Subject::Columns, Subject::Columns.tool(peers).args(["--targ_tgid", NOBODY]));
    let theirs = used(Subject::LibbpfTools, Subject::LibbpfTools.tool(peers).args(["-p", NOBODY]));
    Figure {
        row: "idle",
        what: "CPU while nothing matches",
        unit: "%",
        goal: Goal::AtMost(0.1),
        ours,
        peer: Some(("libbpf-tools", theirs)),
    }
}
