//! Sources: files, standard input and URLs, as they are and as they fail.

mod file;
mod servers;
mod transfer;
mod trust;

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use ecli::source::{self, FetchOptions, Fetched, SourceError};

/// The SHA-256 of `{"package":1}`.
pub(crate) const PACKAGE: &[u8] = br#"{"package":1}"#;

pub(crate) fn fetch(spec: impl AsRef<OsStr>, options: &FetchOptions) -> Result<Fetched, SourceError> {
    source::fetch(spec.as_ref(), options, &mut ())
}

/// Fails within two seconds with exactly this exit code and message, and with a hint that holds `hint`.
#[track_caller]
pub(crate) fn refused(
    spec: impl AsRef<OsStr>,
    options: &FetchOptions,
    exit_code: u8,
    message: &str,
    hint: &str,
) {
    let started = Instant::now();
    let error = fetch(spec, options).expect_err("this is to be refused");
    let took = started.elapsed();
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    assert_eq!(text, message);
    assert_eq!(error.exit_code(), exit_code, "{error:?}");
    let given = error.hint().unwrap_or_default();
    assert!(given.contains(hint) && given.is_empty() == hint.is_empty(), "{given}");
    assert!(!text.contains('\n') && !given.contains('\n'), "one line each");
    assert!(took < Duration::from_secs(2), "{took:?}");
}
