//! How far a transfer is.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Told how far a transfer is; `()` does not care.
pub trait Progress {
    /// `received` bytes are here, of `total` when the server said so.
    fn advance(&mut self, received: u64, total: Option<u64>);
    /// The transfer has ended, well or not. Called once, and also when nothing was received.
    fn finish(&mut self);
}

impl Progress for () {
    fn advance(&mut self, _received: u64, _total: Option<u64>) {}
    fn finish(&mut self) {}
}

/// A line that is redrawn in place, once the transfer has taken longer than `delay`, and wiped at the end.
#[derive(Debug)]
pub struct Bar<W: Write> {
    out: Option<W>,
    started: Instant,
    delay: Duration,
    drawn: Option<Instant>,
}

const REDRAW: Duration = Duration::from_millis(100);
const CELLS: u64 = 30;

impl Bar<io::Stderr> {
    /// A bar on standard error when that is a terminal, after a second; else nothing.
    #[must_use]
    pub fn stderr() -> Self {
        let stderr = io::stderr();
        let out = stderr.is_terminal().then_some(stderr);
        Self { out, started: Instant::now(), delay: Duration::from_secs(1), drawn: None }
    }
}

impl<W: Write> Bar<W> {
    /// A bar on `out` after `delay`.
    pub fn new(out: W, delay: Duration) -> Self {
        Self { out: Some(out), started: Instant::now(), delay, drawn: None }
    }
}

impl<W: Write> Progress for Bar<W> {
    fn advance(&mut self, received: u64, total: Option<u64>) {
        let due = match self.drawn {
            Some(drawn) => drawn.elapsed() >= REDRAW,
            None => self.started.elapsed() >= self.delay,
        };
        let Some(out) = self.out.as_mut().filter(|_| due) else { return };
        self.drawn = Some(Instant::now());
        let line = match total {
            Some(total) if total > 0 => {
                let cells = usize::try_from(received.min(total) * CELLS / total).unwrap_or_default();
                let (done, open) = ("#".repeat(cells), ".".repeat(CELLS as usize - cells));
                format!("\r\x1b[K[{done}{open}] {} of {}", size(received), size(total))
            }
            _ => format!("\r\x1b[K{} received", size(received)),
        };
        // A terminal that is gone is no reason to give up the transfer.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }

    fn finish(&mut self) {
        if let (Some(_), Some(out)) = (self.drawn.take(), self.out.as_mut()) {
            let _ = out.write_all(b"\r\x1b[K").and_then(|()| out.flush());
        }
    }
}

fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    match bytes {
        0..=1023 => format!("{bytes} B"),
        1024..=1_048_575 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_that_is_quicker_than_the_delay_draws_nothing() {
        let mut out = Vec::new();
        let mut bar = Bar::new(&mut out, Duration::from_secs(3600));
        bar.advance(10, Some(100));
        bar.finish();
        assert_eq!(out, b"");
    }

    #[test]
    fn a_slow_transfer_is_drawn_and_wiped() {
        let mut out = Vec::new();
        let mut bar = Bar::new(&mut out, Duration::ZERO);
        bar.advance(512, Some(1024));
        bar.finish();
        let done = "#".repeat(15);
        let open = ".".repeat(15);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!("\r\x1b[K[{done}{open}] 512 B of 1.0 KiB\r\x1b[K")
        );
    }

    #[test]
    fn an_unknown_or_wrong_total_is_drawn_too() {
        for (received, total, text) in
            [(2048, None, "2.0 KiB received"), (9, Some(3), "9 B of 3 B"), (0, Some(0), "0 B received")]
        {
            let mut out = Vec::new();
            Bar::new(&mut out, Duration::ZERO).advance(received, total);
            assert!(String::from_utf8(out).unwrap().contains(text), "{text}");
        }
    }
}
