//! One row under construction: a reused buffer that is written in fixed-size pieces.
//!
//! A copy of a length that the compiler knows is one or two instructions; one of a length that it does not know is
//! a call. So pieces are stored whole, and only the part that counts is kept: what is behind it is overwritten next.

const SPACES: [u8; 16] = [b' '; 16];
/// Arrays and texts stop growing a row beyond this: no layout makes a record of some kilobytes fill the memory.
const LONGEST: usize = 1 << 20;

/// What is gathered before it is moved to the output.
const FULL: usize = 4 << 10;

#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    /// Everything behind `len` is scratch.
    bytes: Vec<u8>,
    len: usize,
}

impl Row {
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.len > LONGEST
    }

    #[inline(always)]
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// `N` bytes behind the row to write into; [`Row::keep`] says how many of them count.
    #[inline(always)]
    pub(crate) fn spare<const N: usize>(&mut self) -> &mut [u8; N] {
        if self.bytes.len() - self.len < N {
            self.grow(N);
        }
        self.bytes[self.len..].first_chunk_mut().expect("grown above")
    }

    #[inline(always)]
    pub(crate) fn keep(&mut self, count: usize) {
        self.len += count;
        debug_assert!(self.len <= self.bytes.len());
    }

    /// Stores all of `piece` and keeps the first `count` bytes.
    #[inline(always)]
    pub(crate) fn piece<const N: usize>(&mut self, piece: &[u8; N], count: usize) {
        debug_assert!(count <= N);
        *self.spare() = *piece;
        self.len += count;
    }

    #[inline(always)]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.piece(&[byte], 1);
    }

    pub(crate) fn text(&mut self, text: &[u8]) {
        if self.bytes.len() - self.len < text.len() {
            self.grow(text.len());
        }
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
    }

    #[inline(always)]
    pub(crate) fn spaces(&mut self, mut count: usize) {
        while count > SPACES.len() {
            self.piece(&SPACES, SPACES.len());
            count -= SPACES.len();
        }
        self.piece(&SPACES, count);
    }

    /// Moves the row, or the rows so far, to the output.
    #[inline]
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_slice());
        self.clear();
    }

    /// As [`Row::flush`], once there is enough. A copy that follows right behind the small stores of a row would wait
    /// for each of them; of many rows, it does not. `shared` outputs get each row at once, so that the streams' rows
    /// stay in order.
    #[inline(always)]
    pub(crate) fn flush_when_full(&mut self, out: &mut Vec<u8>, shared: bool) {
        if self.len >= FULL || shared {
            self.flush(out);
        }
    }

    /// Forgets what was written behind `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let size = (self.len + more).next_power_of_two().max(2 * FULL);
        self.bytes.resize(size, 0);
    }
}

/// So that floats can be written by `core::fmt` without a string between.
impl std::fmt::Write for Row {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.text(text.as_bytes());
        Ok(())
    }
}
