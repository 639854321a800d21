//! How one hop is connected: who is trusted, which addresses and proxies may be used.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::redirect::Policy;

use super::address::{literal_ip, shown};
use super::error::SourceError;
use super::resolve::{Resolver, is_loopback, loopback_addresses};
use super::{FetchOptions, PlainHttp, tls};

/// How long a name may take to turn out to be this machine's: it is in /etc/hosts then, or is not this machine's.
const LOOPBACK_LOOKUP: Duration = Duration::from_secs(1);

/// The clients of one transfer; what a hop needs is made when the first one needs it.
pub(super) struct Clients<'a> {
    options: &'a FetchOptions,
    anywhere: Option<Client>,
}

impl<'a> Clients<'a> {
    pub(super) fn new(options: &'a FetchOptions) -> Self {
        Self { options, anywhere: None }
    }

    /// The client for `url`: restricted to this machine if that is http and nothing else is allowed.
    pub(super) fn for_url(&mut self, url: &Url) -> Result<Client, SourceError> {
        if is_restricted(url, self.options) {
            return self.loopback(url);
        }
        if let Some(client) = &self.anywhere {
            return Ok(client.clone());
        }
        let mut builder = self.builder().dns_resolver(Arc::new(Resolver));
        for proxy in self.options.proxies.rules()? {
            builder = builder.proxy(proxy);
        }
        let client =
            build(builder.tls_backend_preconfigured(tls::trusting(self.options.ca_file.as_deref())?), url)?;
        Ok(self.anywhere.insert(client).clone())
    }

    /// A client that knows no proxy, and no address of the host but those on this machine.
    fn loopback(&self, url: &Url) -> Result<Client, SourceError> {
        let host = url.host_str().unwrap_or_default();
        let refused = || SourceError::PlainHttp { url: shown(url), host: host.to_owned() };
        let mut builder = self.builder().tls_backend_preconfigured(tls::trusting_nobody());
        match literal_ip(url) {
            Some(ip) if is_loopback(ip) => {}
            Some(_) => return Err(refused()),
            None => {
                let addresses = loopback_addresses(host, LOOPBACK_LOOKUP.min(self.options.connect_timeout));
                if addresses.is_empty() {
                    return Err(refused());
                }
                builder = builder.resolve_to_addrs(host, &addresses);
            }
        }
        build(builder, url)
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder()
            .user_agent(concat!("ecli/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.options.connect_timeout)
            // Redirects are followed by hand: each target is checked before anything is sent to it.
            .redirect(Policy::none())
            .referer(false)
            // Also keeps reqwest from reading the environment.
            .no_proxy()
            .gzip(true)
    }
}

/// Whether only this machine may answer for `url`.
pub(super) fn is_restricted(url: &Url, options: &FetchOptions) -> bool {
    url.scheme() == "http" && options.plain_http == PlainHttp::Loopback
}

fn build(builder: ClientBuilder, url: &Url) -> Result<Client, SourceError> {
    builder
        .build()
        .map_err(|error| SourceError::Transfer { url: shown(url), cause: super::error::innermost(&error) })
}
