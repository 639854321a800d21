use e2e::nginx::{Authority, Nginx};
use ecli::source::{FetchOptions, Proxies};

use super::servers::connect_proxy;
use super::{PACKAGE, fetch, refused};

const HOST: &str = "packages.localhost";

fn trusting(authority: &Authority) -> FetchOptions {
    FetchOptions { ca_file: Some(authority.ca_file()), ..FetchOptions::default() }
}

#[test]
fn https_needs_an_authority_that_is_trusted_and_the_right_name() {
    let authority = Authority::new();
    let nginx = Nginx::start(Some(&authority.certificate(HOST)), "");
    nginx.put("p.json", PACKAGE);
    let address = nginx.https(HOST, "/p.json");
    assert_eq!(fetch(&address, &trusting(&authority)).unwrap().bytes, PACKAGE);
    let message = format!(
        "{address}: no secure connection: the server's certificate is from an authority that is not trusted here"
    );
    refused(&address, &FetchOptions::default(), 1, &message, "--cacert FILE");
    let other = nginx.https("other.localhost", "/p.json");
    let message = format!("{other}: no secure connection: the server's certificate is for another name");
    refused(&other, &trusting(&authority), 1, &message, "use the name");
}

#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let nginx = Nginx::start(Some(&authority.expired_certificate(HOST)), "");
    let address = nginx.https(HOST, "/p.json");
    let message = format!("{address}: no secure connection: the server's certificate has expired");
    refused(&address, &trusting(&authority), 1, &message, "clock");
}

#[test]
fn a_port_without_tls_is_named() {
    let nginx = Nginx::start(None, "");
    let address = format!("https://{HOST}:{}/", nginx.http_port());
    let error = fetch(&address, &FetchOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{address}: no secure connection: ")), "{error}");
    assert!(error.hint().unwrap().contains("speak TLS"));
}

#[test]
fn a_file_of_certificates_has_to_hold_some() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let options =
        |path: &std::path::Path| FetchOptions { ca_file: Some(path.to_owned()), ..FetchOptions::default() };
    let message = format!("{}: no usable certificate in PEM form", empty.path().display());
    refused("https://packages.localhost:1/", &options(empty.path()), 1, &message, "BEGIN CERTIFICATE");
    refused(
        "https://packages.localhost:1/",
        &options("/nonexistent".as_ref()),
        1,
        "/nonexistent: no such file",
        "give a path",
    );
}

#[test]
fn https_never_redirects_to_http() {
    let authority = Authority::new();
    let nginx = Nginx::start(
        Some(&authority.certificate(HOST)),
        "location = /down { return 302 http://127.0.0.1:1/p; } location = /up { return 302 /p.json; }",
    );
    nginx.put("p.json", PACKAGE);
    assert_eq!(fetch(nginx.https(HOST, "/up"), &trusting(&authority)).unwrap().bytes, PACKAGE);
    let address = nginx.https(HOST, "/down");
    let message = format!("{address}: redirects to http://127.0.0.1:1/p, which is not https");
    refused(&address, &trusting(&authority), 1, &message, "never leads to an insecure one");
}

#[test]
fn http_on_this_machine_may_redirect_to_https() {
    let authority = Authority::new();
    let secure = Nginx::start(Some(&authority.certificate(HOST)), "");
    secure.put("p.json", PACKAGE);
    let plain =
        Nginx::start(None, &format!("location = /up {{ return 302 {}; }}", secure.https(HOST, "/p.json")));
    assert_eq!(fetch(plain.http("/up"), &trusting(&authority)).unwrap().bytes, PACKAGE);
}

#[test]
fn a_name_without_an_address_is_named() {
    let message = "https://no.invalid/p: cannot find the address of no.invalid: Name or service not known";
    refused("https://no.invalid/p", &FetchOptions::default(), 1, message, "/etc/resolv.conf");
}

#[test]
fn a_proxy_gets_the_name_and_the_server_is_verified_through_it() {
    const REMOTE: &str = "packages.invalid";
    let authority = Authority::new();
    let nginx = Nginx::start(Some(&authority.certificate(REMOTE)), "");
    nginx.put("p.json", PACKAGE);
    let (proxy, seen) = connect_proxy(([127, 0, 0, 1], nginx.https_port()).into());
    let through = |proxies| FetchOptions { proxies, ..trusting(&authority) };
    let address = format!("https://{REMOTE}/p.json");
    let https = Proxies { https: Some(format!("http://{proxy}")), ..Proxies::default() };
    let all = Proxies { all: Some(proxy.to_string()), ..Proxies::default() };
    for proxies in [https.clone(), all] {
        assert_eq!(fetch(&address, &through(proxies)).unwrap().bytes, PACKAGE);
        assert_eq!(seen.lock().unwrap().pop().as_deref(), Some("CONNECT packages.invalid:443 HTTP/1.1"));
    }
    let without = Proxies { no_proxy: Some("example.com, .invalid".into()), ..https };
    let message = format!("{address}: cannot find the address of {REMOTE}: Name or service not known");
    refused(&address, &through(without), 1, &message, "spelling");
    let none = Proxies { https: Some("http://127.0.0.1:1".into()), ..Proxies::default() };
    let message = format!("{address}: cannot connect: Connection refused (os error 111)");
    refused(&address, &through(none), 1, &message, "HTTPS_PROXY is set");
}

#[test]
fn plain_http_to_this_machine_passes_every_proxy_by() {
    let nginx = Nginx::start(None, "");
    nginx.put("p.json", PACKAGE);
    let dead = Some("http://127.0.0.1:1".to_owned());
    let proxies = Proxies { http: dead.clone(), all: dead, ..Proxies::default() };
    let options = FetchOptions { proxies, ..FetchOptions::default() };
    assert_eq!(fetch(nginx.http("/p.json"), &options).unwrap().bytes, PACKAGE);
}
