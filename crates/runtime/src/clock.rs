//! Monotonic and wall time. Records carry CLOCK_MONOTONIC; people read wall time.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The distance between the two clocks at one moment. Read it again for every batch: somebody may set the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    wall_minus_mono_ns: i64,
}

impl Clock {
    /// Reads both clocks; the wall clock is read between two readings of the other. The shortest of three tries counts,
    /// so that an interruption in between does not falsify it.
    #[must_use]
    pub fn now() -> Self {
        let tries = [(); 3].map(|()| {
            let before = mono_ns();
            let wall = nanoseconds(clock_gettime(ClockId::Realtime));
            let took = mono_ns() - before;
            let middle = before + took / 2;
            (took, wall.wrapping_sub(middle as i64))
        });
        let (_, wall_minus_mono_ns) = tries.into_iter().min().expect("there are three");
        Self { wall_minus_mono_ns }
    }

    /// What to add to CLOCK_MONOTONIC to get nanoseconds since 1970.
    #[must_use]
    pub fn wall_offset_ns(self) -> i64 {
        self.wall_minus_mono_ns
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn mono_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic)) as u64
}

fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn monotonic_time_plus_offset_is_wall_time() {
        let wall = Clock::now().wall_offset_ns() + mono_ns() as i64;
        let expected = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as i64;
        assert!((wall - expected).abs() < 1_000_000_000, "{wall} {expected}");
    }
}
