//! C types as packages spell them, understood well enough to compare kind and width.
//!
//! Spellings differ without the types differing: `unsigned long long`, `long long unsigned int`, `__u64`, `u64`.

/// What a spelling says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CType {
    pub(crate) base: Base,
    /// Array lengths, outermost first.
    pub(crate) lengths: Vec<u64>,
}

/// The element under the arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// One-byte text element.
    Char,
    /// A number.
    Integer {
        bits: u16,
        signed: bool,
    },
    Bool,
    Float {
        bits: u16,
    },
    /// Whatever it points to.
    Pointer,
    /// A struct or union; the tag where it is given.
    Aggregate(Option<String>),
    /// The tag where it is given.
    Enum(Option<String>),
    /// A typedef that is not one of the well-known ones.
    Named(String),
}

impl CType {
    /// `None`: nothing that can be understood.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The width of a bitfield is BTF's business.
        let text = text.split(':').next().unwrap_or_default();
        let (text, lengths) = split_lengths(text)?;
        if text.contains('*') || text.contains('(') {
            return Some(Self { base: Base::Pointer, lengths });
        }
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|word| !matches!(*word, "const" | "volatile" | "restrict" | "__restrict" | "_Atomic"))
            .collect();
        Some(Self { base: base(&words)?, lengths })
    }
}

/// Takes `[4][8]` off the end.
fn split_lengths(text: &str) -> Option<(&str, Vec<u64>)> {
    let mut lengths = Vec::new();
    let mut text = text.trim();
    while let Some(open) = text.strip_suffix(']') {
        let (rest, length) = open.rsplit_once('[')?;
        let length = length.trim();
        lengths.push(if length.is_empty() { 0 } else { length.parse().ok()? });
        text = rest.trim_end();
    }
    lengths.reverse();
    Some((text, lengths))
}

fn base(words: &[&str]) -> Option<Base> {
    let tag = |words: &[&str]| words.first().filter(|tag| !tag.starts_with('{')).map(|tag| (*tag).to_owned());
    match words {
        [] => None,
        ["struct" | "union", rest @ ..] => Some(Base::Aggregate(tag(rest))),
        ["composite"] => Some(Base::Aggregate(None)),
        ["enum", rest @ ..] => Some(Base::Enum(tag(rest))),
        [word] => Some(named(word)),
        words => numbers(words),
    }
}

/// Several words in any order: `long unsigned int`.
fn numbers(words: &[&str]) -> Option<Base> {
    let count = |word: &str| words.iter().filter(|w| **w == word).count();
    const KNOWN: [&str; 9] =
        ["unsigned", "signed", "__signed__", "long", "short", "int", "char", "double", "__int128"];
    if words.iter().any(|word| !KNOWN.contains(word)) {
        return None;
    }
    let signed = count("unsigned") == 0;
    let integer = |bits| Some(Base::Integer { bits, signed });
    match (count("char"), count("short"), count("long"), count("__int128"), count("double")) {
        (1, ..) => integer(8),
        (_, 1, ..) => integer(16),
        (.., 1, _) => integer(128),
        (.., 1) => None,
        (_, _, 1 | 2, ..) => integer(64),
        _ => integer(32),
    }
}

/// One word: a keyword or one of the typedefs that Linux code uses everywhere.
fn named(word: &str) -> Base {
    let signed = |bits| Base::Integer { bits, signed: true };
    let unsigned = |bits| Base::Integer { bits, signed: false };
    match word {
        "char" => Base::Char,
        "bool" | "_Bool" => Base::Bool,
        "float" => Base::Float { bits: 32 },
        "double" => Base::Float { bits: 64 },
        "short" => signed(16),
        "int" | "signed" => signed(32),
        "long" => signed(64),
        "unsigned" => unsigned(32),
        "__int128" => signed(128),
        "s8" | "__s8" | "i8" | "int8_t" => signed(8),
        "s16" | "__s16" | "i16" | "int16_t" => signed(16),
        "s32" | "__s32" | "i32" | "int32_t" | "pid_t" | "__kernel_pid_t" => signed(32),
        "s64" | "__s64" | "i64" | "int64_t" | "ssize_t" | "loff_t" => signed(64),
        "u8" | "__u8" | "uint8_t" => unsigned(8),
        "u16" | "__u16" | "uint16_t" | "__be16" | "__le16" => unsigned(16),
        "u32" | "__u32" | "uint32_t" | "__be32" | "__le32" | "uid_t" | "gid_t" => unsigned(32),
        "u64" | "__u64" | "uint64_t" | "__be64" | "__le64" | "size_t" => unsigned(64),
        other => Base::Named(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> CType {
        CType::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_type_are_equal() {
        for same in [
            &[
                "unsigned long long",
                "long long unsigned int",
                "__u64",
                "u64",
                "uint64_t",
                "const volatile u64",
            ][..],
            &["unsigned int", "unsigned", "__u32", "u32", "uid_t"],
            &["int", "pid_t", "__s32", "signed int"],
            &["unsigned __int128", "__int128 unsigned"],
            &["char[16]", "char [16]", "const char[16]"],
            &["bool", "_Bool"],
        ] {
            for text in same {
                assert_eq!(parsed(text), parsed(same[0]), "{text}");
            }
        }
    }

    #[test]
    fn arrays_keep_their_lengths_outermost_first() {
        assert_eq!(parsed("__u32[2][26]").lengths, [2, 26]);
        assert_eq!(parsed("char[]").lengths, [0]);
    }

    #[test]
    fn whatever_points_is_a_pointer() {
        for text in ["struct sock *", "void (*)(int)", "const char *"] {
            assert_eq!(parsed(text).base, Base::Pointer, "{text}");
        }
    }

    #[test]
    fn placeholders_name_only_the_kind() {
        assert_eq!(parsed("composite").base, Base::Aggregate(None));
        assert_eq!(parsed("enum").base, Base::Enum(None));
        assert_eq!(parsed("enum event_type").base, Base::Enum(Some("event_type".to_owned())));
    }

    #[test]
    fn nonsense_is_not_understood() {
        for text in ["", "char[x]", "long banana"] {
            assert_eq!(CType::parse(text), None, "{text}");
        }
    }
}
