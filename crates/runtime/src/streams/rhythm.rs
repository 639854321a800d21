//! When perf rings wake their reader: at each record while few come, in batches while many do.
//!
//! A wake-up costs the reader some 50 µs of CPU time, and the traced program several of its calls. In batches, a record
//! may have to wait for a timer, and an idle reader has to look now and then. So each has its time.

use std::time::{Duration, Instant};

/// What wakes the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wakes {
    /// Every record.
    Record,
    /// A part of a ring, or the timer.
    Batch,
}

/// How long a record may lie in a ring that is not filled up to its watermark.
const FLUSH: Duration = Duration::from_millis(70);
/// While each record wakes us, one that was too young to be handed over is read as soon as it is old enough, and not
/// before this.
const YOUNG: Duration = Duration::from_micros(100);
/// While each record wakes us, nothing should have to be found by looking. Only a program that was running when that
/// began may have written without a wake-up.
const LOOK: Duration = Duration::from_secs(1);
/// Records in a window that are few.
const FEW: u64 = 4;
const WINDOW: Duration = Duration::from_millis(250);

/// The rate of records, and what follows from it.
#[derive(Debug)]
pub(super) struct Rhythm {
    wakes: Wakes,
    since: Instant,
    window: Instant,
    records: u64,
    has_choice: bool,
}

impl Rhythm {
    /// Rings that wake their reader as `wakes` says. Those that do it in batches at first cannot be changed.
    pub(super) fn new(wakes: Wakes, now: Instant) -> Self {
        Self { wakes, since: now, window: now, records: 0, has_choice: wakes == Wakes::Record }
    }

    /// After a drain of so many records: what to change to.
    pub(super) fn drained(&mut self, now: Instant, records: u64) -> Option<Wakes> {
        let is_over = now.duration_since(self.window) >= WINDOW;
        if is_over && self.wakes == Wakes::Record {
            self.window = now;
            self.records = 0;
        }
        self.records += records;
        let few = self.records <= FEW;
        let wanted = match self.wakes {
            Wakes::Record if !few => Wakes::Batch,
            Wakes::Batch if few && is_over => Wakes::Record,
            same => same,
        };
        if is_over && self.wakes == Wakes::Batch {
            self.window = now;
            self.records = 0;
        }
        (self.has_choice && wanted != self.wakes).then_some(wanted)
    }

    /// The rings wake us so from now on.
    pub(super) fn changed(&mut self, wakes: Wakes, now: Instant) {
        *self = Self { has_choice: true, ..Self::new(wakes, now) };
    }

    /// How long to sleep at most. `young` is the time until the first record that the last drain has left may be
    /// handed over, when it has left one.
    pub(super) fn timeout(&self, now: Instant, young: Option<Duration>) -> Duration {
        match (self.wakes, young) {
            (Wakes::Record, Some(young)) => young.clamp(YOUNG, FLUSH),
            (Wakes::Record, None) if now.duration_since(self.since) > 2 * FLUSH => LOOK,
            _ => FLUSH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_records_come_in_batches_until_there_are_few() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut rhythm = Rhythm::new(Wakes::Record, start);
        assert_eq!(rhythm.drained(at(1), 1), None);
        assert_eq!(rhythm.timeout(at(1), Some(2 * YOUNG)), 2 * YOUNG);
        assert_eq!(rhythm.timeout(at(1), Some(Duration::ZERO)), YOUNG);
        assert_eq!(rhythm.drained(at(2), FEW), Some(Wakes::Batch));
        rhythm.changed(Wakes::Batch, at(2));
        assert_eq!(rhythm.drained(at(200), 1), None, "too early to tell");
        assert_eq!(rhythm.timeout(at(200), Some(YOUNG)), FLUSH);
        assert_eq!(rhythm.drained(at(300), 100), None, "many");
        assert_eq!(rhythm.drained(at(600), 1), Some(Wakes::Record));
        rhythm.changed(Wakes::Record, at(600));
        assert_eq!(rhythm.timeout(at(601), None), FLUSH, "what came while it changed");
        assert_eq!(rhythm.timeout(at(800), None), LOOK);
    }

    #[test]
    fn one_record_now_and_then_wakes_the_reader_itself() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(Wakes::Record, start);
        for second in 1..100 {
            assert_eq!(rhythm.drained(start + Duration::from_secs(second), FEW), None);
        }
    }

    #[test]
    fn rings_without_a_choice_stay_as_they_are() {
        let start = Instant::now();
        let mut rhythm = Rhythm::new(Wakes::Batch, start);
        assert_eq!(rhythm.drained(start + WINDOW, 0), None);
    }
}
