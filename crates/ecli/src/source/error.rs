//! Why an argument gave no bytes: one message a cause, the exit code of its class, and the remedy.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::{shown_text, url_meant};
use super::digest::{Digest, DigestError};

/// Why no package file was read. Addresses in it are free of credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The argument looks like a URL and is none.
    #[error("{text}: not a valid URL: {cause}")]
    Address {
        /// The argument, without what may be secret.
        text: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A URL of a scheme that is not fetched.
    #[error("{text}: ecli does not fetch over `{scheme}`")]
    Scheme {
        /// The scheme.
        scheme: String,
        /// The argument.
        text: String,
    },
    /// Plain http to another machine, or to a name that is not known to be this machine.
    #[error("{url}: plain http is refused, because {host} is not this machine")]
    PlainHttp {
        /// The address.
        url: String,
        /// Its host.
        host: String,
    },
    /// The digest asked for is none.
    #[error(transparent)]
    Digest(DigestError),
    /// The option and the URL ask for different digests.
    #[error("--sha256 asks for {option}, but the URL asks for {address}")]
    TwoDigests {
        /// From `--sha256`.
        option: Digest,
        /// From `#sha256=`.
        address: Digest,
    },
    /// A proxy variable whose value is no proxy.
    #[error("{variable} names no usable proxy: {cause}")]
    Proxy {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// No such file.
    #[error("{}: no such file", shown_text(path.as_os_str()))]
    NotFound {
        /// As typed.
        path: PathBuf,
    },
    /// A folder, where a file was expected.
    #[error("{}: this is a folder, not a package file", shown_text(path.as_os_str()))]
    Folder {
        /// As typed.
        path: PathBuf,
    },
    /// The file, or standard input, can't be read.
    #[error("cannot read {subject}")]
    Read {
        /// The file, or `standard input`.
        subject: String,
        /// From the kernel.
        source: io::Error,
    },
    /// More bytes than a package may have; reading stopped there.
    #[error("{subject}: larger than {limit} bytes, the limit for a package")]
    TooLarge {
        /// Where the bytes came from.
        subject: String,
        /// The limit.
        limit: u64,
    },
    /// The file with certificates holds none.
    #[error("{}: no usable certificate in PEM form", shown_text(path.as_os_str()))]
    CaFile {
        /// The argument of `--cacert`.
        path: PathBuf,
    },
    /// The server's status is not that of a document.
    #[error("{url}: the server answered {status}{}", reason.map(|text| format!(" {text}")).unwrap_or_default())]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Its name by the standard.
        reason: Option<&'static str>,
    },
    /// The host has no address.
    #[error("{url}: cannot find the address of {host}: {cause}")]
    Resolve {
        /// The address.
        url: String,
        /// The name that was looked up: the URL's host or a proxy.
        host: String,
        /// From the resolver.
        cause: String,
    },
    /// No connection.
    #[error("{url}: cannot connect: {cause}")]
    Connect {
        /// The address.
        url: String,
        /// The innermost cause.
        cause: String,
        /// The proxy variables that are set.
        proxies: String,
    },
    /// No connection within `--connect-timeout`.
    #[error("{url}: no connection within {}", seconds(*after))]
    ConnectTimeout {
        /// The address.
        url: String,
        /// The limit.
        after: Duration,
    },
    /// Not complete within `--fetch-timeout`.
    #[error("{url}: not complete within {}", seconds(*after))]
    FetchTimeout {
        /// The address.
        url: String,
        /// The limit.
        after: Duration,
    },
    /// No secure connection.
    #[error("{url}: no secure connection: {cause}")]
    Tls {
        /// The address.
        url: String,
        /// What failed.
        cause: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A redirect to an address that was asked before.
    #[error("{url}: the redirects form a loop: {to} was asked before")]
    RedirectLoop {
        /// The address that redirects.
        url: String,
        /// Where to.
        to: String,
    },
    /// More redirects than are followed.
    #[error("{url}: more than {limit} redirects")]
    TooManyRedirects {
        /// The last address.
        url: String,
        /// How many are followed.
        limit: usize,
    },
    /// A redirect from https to something else.
    #[error("{url}: redirects to {to}, which is not https")]
    Downgrade {
        /// The address that redirects.
        url: String,
        /// Where to.
        to: String,
    },
    /// A redirect without a usable target.
    #[error("{url}: redirects to an address that cannot be fetched")]
    BadRedirect {
        /// The address that redirects.
        url: String,
    },
    /// The connection ended before the body did.
    #[error("{url}: the transfer was cut short after {received} bytes")]
    Cut {
        /// The address.
        url: String,
        /// Bytes of the package received.
        received: usize,
    },
    /// The exchange broke in another way.
    #[error("{url}: the transfer failed: {cause}")]
    Transfer {
        /// The address.
        url: String,
        /// The innermost cause.
        cause: String,
    },
    /// The digest is not the one that was asked for.
    #[error("{subject}: SHA-256 is {found}, expected {expected}")]
    DigestDiffers {
        /// Where the bytes came from.
        subject: String,
        /// Asked for.
        expected: Digest,
        /// Computed.
        found: Digest,
    },
}

impl SourceError {
    /// The exit code of the command: 1 failed, 2 usage, 3 a folder, 5 the digest differs.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Address { .. }
            | Self::Scheme { .. }
            | Self::PlainHttp { .. }
            | Self::Digest(_)
            | Self::TwoDigests { .. }
            | Self::Proxy { .. } => 2,
            Self::Folder { .. } => 3,
            Self::DigestDiffers { .. } => 5,
            _ => 1,
        }
    }

    /// What to try, where something can be tried; one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Address { .. } => "a URL looks like https://example.com/package.json".into(),
            Self::Scheme { scheme, .. } if scheme == "file" => "give the path itself, without file://".into(),
            Self::Scheme { .. } => "give a path, `-` for standard input, or an https URL".into(),
            Self::PlainHttp { .. } => {
                "use https, or add --allow-http if you trust the network in between".into()
            }
            Self::Digest(_) => "`sha256sum package.json` prints the digest in this form".into(),
            Self::TwoDigests { .. } => "give one of them".into(),
            Self::Proxy { .. } => "a proxy looks like http://proxy.example.com:3128".into(),
            Self::NotFound { path } => match url_meant(path) {
                Some(url) => format!("for a URL, write {}", shown_text(url.as_ref())),
                None => "give a path, `-` for standard input, or an https URL".into(),
            },
            Self::Folder { path } => folder_hint(path),
            Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "check the permissions of the file and of the folders above it".into()
            }
            Self::Read { .. } => return None,
            Self::TooLarge { .. } => {
                "is this the package itself? Packages are a few hundred kilobytes".into()
            }
            Self::CaFile { .. } => "a certificate in PEM form begins with -----BEGIN CERTIFICATE-----".into(),
            Self::Status { status, .. } => status_hint(*status).into(),
            Self::Resolve { .. } => "check the spelling of the host, and /etc/resolv.conf".into(),
            Self::Connect { proxies, .. } if !proxies.is_empty() => {
                format!("check the host and the port, and the proxy ({proxies} is set)")
            }
            Self::Connect { .. } => "check the host and the port; is the server running?".into(),
            Self::ConnectTimeout { .. } => {
                "check the host, the port and /etc/resolv.conf, or give more time with --connect-timeout"
                    .into()
            }
            Self::FetchTimeout { .. } => "try again, or give more time with --fetch-timeout".into(),
            Self::Tls { remedy, .. } => (*remedy).into(),
            Self::RedirectLoop { .. } | Self::TooManyRedirects { .. } | Self::BadRedirect { .. } => {
                "give the final address of the package itself".into()
            }
            Self::Downgrade { .. } => {
                "an https address never leads to an insecure one; give another address".into()
            }
            Self::Cut { .. } => "try again".into(),
            Self::Transfer { .. } => "try again; is this the address of a web server?".into(),
            Self::DigestDiffers { .. } => {
                "do not run it: this is another file than the one you asked for".into()
            }
        };
        Some(hint)
    }
}

fn folder_hint(path: &Path) -> String {
    let inside = path.join("package.json");
    if inside.is_file() {
        format!("did you mean {}?", shown_text(inside.as_os_str()))
    } else {
        "give the package file inside it".into()
    }
}

fn status_hint(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => "the server wants credentials: https://USER:PASSWORD@HOST/… sends them",
        404 | 410 => "check the address; nothing is there",
        429 | 500.. => "the fault is the server's; try again later",
        _ => "check the address: it has to be that of the package itself",
    }
}

/// `1 s`, `1.5 s`, `200 ms`.
fn seconds(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{} s", duration.as_secs_f64())
    }
}

/// The first error of type `T` in the chain of `error`, seen through `io::Error`, which hides what it wraps.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    chain(error).find_map(|link| link.downcast_ref())
}

/// The text of the innermost error.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

pub(super) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |link| {
        let link: &'a (dyn Error + 'static) = *link;
        match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => link.source(),
        }
    })
}
