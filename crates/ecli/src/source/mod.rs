//! From the PACKAGE argument to bytes: a file, standard input or a URL, with the digest and where the bytes came from.
//!
//! ```no_run
//! use ecli::source::{self, FetchOptions, Proxies};
//!
//! let options = FetchOptions { proxies: Proxies::from_env(), ..FetchOptions::default() };
//! let fetched = source::fetch("package.json".as_ref(), &options, &mut source::Bar::stderr())?;
//! assert_eq!(fetched.sha256_hex.len(), 64);
//! # Ok::<(), source::SourceError>(())
//! ```
//!
//! A file costs an open and a read; names, certificates and threads are touched for URLs only. The parts:
//!
//! | file | its matter |
//! |---|---|
//! | `address` | what an argument names, and how a URL may be shown |
//! | `file` | files and standard input |
//! | `url` | one transfer: hops, status, time, size |
//! | `client` | how a hop is connected: addresses, proxies, trust |
//! | `resolve`, `proxy`, `tls` | names, proxy variables, certificates |
//! | `digest`, `progress`, `error` | what they say |

mod address;
mod client;
mod digest;
mod error;
mod file;
mod progress;
mod proxy;
mod resolve;
mod tls;
mod url;

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use address::{Address, shown_text};

pub use digest::{Digest, DigestError};
pub use error::SourceError;
pub use progress::{Bar, Progress};
pub use proxy::Proxies;

/// How a package may be fetched.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Bytes of the package file, and of what a compressed transfer inflates to.
    pub max_bytes: u64,
    /// `--sha256`: the bytes must have this digest.
    pub sha256: Option<Digest>,
    /// Where plain http may lead.
    pub plain_http: PlainHttp,
    /// `--connect-timeout`: for each connection, looking up the name and the TLS handshake included.
    pub connect_timeout: Duration,
    /// `--fetch-timeout`: for the whole transfer, redirects included.
    pub fetch_timeout: Duration,
    /// `--cacert`: certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The proxy variables.
    pub proxies: Proxies,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            max_bytes: package::Limits::default().package_bytes,
            sha256: None,
            plain_http: PlainHttp::Loopback,
            connect_timeout: Duration::from_secs(5),
            fetch_timeout: Duration::from_secs(30),
            ca_file: None,
            proxies: Proxies::default(),
        }
    }
}

/// Where plain http may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// To addresses of this machine, without a proxy.
    Loopback,
    /// Anywhere: `--allow-http`.
    Anywhere,
}

/// A package file's bytes.
#[derive(Debug)]
pub struct Fetched {
    /// As the author published them, any `Content-Encoding` undone.
    pub bytes: Vec<u8>,
    /// Where they came from.
    pub origin: Origin,
    /// Their SHA-256, 64 lower-case digits.
    pub sha256_hex: String,
}

/// Where bytes came from; its text is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// A server.
    Url {
        /// The last address, after redirects, without credentials.
        address: String,
        /// What the server says that it is.
        content_type: Option<String>,
    },
}

impl Origin {
    /// What to try when the bytes turn out to be no package.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self::Url { address, content_type: Some(kind) } = self else { return None };
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("text/html") && !kind.eq_ignore_ascii_case("application/xhtml+xml") {
            return None;
        }
        Some(match address.strip_prefix("https://github.com/").and_then(|path| path.split_once("/blob/")) {
            Some((repository, file)) => {
                format!(
                    "the server sent a web page; the file is at https://github.com/{repository}/raw/{file}"
                )
            }
            None => "the server sent a web page, not a file; give the address of the package itself".into(),
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&shown_text(path.as_os_str())),
            Self::Stdin => f.write_str("standard input"),
            Self::Url { address, .. } => f.write_str(address),
        }
    }
}

/// Reads what `spec` names: `-` is standard input, `http://…` and `https://…` are fetched, all else is a path.
///
/// # Errors
///
/// [`SourceError`], one variant a cause, with the exit code of its class and a hint.
pub fn fetch(
    spec: &OsStr,
    options: &FetchOptions,
    progress: &mut dyn Progress,
) -> Result<Fetched, SourceError> {
    let (bytes, origin, asked) = match Address::parse(spec)? {
        Address::Stdin => (file::read_stdin(options.max_bytes)?, Origin::Stdin, None),
        Address::File(path) => {
            (file::read_file(path, options.max_bytes)?, Origin::File(path.to_owned()), None)
        }
        Address::Url(url, asked) => {
            expected(options.sha256, asked)?;
            let fetched = url::fetch(url, options, progress);
            progress.finish();
            let (bytes, origin) = fetched?;
            (bytes, origin, asked)
        }
    };
    let found = Digest::of(&bytes);
    match expected(options.sha256, asked)? {
        Some(expected) if expected != found => {
            Err(SourceError::DigestDiffers { subject: origin.to_string(), expected, found })
        }
        _ => Ok(Fetched { bytes, origin, sha256_hex: found.to_string() }),
    }
}

/// The one digest that is asked for, by the option or by the URL.
fn expected(option: Option<Digest>, address: Option<Digest>) -> Result<Option<Digest>, SourceError> {
    match (option, address) {
        (Some(option), Some(address)) if option != address => {
            Err(SourceError::TwoDigests { option, address })
        }
        _ => Ok(option.or(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_is_called_one() {
        let hint = |address: &str, kind: Option<&str>| {
            Origin::Url { address: address.into(), content_type: kind.map(Into::into) }.hint()
        };
        let page = hint("https://github.com/o/r/blob/main/a/package.json", Some("text/html; charset=utf-8"))
            .unwrap();
        assert!(page.ends_with("https://github.com/o/r/raw/main/a/package.json"), "{page}");
        assert!(hint("https://example.com/", Some("Text/HTML")).unwrap().contains("a web page"));
        assert_eq!(hint("https://example.com/", Some("application/json")), None);
        assert_eq!(hint("https://example.com/", None), None);
    }
}
