//! base64 and zlib, streamed and bounded: a bomb is refused while it inflates.

use std::io::{self, Read};

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::ZlibDecoder;

use crate::OpenError;

/// What lies under the base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// The bytes themselves.
    Plain,
    /// RFC 1950.
    Zlib,
}

/// Text of the package that holds bytes, and what is said about them.
pub(crate) struct Packed<'a> {
    /// Key, for messages.
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) packing: Packing,
    /// Declared size with the key that declares it.
    pub(crate) declared: Option<(&'a str, u64)>,
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Room that a declared size may reserve before its bytes arrive.
const RESERVED_BYTES: u64 = 1 << 20;

/// Unpacks at most `limit` bytes. White space between the base64 characters is skipped.
pub(crate) fn unpack(packed: &Packed<'_>, limit: u64) -> Result<Vec<u8>, OpenError> {
    if let Some((_, declared)) = packed.declared
        && declared > limit
    {
        return Err(OpenError::ObjectTooLarge {
            path: packed.path.to_owned(),
            declared: Some(declared),
            limit,
        });
    }
    let decoder = base64::read::DecoderReader::new(Dense { rest: packed.text.as_bytes() }, &BASE64);
    match packed.packing {
        Packing::Plain => read(decoder, packed, limit),
        Packing::Zlib => read(ZlibDecoder::new(decoder), packed, limit),
    }
}

/// Keeps what is declared, counts what comes after it, stops at the limit.
fn read(mut source: impl Read, packed: &Packed<'_>, limit: u64) -> Result<Vec<u8>, OpenError> {
    let kept = packed.declared.map_or(limit, |(_, declared)| declared);
    let mut bytes = Vec::with_capacity(usize::try_from(kept.min(RESERVED_BYTES)).unwrap_or(0));
    let mut chunk = vec![0; 64 << 10];
    let mut count = 0u64;
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(damaged(&error, packed)),
        };
        count += read as u64;
        if count > limit {
            return Err(OpenError::ObjectTooLarge { path: packed.path.to_owned(), declared: None, limit });
        }
        if count <= kept {
            bytes.extend_from_slice(&chunk[..read]);
        } else {
            bytes = Vec::new();
        }
    }
    match packed.declared {
        Some((path, declared)) if declared != count => {
            Err(OpenError::SizeDiffers { path: path.to_owned(), declared, actual: count })
        }
        _ => Ok(bytes),
    }
}

fn damaged(error: &io::Error, packed: &Packed<'_>) -> OpenError {
    let path = packed.path.to_owned();
    let base64 = error.get_ref().and_then(|inner| inner.downcast_ref::<base64::DecodeError>());
    match base64 {
        Some(error) => OpenError::Base64 { path, reason: error.to_string() },
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            OpenError::Inflate { path, reason: "the data ends early".to_owned() }
        }
        None => OpenError::Inflate { path, reason: error.to_string() },
    }
}

/// Text without its white space.
struct Dense<'a> {
    rest: &'a [u8],
}

impl Read for Dense<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            self.rest = self.rest.trim_ascii_start();
            let run =
                self.rest.iter().take(out.len() - filled).take_while(|b| !b.is_ascii_whitespace()).count();
            if run == 0 {
                break;
            }
            out[filled..filled + run].copy_from_slice(&self.rest[..run]);
            self.rest = &self.rest[run..];
            filled += run;
        }
        Ok(filled)
    }
}
