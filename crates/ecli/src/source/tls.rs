//! Whom a secure connection trusts, and why there is none.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::address::shown_text;
use super::error::SourceError;

/// Trusts the system's store (also `SSL_CERT_FILE`), or the bundled roots where the system has none, and the certificates in `ca_file`.
pub(super) fn trusting(ca_file: Option<&Path>) -> Result<ClientConfig, SourceError> {
    let mut roots = RootCertStore::empty();
    // A store that is missing or damaged in part is no error: what can't be verified in the end is.
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(path) = ca_file {
        let (added, _) = roots.add_parsable_certificates(certificates(path)?);
        if added == 0 {
            return Err(SourceError::CaFile { path: path.to_owned() });
        }
    }
    Ok(configure(roots))
}

/// Trusts nobody: for plain http, where reading the store would be in vain.
pub(super) fn trusting_nobody() -> ClientConfig {
    configure(RootCertStore::empty())
}

fn configure(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SourceError> {
    let refused = |error: pem::Error| match error {
        pem::Error::Io(source) if source.kind() == io::ErrorKind::NotFound => {
            SourceError::NotFound { path: path.to_owned() }
        }
        pem::Error::Io(source) => SourceError::Read { subject: shown_text(path.as_os_str()), source },
        _ => SourceError::CaFile { path: path.to_owned() },
    };
    CertificateDer::pem_file_iter(path).map_err(refused)?.collect::<Result<_, _>>().map_err(refused)
}

/// What to say of `error`, for the address `url`.
pub(super) fn failure(url: String, error: &rustls::Error) -> SourceError {
    use CertificateError as Bad;
    let rustls::Error::InvalidCertificate(reason) = error else {
        return SourceError::Tls {
            url,
            cause: error.to_string(),
            remedy: "does the server speak TLS at this port?",
        };
    };
    let (cause, remedy) = match reason {
        Bad::UnknownIssuer => (
            "the server's certificate is from an authority that is not trusted here".to_owned(),
            "if you trust that authority, give its certificate with --cacert FILE",
        ),
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => (
            "the server's certificate is for another name".to_owned(),
            "use the name that the certificate is for",
        ),
        Bad::Expired | Bad::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "tell the owner of the server, unless the clock of this machine is wrong",
        ),
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            ("the server's certificate is not valid yet".to_owned(), "check the clock of this machine")
        }
        other => (format!("the server's certificate is refused: {other}"), "tell the owner of the server"),
    };
    SourceError::Tls { url, cause, remedy }
}
