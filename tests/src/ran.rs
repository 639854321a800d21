//! What is left of a program that has ended.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// A program that has ended.
#[derive(Debug)]
pub struct Ran {
    pub(crate) command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// All of it, or nothing when it went elsewhere.
    pub stdout: Vec<u8>,
    /// All of it, or nothing when it went elsewhere.
    pub stderr: Vec<u8>,
    /// From its start to its end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Largest resident set.
    pub peak_rss_bytes: u64,
}

impl Ran {
    /// Exit code; `None` when a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it printed, with U+FFFD for bytes that are not UTF-8.
    #[must_use]
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it said.
    #[must_use]
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// # Panics
    /// With everything known about the run when the exit code is another.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert!(self.code() == Some(code), "expected exit code {code}\n{self}");
        self
    }

    /// # Panics
    /// When standard error does not hold the text.
    #[track_caller]
    pub fn expect_err(&self, text: &str) -> &Self {
        assert!(self.err().contains(text), "expected on standard error: {text}\n{self}");
        self
    }

    /// # Panics
    /// When standard output does not hold the text.
    #[track_caller]
    pub fn expect_out(&self, text: &str) -> &Self {
        assert!(self.out().contains(text), "expected on standard output: {text}\n{self}");
        self
    }

    /// # Panics
    /// When anything is on standard output.
    #[track_caller]
    pub fn expect_no_out(&self) -> &Self {
        assert!(self.stdout.is_empty(), "expected nothing on standard output\n{self}");
        self
    }

    /// # Panics
    /// When it took longer.
    #[track_caller]
    pub fn expect_within(&self, most: Duration) -> &Self {
        assert!(self.wall <= most, "took {:?}, expected at most {most:?}\n{self}", self.wall);
        self
    }

    /// An error as it should be: this exit code, nothing on standard output, one line that starts with `error:` and holds the
    /// text (hint lines may follow), no backtrace.
    ///
    /// # Panics
    /// When it is not like that.
    #[track_caller]
    pub fn expect_error(&self, code: i32, text: &str) -> &Self {
        self.expect_code(code).expect_no_out();
        let err = self.err();
        let errors: Vec<_> = err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(errors.len() == 1, "expected one line `error: …`\n{self}");
        assert!(errors[0].contains(text), "expected in the error: {text}\n{self}");
        assert!(!err.contains("panicked") && !err.contains("RUST_BACKTRACE"), "a panic\n{self}");
        self
    }
}

/// As a person reads it after a failure; long streams cut in the middle.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, status, stdout, stderr, wall, cpu, peak_rss_bytes } = self;
        writeln!(f, "$ {command}")?;
        match (status.code(), status.signal()) {
            (Some(code), _) => write!(f, "exit code {code}")?,
            (None, signal) => write!(f, "ended by signal {}", signal.unwrap_or_default())?,
        }
        writeln!(f, " after {wall:.1?}, {cpu:.1?} of CPU, {} KiB", peak_rss_bytes / 1024)?;
        for (name, bytes) in [("stdout", stdout), ("stderr", stderr)] {
            writeln!(f, "--- {name}, {} bytes", bytes.len())?;
            let text = String::from_utf8_lossy(bytes);
            let lines: Vec<_> = text.lines().collect();
            let (head, tail) =
                if lines.len() > 40 { (20, lines.len() - 20) } else { (lines.len(), lines.len()) };
            lines[..head].iter().try_for_each(|line| writeln!(f, "{line}"))?;
            if tail > head {
                writeln!(f, "… {} lines …", tail - head)?;
            }
            lines[tail..].iter().try_for_each(|line| writeln!(f, "{line}"))?;
        }
        Ok(())
    }
}
