//! What an argument names: a file, standard input or a URL; and how a URL may be shown.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use reqwest::Url;

use super::digest::Digest;
use super::error::SourceError;

/// What the PACKAGE argument names.
#[derive(Debug)]
pub(super) enum Address<'a> {
    /// `-`.
    Stdin,
    /// A path, UTF-8 or not.
    File(&'a Path),
    /// An http or https URL, its fragment taken off, and the digest that the fragment asked for.
    Url(Url, Option<Digest>),
}

impl<'a> Address<'a> {
    /// Tells the three apart by text alone, so that no file can turn a URL into a path, except for a scheme that is not fetched.
    pub(super) fn parse(spec: &'a OsStr) -> Result<Self, SourceError> {
        if spec == "-" {
            return Ok(Self::Stdin);
        }
        let Some(scheme) = scheme(spec.as_bytes()) else { return Ok(Self::File(Path::new(spec))) };
        if scheme != "http" && scheme != "https" {
            let path = Path::new(spec);
            return if path.exists() {
                Ok(Self::File(path))
            } else {
                Err(SourceError::Scheme { scheme, text: shown_text(spec) })
            };
        }
        let text = spec.to_str().ok_or_else(|| SourceError::Address {
            text: shown_text(spec),
            cause: "it is not UTF-8".into(),
        })?;
        // The text may hold credentials, and what can't be parsed can't be redacted.
        let mut url = Url::parse(text).map_err(|error| SourceError::Address {
            text: format!("{scheme}://…"),
            cause: error.to_string(),
        })?;
        let digest = match url.fragment().and_then(|fragment| fragment.strip_prefix("sha256=")) {
            Some(digits) => Some(digits.parse().map_err(SourceError::Digest)?),
            None => None,
        };
        url.set_fragment(None);
        Ok(Self::Url(url, digest))
    }
}

/// The lower-cased scheme of `text`, when it begins with one and `://`.
fn scheme(text: &[u8]) -> Option<String> {
    let end = text.windows(3).position(|window| window == b"://")?;
    let scheme = std::str::from_utf8(&text[..end]).ok()?;
    let well_formed = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    well_formed.then(|| scheme.to_ascii_lowercase())
}

/// A URL without what may be secret: user, password and the query's values.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs that can't have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(None);
        return format!("{url}?…");
    }
    url.into()
}

/// An argument or a path for a message: one line, no control characters.
pub(super) fn shown_text(text: &OsStr) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.to_string_lossy().chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// The URL that was probably meant by a path that does not exist: `localhost:5000/x`, `example.com/x`.
pub(super) fn url_meant(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let (authority, rest) = text.split_once('/')?;
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let is_host = host == "localhost"
        || (host.contains('.')
            && host.split('.').all(|label| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            }))
        || (port.is_some()
            && !host.is_empty()
            && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let scheme = if is_local { "http" } else { "https" };
    (is_host && is_port && !rest.is_empty()).then(|| format!("{scheme}://{text}"))
}

/// The IP address that a URL's host is written as.
pub(super) fn literal_ip(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_queries_are_not_shown() {
        let url = Url::parse("https://user:secret@example.com/a?token=secret#sha256=secret").unwrap();
        assert_eq!(shown(&url), "https://example.com/a?…");
        let broken = Address::parse(OsStr::new("https://user:secret@exa mple/")).unwrap_err();
        assert!(!broken.to_string().contains("secret"), "{broken}");
    }

    #[test]
    fn an_address_is_a_url_by_its_scheme_only() {
        let is_file = |text: &str| matches!(Address::parse(OsStr::new(text)), Ok(Address::File(_)));
        assert!(
            is_file("localhost:5000/x")
                && is_file("a/b://c")
                && is_file("://x")
                && is_file("http:/x")
                && is_file("./-")
        );
        assert!(matches!(Address::parse(OsStr::new("-")), Ok(Address::Stdin)));
        assert!(
            matches!(Address::parse(OsStr::new("HTTPS://EXAMPLE.com/x")), Ok(Address::Url(url, None)) if url.as_str() == "https://example.com/x")
        );
        let ftp = Address::parse(OsStr::new("ftp://example.com/x")).unwrap_err();
        assert_eq!(
            (ftp.exit_code(), ftp.to_string().as_str()),
            (2, "ftp://example.com/x: ecli does not fetch over `ftp`")
        );
    }

    #[test]
    fn a_url_without_its_scheme_is_recognised() {
        let meant = |text: &str| url_meant(Path::new(text));
        assert_eq!(meant("localhost:5000/x").as_deref(), Some("http://localhost:5000/x"));
        assert_eq!(meant("example.com/p.json").as_deref(), Some("https://example.com/p.json"));
        assert_eq!(meant("registry:5000/p").as_deref(), Some("https://registry:5000/p"));
        assert_eq!(meant("folder/package.json"), None);
        assert_eq!(meant("./package.json"), None);
        assert_eq!(meant("../package.json"), None);
        assert_eq!(meant("package.json"), None);
        assert_eq!(meant("/tmp/x"), None);
    }
}
