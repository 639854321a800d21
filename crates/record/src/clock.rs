//! When a record was made, as text. A second's worth of it is kept, so that a row costs a copy; the zone is asked again
//! with every new second, so that a change of zone or clock shows at once.
//!
//! ```
//! use record::{Clock, Stamp, TimeStyle, Zone};
//!
//! struct Berlin;
//! impl Zone for Berlin {
//!     fn offset_seconds(&mut self, _: i64) -> i32 { 3600 }
//! }
//! let clock = Clock::new(TimeStyle::Wall, Berlin);
//! # let _ = clock;
//! ```

use crate::number;
use crate::row::Row;

const SECOND: i64 = 1_000_000_000;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// CLOCK_MONOTONIC.
    pub mono_ns: u64,
    /// Since 1970-01-01 UTC.
    pub wall_ns: i64,
}

/// How a moment is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeStyle {
    /// Local: `HH:MM:SS` in columns and CSV, RFC 3339 with nanoseconds in JSON.
    #[default]
    Wall,
    /// Seconds since 1970-01-01 UTC, with nanoseconds.
    Unix,
    /// Seconds since the machine started, with nanoseconds.
    Mono,
}

/// What the time of day is somewhere.
pub trait Zone {
    /// Local time less UTC at a moment. Asked once for every second that is shown.
    fn offset_seconds(&mut self, unix_seconds: i64) -> i32;
}

/// Writes moments.
pub struct Clock {
    style: TimeStyle,
    zone: Box<dyn Zone>,
    /// The second that the texts are of.
    second: Option<i64>,
    /// `HH:MM:SS`.
    time: [u8; 8],
    /// `YYYY-MM-DDTHH:MM:SS.`
    date: String,
    /// `+HH:MM`.
    offset: [u8; 6],
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock")
            .field("style", &self.style)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}

impl Clock {
    /// The zone is only asked for [`TimeStyle::Wall`].
    #[must_use]
    pub fn new(style: TimeStyle, zone: impl Zone + 'static) -> Self {
        let (time, offset) = (*b"00:00:00", *b"+00:00");
        Self { style, zone: Box::new(zone), second: None, time, date: String::with_capacity(32), offset }
    }

    /// How many places [`Clock::short`] usually takes.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        match self.style {
            TimeStyle::Wall => 8,
            TimeStyle::Unix => 20,
            TimeStyle::Mono => 16,
        }
    }

    /// For people; 8 places for the time of day, 20 or so for the others.
    #[inline(always)]
    pub(crate) fn short(&mut self, row: &mut Row, stamp: Stamp) {
        match self.style {
            TimeStyle::Wall => {
                self.turn(stamp.wall_ns.div_euclid(SECOND));
                row.piece(&self.time, 8);
            }
            TimeStyle::Unix => decimal(row, i128::from(stamp.wall_ns)),
            TimeStyle::Mono => decimal(row, i128::from(stamp.mono_ns)),
        }
    }

    /// For JSON: a string or a number.
    pub(crate) fn json(&mut self, row: &mut Row, stamp: Stamp) {
        if self.style != TimeStyle::Wall {
            return self.short(row, stamp);
        }
        self.turn(stamp.wall_ns.div_euclid(SECOND));
        row.byte(b'"');
        row.text(self.date.as_bytes());
        nanoseconds(row, stamp.wall_ns.rem_euclid(SECOND) as u32);
        row.piece(&self.offset, 6);
        row.byte(b'"');
    }

    #[inline(always)]
    fn turn(&mut self, second: i64) {
        if self.second != Some(second) {
            self.renew(second);
        }
    }

    #[cold]
    #[inline(never)]
    fn renew(&mut self, second: i64) {
        self.second = Some(second);
        // Seconds of an offset have no place in RFC 3339; zones of the last hundred years have none.
        let minutes = self.zone.offset_seconds(second).clamp(-86_340, 86_340) / 60;
        let local = second.saturating_add(i64::from(minutes) * 60);
        let (days, time) = (local.div_euclid(86_400), local.rem_euclid(86_400) as u32);
        let two = |at: &mut [u8], value: u32| at.copy_from_slice(&number::pair(value));
        two(&mut self.time[..2], time / 3600);
        two(&mut self.time[3..5], time / 60 % 60);
        two(&mut self.time[6..], time % 60);
        self.offset[0] = if minutes < 0 { b'-' } else { b'+' };
        two(&mut self.offset[1..3], minutes.unsigned_abs() / 60);
        two(&mut self.offset[4..], minutes.unsigned_abs() % 60);
        let (year, month, day) = civil(days);
        self.date.clear();
        let time = str::from_utf8(&self.time).expect("digits and colons");
        std::fmt::Write::write_fmt(&mut self.date, format_args!("{year:04}-{month:02}-{day:02}T{time}."))
            .expect("a string takes everything");
    }
}

fn decimal(row: &mut Row, ns: i128) {
    if ns < 0 {
        row.byte(b'-');
    }
    let ns = ns.unsigned_abs() as u64;
    number::unsigned(row, ns / SECOND as u64);
    row.byte(b'.');
    nanoseconds(row, (ns % SECOND as u64) as u32);
}

/// Nine digits.
fn nanoseconds(row: &mut Row, ns: u32) {
    row.byte(b'0' + (ns / 100_000_000) as u8);
    for divisor in [1_000_000, 10_000, 100, 1] {
        row.piece(&number::pair(ns / divisor), 2);
    }
}

/// Days since 1970-01-01 → the proleptic Gregorian calendar, counted in eras of 400 years that start on 1 March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Moving(Vec<i32>);
    impl Zone for Moving {
        fn offset_seconds(&mut self, _: i64) -> i32 {
            self.0.pop().expect("asked once a second")
        }
    }

    fn shown(clock: &mut Clock, wall_ns: i64, json: bool) -> String {
        let mut row = Row::default();
        let stamp = Stamp { mono_ns: 1_000_000_005, wall_ns };
        if json {
            clock.json(&mut row, stamp);
        } else {
            clock.short(&mut row, stamp);
        }
        String::from_utf8(row.as_slice().to_vec()).unwrap()
    }

    #[test]
    fn the_zone_is_asked_once_a_second_and_a_change_shows() {
        let mut clock = Clock::new(TimeStyle::Wall, Moving(vec![-19_800, 7200]));
        assert_eq!(shown(&mut clock, 0, false), "02:00:00");
        assert_eq!(shown(&mut clock, 999_999_999, true), "\"1970-01-01T02:00:00.999999999+02:00\"");
        assert_eq!(shown(&mut clock, SECOND, true), "\"1969-12-31T18:30:01.000000000-05:30\"");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let date =
            |second: i64| shown(&mut Clock::new(TimeStyle::Wall, Moving(vec![0])), second * SECOND, true);
        assert!(date(951_782_400).starts_with("\"2000-02-29T00:00:00."));
        assert!(date(4_107_542_399).starts_with("\"2100-02-28T23:59:59."));
        assert!(date(-1).starts_with("\"1969-12-31T23:59:59."));
        assert!(date(1_700_000_000).starts_with("\"2023-11-14T22:13:20."));
    }

    #[test]
    fn other_clocks_are_seconds_with_nanoseconds() {
        assert_eq!(shown(&mut Clock::new(TimeStyle::Mono, Moving(vec![])), 0, false), "1.000000005");
        assert_eq!(shown(&mut Clock::new(TimeStyle::Unix, Moving(vec![])), -1, true), "-0.000000001");
    }
}
