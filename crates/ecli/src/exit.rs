//! How the process ends: exit codes, and the one error type that carries one.

use std::error::Error;
use std::process::ExitCode;

/// Exit codes, as documented in `--help`, the README and the man page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Did what was asked; also Ctrl-C, SIGTERM, `--timeout` and a closed pipe.
    Done = 0,
    /// Unreadable file, network, HTTP status, cut body, full disk.
    Failed = 1,
    /// Options, parameters, filter, plain http refused.
    Usage = 2,
    /// Read, but no usable package.
    Package = 3,
    /// This kernel or these privileges cannot run it.
    Kernel = 4,
    /// The digest differs.
    Digest = 5,
    /// Events were lost, and `--fail-on-loss` was given.
    Loss = 6,
}

impl Exit {
    /// The meaning of a code; what is not in the table is a failure.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        [Self::Done, Self::Usage, Self::Package, Self::Kernel, Self::Digest, Self::Loss]
            .into_iter()
            .find(|exit| *exit as u8 == code)
            .unwrap_or(Self::Failed)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a mode ended early: what to say, what to try, how to exit.
#[derive(Debug)]
pub struct Failure {
    /// Exit code.
    pub exit: Exit,
    /// What happened; its sources follow it on the same line.
    pub error: Box<dyn Error + Send + Sync>,
    /// One thing to try.
    pub hint: Option<String>,
    /// Lines that belong below the message, such as the verifier's.
    pub detail: Option<String>,
}

impl Failure {
    /// A failure without hint.
    pub fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, error: error.into(), hint: None, detail: None }
    }

    /// Adds what to try.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// Adds lines to show below the message.
    #[must_use]
    pub fn with_detail(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }

    /// The error and everything that caused it, on one line, each cause once.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = one_line(&self.error.to_string());
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let text = one_line(&error.to_string());
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        message
    }
}

/// Line breaks and control characters of a message (a file name may hold them) never reach the terminal as they are.
fn one_line(text: &str) -> String {
    text.trim()
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer \u{1b}[31m")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_message_is_one_line_with_its_causes() {
        let failure = Failure::new(Exit::Failed, Outer(std::io::Error::other("in\nner")));
        assert_eq!(failure.message(), "outer \\u{1b}[31m: in\\nner");
    }
}
