//! Integers at any bit of a record, 1 to 128 bits wide. Total: what the record does not hold is `None`.

/// `width` bits from bit `at`, counted from the lowest bit of the first byte, as C lays out bitfields on little
/// endian machines. `width` is at most 128.
pub(crate) fn unsigned(bytes: &[u8], at: u64, width: u32) -> Option<u128> {
    let first = usize::try_from(at / 8).ok()?;
    let shift = (at % 8) as u32;
    let count = (shift + width).div_ceil(8) as usize;
    let held = bytes.get(first..first.checked_add(count)?)?;
    let (low, high) = held.split_at(count.min(16));
    let mut word = [0; 16];
    word[..low.len()].copy_from_slice(low);
    let mut value = u128::from_le_bytes(word) >> shift;
    if let [top] = high {
        // A seventeenth byte is only touched when the value starts inside a byte.
        value |= u128::from(*top) << (128 - shift);
    }
    Some(if width < 128 { value & ((1 << width) - 1) } else { value })
}

/// As [`unsigned`], in two's complement.
pub(crate) fn signed(bytes: &[u8], at: u64, width: u32) -> Option<i128> {
    let value = unsigned(bytes, at, width)?;
    let unused = 128 - width;
    Some(if width == 0 { 0 } else { ((value << unused) as i128) >> unused })
}

/// The lowest `width` (1 to 64) bits in two's complement.
#[inline]
pub(crate) fn sign_extend(value: u64, width: u32) -> i64 {
    let unused = 64 - width;
    ((value << unused) as i64) >> unused
}

/// `N` bytes from byte `at`.
#[inline]
pub(crate) fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_at_any_bit_and_any_width() {
        let value: u128 = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
        for shift in 0..8_u32 {
            for width in 1..=128_u32 {
                let masked = if width == 128 { value } else { value & ((1 << width) - 1) };
                let mut bytes = [0_u8; 17];
                bytes[..16].copy_from_slice(&(masked << shift).to_le_bytes());
                if shift > 0 {
                    bytes[16] = (masked >> (128 - shift)) as u8;
                }
                assert_eq!(unsigned(&bytes, u64::from(shift), width), Some(masked), "{shift} {width}");
            }
        }
    }

    #[test]
    fn a_value_that_the_record_does_not_hold_whole_is_missing() {
        assert_eq!(unsigned(&[1, 2, 3], 0, 32), None);
        assert_eq!(unsigned(&[1, 2, 3], 17, 8), None);
        assert_eq!(unsigned(&[1, 2, 3], u64::MAX, 8), None);
        assert_eq!(unsigned(&[1, 2, 3], 16, 8), Some(3));
    }

    #[test]
    fn the_highest_bit_is_the_sign() {
        assert_eq!(signed(&[0b111 << 2], 2, 3), Some(-1));
        assert_eq!(signed(&[0xff; 16], 0, 128), Some(-1));
        assert_eq!(sign_extend(0b100, 3), -4);
    }
}
