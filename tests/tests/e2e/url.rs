//! Packages by URL: what a server can do wrong, each with its exit code, message and hint. The server is a real nginx.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use e2e::nginx::{Authority, Nginx};
use e2e::{Tool, opensnoop};

const HOST: &str = "packages.localhost";

fn info(options: &[&str], url: &str) -> e2e::Ran {
    Tool::ecli().arg("info").args(options).arg(url).run()
}

fn package() -> Vec<u8> {
    std::fs::read(opensnoop()).expect("the example is there")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    listener.local_addr().expect("a bound socket has an address").port()
}

#[test]
fn an_answer_that_is_no_package_is_refused() {
    let nginx = Nginx::start(
        None,
        "location = /down { return 503; } location = /a { return 301 /b; } location = /b { return 302 /a; }",
    );
    nginx.put("page.html", b"<!DOCTYPE html><html><body>Not here</body></html>");
    let at = |path: &str| nginx.http(path);
    for (url, code, error, hint) in [
        (
            at("/gone"),
            1,
            format!("{}: the server answered 404 Not Found", at("/gone")),
            "check the address; nothing is there",
        ),
        (
            at("/down"),
            1,
            format!("{}: the server answered 503 Service Unavailable", at("/down")),
            "the fault is the server's; try again later",
        ),
        (
            at("/a"),
            1,
            format!("{}: the redirects form a loop: {} was asked before", at("/b"), at("/a")),
            "give the final address of the package itself",
        ),
        (
            at("/page.html"),
            3,
            format!("{}: expected a package, found …", at("/page.html")),
            "the server sent a web page, not a file; give the address of the package itself",
        ),
    ] {
        info(&[], &url).expect_refusal(code, &error, hint);
        Tool::ecli().args(["run", &url]).run().expect_refusal(code, &error, hint);
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named() {
    let port = free_port();
    let refused = format!("http://127.0.0.1:{port}/p.json");
    info(&[], &refused).expect_refusal(
        1,
        &format!("{refused}: cannot connect: Connection refused (os error 111)"),
        "check the host and the port; is the server running?",
    );
    info(&[], "https://no.invalid/p.json").expect_refusal(
        1,
        "https://no.invalid/p.json: cannot find the address of no.invalid: …",
        "check the spelling of the host, and /etc/resolv.conf",
    );
}

#[test]
fn a_connection_that_is_not_secure_is_refused() {
    let authority = Authority::new();
    let nginx = Nginx::start(
        Some(&authority.certificate(HOST)),
        "location = /down { return 302 http://127.0.0.1:1/p.json; }",
    );
    nginx.put("p.json", &package());
    let (url, ca) = (nginx.https(HOST, "/p.json"), authority.ca_file());
    let trust = ["--cacert", ca.to_str().expect("test paths are UTF-8")];
    info(&trust, &url).expect_code(0);
    info(&[], &url).expect_refusal(1, &format!("{url}: no secure connection: …"), "…--cacert…");
    let down = nginx.https(HOST, "/down");
    info(&trust, &down).expect_refusal(
        1,
        &format!("{down}: redirects to http://127.0.0.1:1/p.json, which is not https"),
        "an https address never leads to an insecure one; give another address",
    );
    let expired = Nginx::start(Some(&authority.expired_certificate(HOST)), "");
    let url = expired.https(HOST, "/p.json");
    let error = format!("{url}: no secure connection: the server's certificate has expired");
    info(&trust, &url).expect_refusal(1, &error, "…clock…");
}

/// A server behind nginx that reads a request, writes `answer`, and stays silent or closes the connection.
fn upstream(answer: &'static str, stays: bool) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
            while stays && stream.read(&mut [0; 64]).is_ok_and(|len| len > 0) {}
        }
    });
    port
}

#[test]
fn a_server_that_hangs_meets_the_time_out_and_a_cut_body_is_no_package() {
    let silent = upstream("", true);
    let cut = upstream("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", false);
    let nginx = Nginx::start(
        None,
        &format!(
            "location = /hang {{ proxy_pass http://127.0.0.1:{silent}; }} location = /cut {{ proxy_pass http://127.0.0.1:{cut}; }}"
        ),
    );
    let hang = nginx.http("/hang");
    info(&["--fetch-timeout", "300ms"], &hang).expect_refusal(
        1,
        &format!("{hang}: not complete within 300 ms"),
        "try again, or give more time with --fetch-timeout",
    );
    let cut = nginx.http("/cut");
    info(&[], &cut).expect_refusal(
        1,
        &format!("{cut}: the transfer was cut short after 10 bytes"),
        "try again",
    );
}

#[test]
fn a_digest_that_differs_is_five_and_one_that_is_none_is_usage() {
    let nginx = Nginx::start(None, "");
    nginx.put("p.json", &package());
    let url = nginx.http("/p.json");
    let good = info(&["--json"], &url).out();
    let good: serde_json::Value = serde_json::from_str(&good).expect("JSON");
    let right = good["sha256"].as_str().expect("a digest").to_owned();
    let wrong = "0".repeat(64);
    info(&["--sha256", &right], &url).expect_code(0);
    info(&[], &format!("{url}#sha256={right}")).expect_code(0);
    let differs = format!("{url}: SHA-256 is {right}, expected {wrong}");
    let hint = "do not run it: this is another file than the one you asked for";
    info(&["--sha256", &wrong], &url).expect_refusal(5, &differs, hint);
    info(&[], &format!("{url}#sha256={wrong}")).expect_refusal(5, &differs, hint);
    let file = opensnoop();
    let differs = format!("{}: SHA-256 is {right}, expected {wrong}", file.display());
    Tool::ecli().args(["run", "--sha256", &wrong]).arg(&file).run().expect_refusal(5, &differs, hint);
    info(&[], &format!("{url}#sha256=12")).expect_refusal(
        2,
        "`12` is no SHA-256: 64 hexadecimal digits are expected, 2 characters were given",
        "`sha256sum package.json` prints the digest in this form",
    );
    info(&["--sha256", &right], &format!("{url}#sha256={wrong}")).expect_refusal(
        2,
        &format!("--sha256 asks for {right}, but the URL asks for {wrong}"),
        "give one of them",
    );
}

#[test]
fn plain_http_elsewhere_needs_to_be_allowed() {
    let url = "http://no.invalid/p.json";
    info(&[], url).expect_refusal(
        2,
        "http://no.invalid/p.json: plain http is refused, because no.invalid is not this machine",
        "use https, or add --allow-http if you trust the network in between",
    );
    info(&["--allow-http"], url).expect_refusal(
        1,
        "http://no.invalid/p.json: cannot find the address of no.invalid: …",
        "check the spelling of the host, and /etc/resolv.conf",
    );
}

#[test]
fn an_address_that_cannot_be_fetched_is_usage() {
    info(&[], "ftp://example.com/p.json").expect_refusal(
        2,
        "ftp://example.com/p.json: ecli does not fetch over `ftp`",
        "give a path, `-` for standard input, or an https URL",
    );
    info(&[], "https://").expect_refusal(2, "https://…: not a valid URL: empty host", "a URL looks like …");
}
