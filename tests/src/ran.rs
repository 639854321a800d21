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

    /// A refusal, exactly: this exit code, nothing on standard output, and on standard error one line `error: …` and
    /// one line `hint: …`, without a hint when none is expected. `…` in what is expected stands for any text.
    ///
    /// # Panics
    /// When it is not like that, or took two seconds.
    #[track_caller]
    pub fn expect_refusal(&self, code: i32, error: &str, hint: &str) -> &Self {
        self.expect_code(code).expect_no_out().expect_within(QUICK);
        let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
        let expected = format!("error: {error}\n{hint}");
        let err = self.err();
        let is_like = err.lines().count() == expected.lines().count()
            && err.lines().zip(expected.lines()).all(|(line, pattern)| matches(line, pattern));
        assert!(is_like, "expected on standard error:\n{expected}\n{self}");
        self
    }
}

/// How long a refusal may take.
const QUICK: Duration = Duration::from_secs(2);

/// Whether the text is the pattern, in which each `…` stands for any text.
fn matches(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
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

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn an_ellipsis_stands_for_any_text() {
        for pattern in ["a b c", "…", "a…", "…c", "a…c", "…b…", "a …b… c", "a b c…"] {
            assert!(matches("a b c", pattern), "{pattern}");
        }
        for pattern in ["", "a b", "b…", "…b", "a…d…c", "a b c…c"] {
            assert!(!matches("a b c", pattern), "{pattern}");
        }
    }
}
