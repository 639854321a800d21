//! Text that may hold anything: a process chooses its own name, and a path is any bytes.
//!
//! For people, what could move the cursor, recolour, reorder or hide is written `\xNN`, byte by byte, and so is what is
//! not UTF-8; a backslash is doubled only in a value that holds such an escape, so that ordinary paths stay as they are.
//! For JSON the same characters are `\uNNNN` (the same text to any parser), and bytes that are not UTF-8 are U+FFFD.

use crate::row::Row;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// The high bit of every byte that is not printable ASCII.
#[inline(always)]
fn odd(word: u64) -> u64 {
    let low = word & !HIGHS;
    (!(low + ONES * 0x60) | (low + ONES) | word) & HIGHS
}

/// The high bit of every byte that is `byte`.
#[inline(always)]
fn is(word: u64, byte: u8) -> u64 {
    let differing = word ^ (ONES * u64::from(byte));
    !(((differing & !HIGHS) + !HIGHS) | differing) & HIGHS
}

/// How many bytes of `piece` are to be copied as they are before one needs a look.
#[inline(always)]
fn clean<const JSON: bool>(piece: &[u8; 16]) -> usize {
    let word = u128::from_le_bytes(*piece);
    let (low, high) = (word as u64, (word >> 64) as u64);
    let (mut low_odd, mut high_odd) = (odd(low), odd(high));
    if JSON {
        low_odd |= is(low, b'"') | is(low, b'\\');
        high_odd |= is(high, b'"') | is(high, b'\\');
    }
    if low_odd != 0 {
        low_odd.trailing_zeros() as usize / 8
    } else if high_odd != 0 {
        8 + high_odd.trailing_zeros() as usize / 8
    } else {
        16
    }
}

/// What became of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// As it is, one place a byte.
    Ascii,
    /// Escaped, or in letters of other scripts.
    Other,
    /// Some bytes were not UTF-8.
    Damaged,
}

/// Appends `bytes` up to the first NUL. `JSON` without its quotation marks.
#[inline(always)]
pub(crate) fn text<const JSON: bool>(row: &mut Row, bytes: &[u8]) -> Written {
    let start = row.len();
    let mut rest = bytes;
    loop {
        let piece = match rest.first_chunk::<16>() {
            Some(piece) => *piece,
            None => {
                let mut piece = [0; 16];
                piece[..rest.len()].copy_from_slice(rest);
                piece
            }
        };
        let count = clean::<JSON>(&piece);
        row.piece(&piece, count);
        if count == 16 {
            rest = &rest[16..];
        } else if piece[count] == 0 {
            return Written::Ascii;
        } else {
            return careful::<JSON>(row, start, until_nul(bytes));
        }
    }
}

/// The bytes before the first NUL.
pub(crate) fn until_nul(bytes: &[u8]) -> &[u8] {
    memchr::memchr(0, bytes).map_or(bytes, |end| &bytes[..end])
}

#[cold]
#[inline(never)]
fn careful<const JSON: bool>(row: &mut Row, start: usize, bytes: &[u8]) -> Written {
    row.truncate(start);
    if row.is_too_long() {
        return Written::Damaged;
    }
    if JSON { json(row, bytes) } else { plain(row, bytes) }
}

fn plain(row: &mut Row, bytes: &[u8]) -> Written {
    let escaped =
        bytes.utf8_chunks().any(|chunk| !chunk.invalid().is_empty() || chunk.valid().chars().any(dangerous));
    if !escaped {
        row.text(bytes);
        return Written::Other;
    }
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut utf8 = [0; 4];
            let utf8 = character.encode_utf8(&mut utf8).as_bytes();
            match character {
                '\\' => row.text(b"\\\\"),
                _ if dangerous(character) => escape_bytes(row, utf8),
                _ => row.text(utf8),
            }
        }
        escape_bytes(row, chunk.invalid());
    }
    Written::Other
}

fn escape_bytes(row: &mut Row, bytes: &[u8]) {
    for byte in bytes {
        row.text(b"\\x");
        crate::number::hex_bytes(row, &[*byte]);
    }
}

fn json(row: &mut Row, bytes: &[u8]) -> Written {
    let mut written = Written::Other;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => row.text(b"\\\""),
                '\\' => row.text(b"\\\\"),
                '\n' => row.text(b"\\n"),
                '\r' => row.text(b"\\r"),
                '\t' => row.text(b"\\t"),
                _ if dangerous(character) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        row.text(b"\\u");
                        crate::number::hex_bytes(row, &unit.to_be_bytes());
                    }
                }
                _ => row.text(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for _ in chunk.invalid() {
            row.text("\u{fffd}".as_bytes());
            written = Written::Damaged;
        }
    }
    written
}

/// Whether a terminal, or whoever reads it, could be misled: controls (C0, DEL, C1), separators of lines, invisible and
/// direction-changing characters.
fn dangerous(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// How many places the bytes take on a terminal, one a character.
#[inline]
pub(crate) fn width(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<const JSON: bool>(bytes: &[u8]) -> (String, Written) {
        let mut row = Row::default();
        let written = text::<JSON>(&mut row, bytes);
        (String::from_utf8(row.as_slice().to_vec()).unwrap(), written)
    }

    #[test]
    fn text_ends_at_the_first_nul_or_with_its_bytes() {
        for len in 0..70 {
            let mut bytes: Vec<u8> = (0..len).map(|i| b'a' + i % 26).collect();
            let expected = String::from_utf8(bytes.clone()).unwrap();
            assert_eq!(shown::<false>(&bytes).0, expected);
            bytes.extend(b"\0\x1b\xff");
            assert_eq!(shown::<false>(&bytes).0, expected);
            assert_eq!(shown::<true>(&bytes), (expected, Written::Ascii));
        }
    }

    #[test]
    fn each_byte_alone_is_shown_safely() {
        for byte in 1..=255_u8 {
            let expected = match byte {
                0x20..=0x7e => char::from(byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            };
            assert_eq!(shown::<false>(&[byte]).0, expected);
            let json = format!("\"{}\"", shown::<true>(&[byte]).0);
            let back: String = serde_json::from_str(&json).unwrap();
            assert_eq!(back, if byte < 0x80 { char::from(byte).to_string() } else { "\u{fffd}".into() });
        }
    }

    #[test]
    fn a_backslash_is_doubled_only_beside_an_escape() {
        assert_eq!(shown::<false>(br"a\b").0, r"a\b");
        assert_eq!(shown::<false>(b"a\\b\x1b").0, r"a\\b\x1b");
    }

    #[test]
    fn what_reorders_or_hides_is_escaped_and_letters_are_not() {
        assert_eq!(shown::<false>("é\u{202e}x".as_bytes()).0, r"é\xe2\x80\xaex");
        assert_eq!(shown::<false>("\u{9b}2J".as_bytes()).0, r"\xc2\x9b2J");
        assert_eq!(shown::<false>("日本 ёж".as_bytes()).0, "日本 ёж");
        assert_eq!(shown::<true>("\u{202e}\u{e0001}".as_bytes()).0, r"\u202e\udb40\udc01");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_each_replaced_in_json() {
        assert_eq!(shown::<true>(b"a\xf0\x9f\x98b"), ("a\u{fffd}\u{fffd}\u{fffd}b".into(), Written::Damaged));
    }
}
