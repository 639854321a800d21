//! One transfer: hop after hop to the document, its status, then its body within size and time.

use std::error::Error;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use reqwest::blocking::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{StatusCode, Url};

use super::address::shown;
use super::client::{Clients, is_restricted};
use super::error::{SourceError, find, innermost};
use super::progress::Progress;
use super::resolve::{ResolveError, is_loopback};
use super::{FetchOptions, Origin, tls};

/// How many redirects are followed.
const REDIRECTS: usize = 10;

const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The bytes at `first`, and where they were in the end.
pub(super) fn fetch(
    first: Url,
    options: &FetchOptions,
    progress: &mut dyn Progress,
) -> Result<(Vec<u8>, Origin), SourceError> {
    let started = Instant::now();
    // A time-out that no clock can hold is none.
    let deadline = started.checked_add(options.fetch_timeout).unwrap_or(started + FOREVER);
    let mut clients = Clients::new(options);
    let mut visited = Vec::new();
    let mut url = first;
    let response = loop {
        let response = ask(&mut clients, &url, options, deadline)?;
        let Some(next) = redirect(&response, &url, &visited)? else { break response };
        visited.push(std::mem::replace(&mut url, next));
    };
    let status = response.status();
    if status != StatusCode::OK && status != StatusCode::NON_AUTHORITATIVE_INFORMATION {
        return Err(SourceError::Status {
            url: shown(&url),
            status: status.as_u16(),
            reason: status.canonical_reason(),
        });
    }
    let content_type =
        response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let bytes = Body { url: &url, options, deadline }.read(response, progress)?;
    Ok((bytes, Origin::Url { address: shown(&url), content_type }))
}

/// Sends one request; its answer's headers are here when this returns.
fn ask(
    clients: &mut Clients<'_>,
    url: &Url,
    options: &FetchOptions,
    deadline: Instant,
) -> Result<Response, SourceError> {
    let response = clients
        .for_url(url)?
        .get(url.clone())
        .header(ACCEPT, "application/json, application/yaml, */*;q=0.5")
        .timeout(deadline.saturating_duration_since(Instant::now()))
        .send()
        .map_err(|error| failure(&error, url, options))?;
    // The client knew no other address; this holds it to that.
    if is_restricted(url, options) && !response.remote_addr().is_some_and(|peer| is_loopback(peer.ip())) {
        return Err(SourceError::PlainHttp {
            url: shown(url),
            host: url.host_str().unwrap_or_default().to_owned(),
        });
    }
    Ok(response)
}

/// Where `response` redirects to, if it does and may.
fn redirect(response: &Response, url: &Url, visited: &[Url]) -> Result<Option<Url>, SourceError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let bad = || SourceError::BadRedirect { url: shown(url) };
    let location =
        response.headers().get(LOCATION).and_then(|target| target.to_str().ok()).ok_or_else(bad)?;
    let mut next = url.join(location).map_err(|_| bad())?;
    next.set_fragment(None);
    if next.origin() == url.origin() && next.username().is_empty() {
        // Both fail only for URLs that can't have credentials.
        let _ = next.set_username(url.username());
        let _ = next.set_password(url.password());
    }
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(SourceError::Downgrade { url: shown(url), to: shown(&next) });
    }
    if !matches!(next.scheme(), "http" | "https") {
        return Err(bad());
    }
    if next == *url || visited.contains(&next) {
        return Err(SourceError::RedirectLoop { url: shown(url), to: shown(&next) });
    }
    if visited.len() >= REDIRECTS {
        return Err(SourceError::TooManyRedirects { url: shown(url), limit: REDIRECTS });
    }
    Ok(Some(next))
}

/// A body under way.
struct Body<'a> {
    url: &'a Url,
    options: &'a FetchOptions,
    deadline: Instant,
}

impl Body<'_> {
    fn read(&self, mut response: Response, progress: &mut dyn Progress) -> Result<Vec<u8>, SourceError> {
        let limit = self.options.max_bytes;
        // None for a compressed transfer: the header tells the compressed size then.
        let total = response.content_length();
        if total.is_some_and(|total| total > limit) {
            return Err(SourceError::TooLarge { subject: shown(self.url), limit });
        }
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            // A server that trickles keeps every single read short of its own time-out.
            if Instant::now() >= self.deadline {
                return Err(SourceError::FetchTimeout {
                    url: shown(self.url),
                    after: self.options.fetch_timeout,
                });
            }
            let read = match response.read(&mut chunk) {
                Ok(0) => return Ok(bytes),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failure(&error, bytes.len())),
            };
            if (bytes.len() + read) as u64 > limit {
                return Err(SourceError::TooLarge { subject: shown(self.url), limit });
            }
            bytes.extend_from_slice(&chunk[..read]);
            progress.advance(bytes.len() as u64, total);
        }
    }

    fn failure(&self, error: &io::Error, received: usize) -> SourceError {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
        let is_timeout = Instant::now() >= self.deadline
            || find::<reqwest::Error>(error).is_some_and(reqwest::Error::is_timeout);
        let is_cut = kinds(error)
            .any(|kind| matches!(kind, UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe));
        let url = shown(self.url);
        if is_timeout {
            SourceError::FetchTimeout { url, after: self.options.fetch_timeout }
        } else if is_cut {
            SourceError::Cut { url, received }
        } else {
            SourceError::Transfer { url, cause: innermost(error) }
        }
    }
}

/// The kinds of all I/O errors in the chain.
fn kinds<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = io::ErrorKind> + 'a {
    super::error::chain(error).filter_map(|link| link.downcast_ref::<io::Error>()).map(io::Error::kind)
}

/// Why no answer came.
fn failure(error: &reqwest::Error, asked: &Url, options: &FetchOptions) -> SourceError {
    let url = shown(asked);
    if let Some(error) = find::<rustls::Error>(error) {
        return tls::failure(url, error);
    }
    if let Some(ResolveError { host, cause }) = find::<ResolveError>(error) {
        return SourceError::Resolve { url, host: host.clone(), cause: cause.clone() };
    }
    if error.is_timeout() {
        return if error.is_connect() && options.connect_timeout < options.fetch_timeout {
            SourceError::ConnectTimeout { url, after: options.connect_timeout }
        } else {
            SourceError::FetchTimeout { url, after: options.fetch_timeout }
        };
    }
    let cause = innermost(error);
    if error.is_connect() {
        let proxies = if is_restricted(asked, options) { String::new() } else { options.proxies.set() };
        return SourceError::Connect { url, cause, proxies };
    }
    SourceError::Transfer { url, cause }
}
