//! The proxies that the environment names.

use reqwest::{NoProxy, Url};

use super::error::SourceError;

/// Values of the proxy variables; empty means unset, as everywhere.
#[derive(Clone, Default)]
pub struct Proxies {
    /// `HTTP_PROXY`, for plain http (with `--allow-http` only: this machine is reached directly).
    pub http: Option<String>,
    /// `HTTPS_PROXY`.
    pub https: Option<String>,
    /// `ALL_PROXY`, where the variable of the scheme is unset.
    pub all: Option<String>,
    /// `NO_PROXY`: hosts, domains and networks that are reached directly.
    pub no_proxy: Option<String>,
}

// Proxies carry credentials, so values are not printed.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Proxies").field(&self.set()).finish()
    }
}

impl Proxies {
    /// The proxies of this process's environment; the lower-case spelling of a variable wins, as with curl.
    #[must_use]
    pub fn from_env() -> Self {
        let value = |lower: &str, upper: &str| {
            [lower, upper]
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
        };
        Self {
            http: value("http_proxy", "HTTP_PROXY"),
            https: value("https_proxy", "HTTPS_PROXY"),
            all: value("all_proxy", "ALL_PROXY"),
            no_proxy: value("no_proxy", "NO_PROXY"),
        }
    }

    /// The names of the variables that are set, for messages.
    pub(super) fn set(&self) -> String {
        let Self { http, https, all, no_proxy: _ } = self;
        let names = [("HTTPS_PROXY", https), ("HTTP_PROXY", http), ("ALL_PROXY", all)];
        names
            .iter()
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What reqwest needs, in order of precedence.
    pub(super) fn rules(&self) -> Result<Vec<reqwest::Proxy>, SourceError> {
        let Self { http, https, all, no_proxy } = self;
        let exceptions = no_proxy.as_deref().and_then(NoProxy::from_string);
        let mut rules = Vec::new();
        for (variable, value) in [("HTTP_PROXY", http), ("HTTPS_PROXY", https), ("ALL_PROXY", all)] {
            let Some(value) = value.as_deref().map(str::trim).filter(|value| !value.is_empty()) else {
                continue;
            };
            let url = proxy_url(value).map_err(|cause| SourceError::Proxy { variable, cause })?;
            let rule = match variable {
                "HTTP_PROXY" => reqwest::Proxy::http(url),
                "HTTPS_PROXY" => reqwest::Proxy::https(url),
                _ => reqwest::Proxy::all(url),
            };
            let rule =
                rule.map_err(|_| SourceError::Proxy { variable, cause: "it is not a valid URL".into() })?;
            rules.push(rule.no_proxy(exceptions.clone()));
        }
        Ok(rules)
    }
}

/// `host:port` means http; other schemes than http and https are not spoken.
fn proxy_url(value: &str) -> Result<Url, String> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!("`{other}` proxies are not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_may_lack_its_scheme_and_must_speak_http() {
        assert_eq!(proxy_url("localhost:3128").unwrap().as_str(), "http://localhost:3128/");
        assert_eq!(proxy_url("https://p.example").unwrap().scheme(), "https");
        assert_eq!(proxy_url("socks5://p.example").unwrap_err(), "`socks5` proxies are not supported");
        let wrong = Proxies { https: Some("socks5://user:secret@p".into()), ..Proxies::default() };
        let error = wrong.rules().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().starts_with("HTTPS_PROXY ") && !error.to_string().contains("secret"),
            "{error}"
        );
        assert!(!format!("{wrong:?}").contains("secret"));
    }
}
