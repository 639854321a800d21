//! Bytes from a file or from standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::address::shown_text;
use super::error::SourceError;

/// The bytes of the file at `path`, `limit` at most.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    let subject = || shown_text(path.as_os_str());
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SourceError::NotFound { path: path.to_owned() },
        io::ErrorKind::IsADirectory => SourceError::Folder { path: path.to_owned() },
        _ => SourceError::Read { subject: subject(), source },
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(SourceError::Folder { path: path.to_owned() });
    }
    if metadata.len() > limit {
        return Err(SourceError::TooLarge { subject: subject(), limit });
    }
    read_all(&mut file, metadata.len(), limit, subject)
}

/// All that standard input has, `limit` bytes at most.
pub(super) fn read_stdin(limit: u64) -> Result<Vec<u8>, SourceError> {
    read_all(&mut io::stdin().lock(), 0, limit, || "standard input".into())
}

/// Reads to the end; `expected` bytes are reserved, so that a regular file is read without copying.
fn read_all(
    from: &mut impl Read,
    expected: u64,
    limit: u64,
    subject: impl Fn() -> String,
) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default() + 1);
    from.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|source| SourceError::Read { subject: subject(), source })?;
    if bytes.len() as u64 > limit {
        return Err(SourceError::TooLarge { subject: subject(), limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_refused_at_the_limit() {
        let endless = read_all(&mut io::repeat(b'x'), 0, 1000, || "endless".into()).unwrap_err();
        assert_eq!(endless.to_string(), "endless: larger than 1000 bytes, the limit for a package");
        assert_eq!(read_all(&mut io::repeat(b'x').take(1000), 0, 1000, String::new).unwrap().len(), 1000);
    }
}
