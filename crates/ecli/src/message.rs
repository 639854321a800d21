//! What goes to standard error: errors, hints, notices. Rows never do, and these never go to standard output.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use crate::exit::Failure;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// `-q`: errors only.
    Quiet,
    /// What was attached, and the ledger's line at the end.
    Normal,
    /// `-v`: also libbpf's log and what a package says that has no effect.
    Verbose,
}

/// The writer of messages.
#[derive(Debug, Clone, Copy)]
pub struct Messages {
    verbosity: Verbosity,
    colour: bool,
}

impl Messages {
    /// Colour only where standard error is a terminal and NO_COLOR is unset or empty.
    #[must_use]
    pub fn new(verbosity: Verbosity) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { verbosity, colour: !refused && std::io::stderr().is_terminal() }
    }

    /// Whether `-v` was given.
    #[must_use]
    pub fn is_verbose(&self) -> bool {
        self.verbosity == Verbosity::Verbose
    }

    /// Whether `-q` was given.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// Something that an ordinary user wants to know.
    pub fn notice(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.line(&text.to_string());
        }
    }

    /// Something that is shown with `-v` only.
    pub fn detail(&self, text: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            self.line(&text.to_string());
        }
    }

    /// An error, the lines that belong to it, and at most one hint.
    pub fn failure(&self, failure: &Failure) {
        self.line(&format!("{}: {}", self.painted("31;1", "error"), failure.message()));
        for line in failure.detail.iter().flat_map(|detail| detail.lines()) {
            self.line(&format!("  {line}"));
        }
        if let Some(hint) = &failure.hint {
            self.line(&format!("{}: {hint}", self.painted("36;1", "hint")));
        }
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A closed standard error is no reason to fail.
    fn line(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// Text of somebody else's (a package, a file name) without what could steer a terminal: control characters and
/// changes of direction become blanks.
#[must_use]
pub fn printable(text: &str) -> String {
    let safe = |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if safe(c) { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_package_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}"), "a [31mb ");
    }
}
