//! Readers of option values: durations and sizes as people write them.

use std::time::Duration;

/// `10s`, `1500ms`, `2m`, `1h`; a bare number means seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit '{unit}': use us, ms, s, m or h, as in 10s")),
    };
    let number: f64 = number.parse().map_err(|_| "expected a number with a unit, as in 10s".to_owned())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "too long".to_owned())
}

/// `65536`, `64K`, `1M`, `2G` (powers of 1024; `KiB` and the like are accepted too).
pub(super) fn size(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_lowercase().trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return Err(format!("unknown unit '{unit}': use K, M or G, as in 1M")),
    };
    let number: u64 =
        number.parse().map_err(|_| "expected a number of bytes, as in 65536 or 1M".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("10 parsecs").is_err());
        assert!(duration("").is_err());
        assert!(duration("-1s").is_err());
        assert!(duration("99999999999999999999999h").is_err());
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(size("65536"), Ok(65536));
        assert_eq!(size("64K"), Ok(65536));
        assert_eq!(size("1MiB"), Ok(1 << 20));
        assert_eq!(size("2G"), Ok(2 << 30));
        assert!(size("1T").is_err());
        assert!(size("M").is_err());
        assert!(size("99999999999G").is_err());
    }
}
