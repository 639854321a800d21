//! BTF written by hand, for what no compiler writes.

/// Kinds of `include/uapi/linux/btf.h`.
pub(crate) const INT: u32 = 1;
pub(crate) const PTR: u32 = 2;
pub(crate) const ARRAY: u32 = 3;
pub(crate) const STRUCT: u32 = 4;
pub(crate) const UNION: u32 = 5;
pub(crate) const ENUM: u32 = 6;
pub(crate) const FWD: u32 = 7;
pub(crate) const TYPEDEF: u32 = 8;
pub(crate) const CONST: u32 = 10;
pub(crate) const FUNC: u32 = 12;
pub(crate) const FUNC_PROTO: u32 = 13;
pub(crate) const FLOAT: u32 = 16;
pub(crate) const TYPE_TAG: u32 = 18;
pub(crate) const ENUM64: u32 = 19;

pub(crate) const SIGNED: u32 = 1;
pub(crate) const CHAR: u32 = 2;
pub(crate) const BOOL: u32 = 4;

/// A blob in the making. Ids count from 1 in the order of the calls.
#[derive(Clone)]
pub(crate) struct Blob {
    types: Vec<u8>,
    strings: Vec<u8>,
    pub(crate) count: u32,
}

/// Name, type, bit offset, width of a bitfield (0: none).
pub(crate) type Member<'a> = (&'a str, u32, u32, u32);

impl Blob {
    pub(crate) fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0], count: 0 }
    }

    pub(crate) fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(text.bytes().chain([0]));
        at
    }

    pub(crate) fn words(&mut self, words: &[u32]) {
        self.types.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }

    /// Any kind: `count` goes into the lower half of `info`, `size` into the union of size and type.
    pub(crate) fn push(
        &mut self,
        name: &str,
        kind: u32,
        flag: bool,
        count: u32,
        size: u32,
        rest: &[u32],
    ) -> u32 {
        let name = self.string(name);
        self.words(&[name, u32::from(flag) << 31 | kind << 24 | count, size]);
        self.words(rest);
        self.count += 1;
        self.count
    }

    pub(crate) fn int(&mut self, name: &str, size: u32, encoding: u32) -> u32 {
        self.push(name, INT, false, 0, size, &[encoding << 24 | (size * 8) & 0xff])
    }

    /// As compilers before 2018 wrote bitfields: the INT itself has an offset and fewer bits.
    pub(crate) fn narrow_int(&mut self, size: u32, encoding: u32, offset: u32, bits: u32) -> u32 {
        self.push("int", INT, false, 0, size, &[encoding << 24 | offset << 16 | bits])
    }

    pub(crate) fn array(&mut self, of: u32, len: u32) -> u32 {
        self.push("", ARRAY, false, 0, 0, &[of, of, len])
    }

    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> u32 {
        self.aggregate(STRUCT, name, size, members)
    }

    pub(crate) fn aggregate(&mut self, kind: u32, name: &str, size: u32, members: &[Member<'_>]) -> u32 {
        let flag = members.iter().any(|(_, _, _, bits)| *bits != 0);
        let mut rest = Vec::new();
        for (name, ty, offset, bits) in members {
            rest.extend([self.string(name), *ty, if flag { bits << 24 | offset } else { *offset }]);
        }
        self.push(name, kind, flag, members.len() as u32, size, &rest)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let words = [24, 0, self.types.len() as u32, self.types.len() as u32, self.strings.len() as u32];
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(&self.types);
        bytes.extend(&self.strings);
        bytes
    }
}
