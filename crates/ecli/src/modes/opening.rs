//! Argument → package and plan, shared by the modes that take a package.

use std::ffi::OsStr;

use package::{Limits, OpenError, Package, Plan};

use crate::cli::FetchArgs;
use crate::exit::{Exit, Failure};
use crate::message::Messages;
use crate::source::{self, Bar, FetchOptions, PlainHttp, Progress, Proxies};

/// A package that can be run.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) package: Package,
    pub(super) plan: Plan,
}

/// Fetches, opens and plans.
pub(super) fn open(spec: &OsStr, fetch: &FetchArgs, messages: &Messages) -> Result<Opened, Failure> {
    let limits = Limits {
        package_bytes: fetch.max_package_size,
        object_bytes: fetch.max_object_size,
        ..Limits::default()
    };
    let options = FetchOptions {
        max_bytes: fetch.max_package_size,
        sha256: fetch.sha256,
        plain_http: if fetch.allow_http { PlainHttp::Anywhere } else { PlainHttp::Loopback },
        connect_timeout: fetch.connect_timeout,
        fetch_timeout: fetch.fetch_timeout,
        ca_file: fetch.cacert.clone(),
        proxies: Proxies::from_env(),
    };
    let mut bar = Bar::stderr();
    let progress: &mut dyn Progress = if messages.is_quiet() { &mut () } else { &mut bar };
    let fetched = source::fetch(spec, &options, progress).map_err(|error| {
        let hint = error.hint();
        Failure::new(Exit::from_code(error.exit_code()), error).with_hint(hint)
    })?;
    let origin = fetched.origin;
    let about = |error: Box<dyn std::error::Error + Send + Sync>, hint: Option<&'static str>| {
        let hint = origin.hint().or_else(|| hint.map(str::to_owned));
        Failure::new(Exit::Package, Unusable { origin: origin.to_string(), cause: error }).with_hint(hint)
    };
    let package = package::open(&fetched.bytes, &limits).map_err(|error| {
        let hint = match error {
            OpenError::ObjectTooLarge { .. } => {
                Some("if you trust the package, raise the limit: --max-object-size")
            }
            _ => error.hint(),
        };
        about(error.into(), hint)
    })?;
    drop(fetched.bytes);
    let plan = package.plan(&limits).map_err(|error| {
        let hint = error.hint();
        about(error.into(), hint)
    })?;
    for key in package.unknown() {
        messages.detail(format_args!("unknown key {} = {}", key.path, key.value));
    }
    for note in &plan.notes {
        messages.detail(note);
    }
    Ok(Opened { package, plan })
}

/// Which file is no usable package.
#[derive(Debug, thiserror::Error)]
#[error("{origin}")]
struct Unusable {
    origin: String,
    #[source]
    cause: Box<dyn std::error::Error + Send + Sync>,
}
