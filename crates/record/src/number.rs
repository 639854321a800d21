//! Numbers as digits, straight into the row.

use std::fmt::Write as _;

use crate::row::Row;

/// `00` to `99`.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

#[inline(always)]
pub(crate) fn pair(value: u32) -> [u8; 2] {
    PAIRS[(value % 100) as usize]
}

#[inline(always)]
pub(crate) fn unsigned(row: &mut Row, value: u64) {
    if value < 10 {
        row.byte(b'0' + value as u8);
    } else if value < 10_000 {
        few(row, value as u32);
    } else {
        many(row, value);
    }
}

/// Four digits, of which the leading zeros are shifted out: fewer branches to be mispredicted.
#[inline(always)]
fn few(row: &mut Row, value: u32) {
    let [high, low] = [pair(value / 100), pair(value)];
    let digits = u32::from_le_bytes([high[0], high[1], low[0], low[1]]);
    let zeros = ((digits ^ 0x3030_3030) | 1 << 24).trailing_zeros() / 8;
    row.piece(&(digits >> (8 * zeros)).to_le_bytes(), 4 - zeros as usize);
}

#[inline(always)]
fn many(row: &mut Row, value: u64) {
    let count = value.ilog10() as usize + 1;
    let to: &mut [u8; 20] = row.spare();
    let mut end = count;
    let mut rest = value;
    while rest > u64::from(u32::MAX) {
        end -= 2;
        to[end..end + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    let mut rest = rest as u32;
    while rest >= 100 {
        end -= 2;
        to[end..end + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest >= 10 {
        to[..2].copy_from_slice(&pair(rest));
    } else {
        to[0] = b'0' + rest as u8;
    }
    row.keep(count);
}

#[inline(always)]
pub(crate) fn signed(row: &mut Row, value: i64) {
    if value < 0 {
        row.byte(b'-');
    }
    unsigned(row, value.unsigned_abs());
}

pub(crate) fn unsigned_wide(row: &mut Row, value: u128) {
    row.text(itoa::Buffer::new().format(value).as_bytes());
}

pub(crate) fn signed_wide(row: &mut Row, value: i128) {
    row.text(itoa::Buffer::new().format(value).as_bytes());
}

/// `0x` and as few digits as it takes.
pub(crate) fn hex(row: &mut Row, value: u128) {
    write!(row, "{value:#x}").expect("a row takes everything");
}

/// Two digits a byte.
pub(crate) fn hex_bytes(row: &mut Row, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        row.piece(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]], 2);
    }
}

/// As few digits as tell it from its neighbours, in its own width: 1.1 stays 1.1.
pub(crate) fn float(row: &mut Row, value: impl std::fmt::Debug) {
    write!(row, "{value:?}").expect("a row takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Row)) -> String {
        let mut row = Row::default();
        write(&mut row);
        String::from_utf8(row.as_slice().to_vec()).unwrap()
    }

    #[test]
    fn every_length_of_number_is_written_as_the_standard_library_does() {
        let mut value = 1_u64;
        for _ in 0..20 {
            for value in [value - 1, value, value + 1, value.wrapping_mul(9) + 7] {
                assert_eq!(written(|row| unsigned(row, value)), value.to_string());
                assert_eq!(written(|row| signed(row, value as i64)), (value as i64).to_string());
            }
            value = value.saturating_mul(10).min(u64::MAX - 1);
        }
        assert_eq!(written(|row| unsigned(row, u64::MAX)), u64::MAX.to_string());
        assert_eq!(written(|row| signed(row, i64::MIN)), i64::MIN.to_string());
    }

    #[test]
    fn a_float_keeps_the_digits_of_its_own_width() {
        assert_eq!(written(|row| float(row, 1.1_f32)), "1.1");
        assert_eq!(written(|row| float(row, 1e300_f64)), "1e300");
    }
}
