//! From names to addresses, by the system's resolver, in a thread that nobody has to wait for.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::oneshot;

/// A name without an address.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub(super) struct ResolveError {
    /// What was looked up.
    pub(super) host: String,
    /// The resolver's words.
    pub(super) cause: String,
}

/// The system's resolver for reqwest. Its own would look up in the runtime's pool, and end only when the look-up does,
/// long after every time-out when a name server is silent.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let (sender, receiver) = oneshot::channel();
            let asked = host.clone();
            // Nobody listens any more after a time-out; the thread ends by itself.
            let spawned = detach(move || drop(sender.send(lookup(&asked))));
            let answer = match spawned {
                Ok(()) => receiver.await.unwrap_or_else(|_| Err("the look-up ended early".into())),
                Err(error) => Err(error.to_string()),
            };
            match answer {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(cause) => Err(ResolveError { host, cause }.into()),
            }
        })
    }
}

/// The addresses of `host` that are on this machine; empty when there are none, or none is known within `patience`.
pub(super) fn loopback_addresses(host: &str, patience: Duration) -> Vec<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    let asked = host.to_owned();
    let answer = match detach(move || drop(sender.send(lookup(&asked)))) {
        Ok(()) => receiver.recv_timeout(patience).ok(),
        Err(_) => None,
    };
    let mut addresses = answer.and_then(Result::ok).unwrap_or_default();
    addresses.retain(|address| is_loopback(address.ip()));
    addresses
}

/// 127.0.0.0/8, ::1, and the former written as IPv6.
pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn detach(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("resolve".into()).spawn(work).map(drop)
}

/// Port 0 stands for the URL's.
fn lookup(host: &str) -> Result<Vec<SocketAddr>, String> {
    let name = host.trim_end_matches('.');
    // RFC 6761, section 6.3: these are loopback whatever a name server says, also where /etc/hosts is missing.
    if name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]);
    }
    runtime::look_up_hosts_without_modules();
    match (host, 0).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            let text = error.to_string();
            Err(text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_this_machine_and_nothing_else_by_its_name() {
        let local = |host| !loopback_addresses(host, Duration::from_secs(5)).is_empty();
        assert!(local("localhost") && local("LOCALHOST.") && local("a.localhost"));
        assert!(!local("notlocalhost.invalid"));
    }

    #[test]
    fn loopback_is_a_matter_of_the_address() {
        let is = |text: &str| is_loopback(text.parse().unwrap());
        assert!(is("127.0.0.1") && is("127.9.9.9") && is("::1") && is("::ffff:127.0.0.1"));
        assert!(!is("0.0.0.0") && !is("10.0.0.1") && !is("::") && !is("::ffff:10.0.0.1") && !is("128.0.0.1"));
    }
}
