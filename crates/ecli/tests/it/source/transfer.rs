use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use e2e::nginx::Nginx;
use ecli::source::{Digest, FetchOptions, Origin, PlainHttp, Progress};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::servers::{request_line, serve, until_gone};
use super::{PACKAGE, fetch, refused};

#[test]
fn a_package_comes_over_http_with_its_digest_and_its_origin() {
    let nginx = Nginx::start(None, "location = /moved { return 302 /p.json?secret=1; }");
    nginx.put("p.json", PACKAGE);
    let port = nginx.http_port();
    for address in [
        nginx.http("/p.json"),
        format!("http://localhost:{port}/p.json"),
        format!("http://127.0.0.1.:{port}/p.json"),
    ] {
        let fetched = fetch(&address, &FetchOptions::default()).unwrap();
        assert_eq!(fetched.bytes, PACKAGE);
        assert_eq!(fetched.sha256_hex, Digest::of(PACKAGE).to_string());
    }
    let moved = fetch(nginx.http("/moved"), &FetchOptions::default()).unwrap();
    let address = nginx.http("/p.json?…");
    assert_eq!(moved.origin, Origin::Url { address, content_type: Some("application/json".into()) });
    assert!(
        nginx.access_log().contains(concat!("\"ecli/", env!("CARGO_PKG_VERSION"), "\"")),
        "{}",
        nginx.access_log()
    );
}

#[test]
fn credentials_are_sent_to_their_origin_and_never_shown() {
    let nginx = Nginx::start(
        None,
        "location = /same { return 302 /p.json; } location = /other { return 302 http://localhost:$server_port/p.json; }",
    );
    nginx.put("p.json", PACKAGE);
    for path in ["/same", "/other"] {
        let address = format!("http://user:secret@127.0.0.1:{}{path}", nginx.http_port());
        let fetched = fetch(address, &FetchOptions::default()).unwrap();
        assert!(!format!("{:?}", fetched.origin).contains("secret"));
    }
    let log = nginx.access_log();
    let last = |host: &str| {
        log.lines().rfind(|line| line.contains(&format!("/p.json\" 200 {host} "))).unwrap().to_owned()
    };
    assert!(last("127.0.0.1").ends_with("\"Basic dXNlcjpzZWNyZXQ=\""), "{log}");
    assert!(last("localhost").ends_with("\"-\""), "{log}");
    let gone = format!("http://user:secret@127.0.0.1:{}/gone?key=secret", nginx.http_port());
    let shown = nginx.http("/gone?…: the server answered 404 Not Found");
    refused(gone, &FetchOptions::default(), 1, &shown, "check the address");
}

#[test]
fn a_status_other_than_ok_is_no_package() {
    let nginx = Nginx::start(
        None,
        "location = /no { return 403; } location = /down { return 503; } location = /void { return 204; }",
    );
    for (path, status, hint) in [
        ("/missing", "404 Not Found", "nothing is there"),
        ("/no", "403 Forbidden", "credentials"),
        ("/down", "503 Service Unavailable", "try again later"),
        ("/void", "204 No Content", "check the address"),
    ] {
        let message = format!("{}: the server answered {status}", nginx.http(path));
        refused(nginx.http(path), &FetchOptions::default(), 1, &message, hint);
    }
}

#[test]
fn a_web_page_is_handed_over_with_a_hint() {
    let nginx = Nginx::start(None, "");
    nginx.put("page.html", b"<html></html>");
    let fetched = fetch(nginx.http("/page.html"), &FetchOptions::default()).unwrap();
    assert!(fetched.origin.hint().unwrap().contains("the server sent a web page"));
}

#[test]
fn a_digest_in_the_url_is_enforced() {
    let nginx = Nginx::start(None, "");
    nginx.put("p.json", PACKAGE);
    let (right, wrong) = (Digest::of(PACKAGE), Digest::of(b"other"));
    let address = nginx.http("/p.json");
    let options = FetchOptions::default();
    assert_eq!(fetch(format!("{address}#sha256={right}"), &options).unwrap().bytes, PACKAGE);
    let message = format!("{address}: SHA-256 is {right}, expected {wrong}");
    refused(format!("{address}#sha256={wrong}"), &options, 5, &message, "do not run it");
    let message = "`12` is no SHA-256: 64 hexadecimal digits are expected, 2 characters were given";
    refused(format!("{address}#sha256=12"), &options, 2, message, "sha256sum");
    let both = FetchOptions { sha256: Some(right), ..options };
    let message = format!("--sha256 asks for {right}, but the URL asks for {wrong}");
    refused(format!("{address}#sha256={wrong}"), &both, 2, &message, "give one of them");
}

#[test]
fn redirects_end_at_loops_at_ten_and_at_other_schemes() {
    let hops: String = (0..12).map(|i| format!("location = /{i} {{ return 302 /{}; }}", i + 1)).collect();
    let nginx = Nginx::start(
        None,
        &format!(
            "{hops} location = /12 {{ return 200 ok; }} location = /a {{ return 301 /b; }} location = /b {{ return 308 /a; }} location = /ftp {{ return 302 ftp://a/; }}"
        ),
    );
    let options = FetchOptions::default();
    let (a, b) = (nginx.http("/a"), nginx.http("/b"));
    let hint = "give the final address";
    refused(&a, &options, 1, &format!("{b}: the redirects form a loop: {a} was asked before"), hint);
    assert_eq!(fetch(nginx.http("/2"), &options).unwrap().bytes, b"ok");
    refused(nginx.http("/1"), &options, 1, &format!("{}: more than 10 redirects", nginx.http("/11")), hint);
    let ftp = nginx.http("/ftp");
    refused(&ftp, &options, 1, &format!("{ftp}: redirects to an address that cannot be fetched"), hint);
}

#[test]
fn plain_http_leads_to_this_machine_only() {
    let nginx = Nginx::start(
        None,
        "location = /out { return 302 http://192.0.2.1/p; } location = /name { return 302 http://no.invalid/; }",
    );
    let options = FetchOptions::default();
    for (address, refused_url, host) in [
        ("http://192.0.2.1/p".into(), "http://192.0.2.1/p", "192.0.2.1"),
        ("http://0.0.0.0/p".into(), "http://0.0.0.0/p", "0.0.0.0"),
        ("http://[2001:db8::1]/p".into(), "http://[2001:db8::1]/p", "[2001:db8::1]"),
        ("http://localhost.invalid/p".into(), "http://localhost.invalid/p", "localhost.invalid"),
        (nginx.http("/out"), "http://192.0.2.1/p", "192.0.2.1"),
        (nginx.http("/name"), "http://no.invalid/", "no.invalid"),
    ] {
        let message = format!("{refused_url}: plain http is refused, because {host} is not this machine");
        refused(address, &options, 2, &message, "--allow-http");
    }
    let anywhere = FetchOptions { plain_http: PlainHttp::Anywhere, ..FetchOptions::default() };
    let message = "http://no.invalid/: cannot find the address of no.invalid: Name or service not known";
    refused("http://no.invalid/", &anywhere, 1, message, "check the spelling");
}

#[test]
fn what_a_compressed_transfer_inflates_to_is_limited_too() {
    let nginx = Nginx::start(
        None,
        "location /gz/ { alias root/; gzip_static off; add_header Content-Encoding gzip; } location = /p.json { gzip on; }",
    );
    nginx.put("p.json", &PACKAGE.repeat(100));
    assert_eq!(fetch(nginx.http("/p.json"), &FetchOptions::default()).unwrap().bytes, PACKAGE.repeat(100));
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..256 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 19);
    nginx.put("bomb", &bomb);
    let options = FetchOptions { max_bytes: 1 << 20, ..FetchOptions::default() };
    let address = nginx.http("/gz/bomb");
    refused(
        &address,
        &options,
        1,
        &format!("{address}: larger than 1048576 bytes, the limit for a package"),
        "a few hundred",
    );
    nginx.put("cut", &bomb[..1000]);
    let address = nginx.http("/gz/cut");
    let error = fetch(&address, &FetchOptions::default()).unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("{address}: the transfer was cut short after ")),
        "{error}"
    );
}

#[test]
fn a_body_over_the_limit_is_refused_declared_or_not() {
    let nginx = Nginx::start(None, "");
    nginx.put("large", &[0; 2000]);
    let options = FetchOptions { max_bytes: 1000, ..FetchOptions::default() };
    let message = |address: &str| format!("{address}: larger than 1000 bytes, the limit for a package");
    refused(nginx.http("/large"), &options, 1, &message(&nginx.http("/large")), "a few hundred");
    let endless = serve(|mut stream| {
        request_line(&stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        while stream.write_all(b"4\r\naaaa\r\n").is_ok() {}
    });
    let address = format!("http://{endless}/");
    refused(&address, &options, 1, &message(&address), "a few hundred");
}

#[test]
fn a_body_cut_short_is_an_error() {
    let declared = serve(|mut stream| {
        request_line(&stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789").unwrap();
    });
    let chunked = serve(|mut stream| {
        request_line(&stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n")
            .unwrap();
    });
    for server in [declared, chunked] {
        let message = format!("http://{server}/: the transfer was cut short after 10 bytes");
        refused(format!("http://{server}/"), &FetchOptions::default(), 1, &message, "try again");
    }
}

#[test]
fn an_answer_that_is_not_http_is_an_error() {
    let silent = serve(|stream| drop(request_line(&stream)));
    let other = serve(|mut stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")));
    for server in [silent, other] {
        let error = fetch(format!("http://{server}/"), &FetchOptions::default()).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("http://{server}/: the transfer failed: ")),
            "{error}"
        );
        assert_eq!(error.exit_code(), 1);
    }
}

#[test]
fn a_port_where_nobody_listens_is_named() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let message = format!("http://{address}/: cannot connect: Connection refused (os error 111)");
    refused(format!("http://{address}/"), &FetchOptions::default(), 1, &message, "is the server running");
}

#[test]
fn a_server_that_hangs_or_trickles_meets_the_time_out() {
    let mute = serve(|stream| {
        request_line(&stream);
        until_gone(stream);
    });
    let stuck = serve(|mut stream| {
        request_line(&stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789").unwrap();
        until_gone(stream);
    });
    let trickle = serve(|mut stream| {
        request_line(&stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while stream.write_all(b".").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let options = FetchOptions { fetch_timeout: Duration::from_millis(300), ..FetchOptions::default() };
    for server in [mute, stuck, trickle] {
        let message = format!("http://{server}/: not complete within 300 ms");
        refused(format!("http://{server}/"), &options, 1, &message, "--fetch-timeout");
    }
}

#[test]
fn a_time_out_may_be_of_any_length() {
    let nginx = Nginx::start(None, "");
    nginx.put("p.json", PACKAGE);
    for timeout in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let options =
            FetchOptions { connect_timeout: timeout, fetch_timeout: timeout, ..FetchOptions::default() };
        assert_eq!(fetch(nginx.http("/p.json"), &options).unwrap().bytes, PACKAGE);
    }
    let none = FetchOptions { fetch_timeout: Duration::ZERO, ..FetchOptions::default() };
    let address = nginx.http("/p.json");
    refused(&address, &none, 1, &format!("{address}: not complete within 0 ms"), "--fetch-timeout");
}

#[test]
fn redirects_share_one_time_out() {
    let slow = serve(|mut stream| {
        let line = request_line(&stream);
        thread::sleep(Duration::from_millis(120));
        let _ = write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {}x\r\nContent-Length: 0\r\n\r\n",
            line.split(' ').nth(1).unwrap()
        );
    });
    let options = FetchOptions { fetch_timeout: Duration::from_millis(400), ..FetchOptions::default() };
    let started = Instant::now();
    let error = fetch(format!("http://{slow}/"), &options).unwrap_err();
    assert!(error.to_string().ends_with(": not complete within 400 ms"), "{error}");
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
}

#[test]
fn a_host_that_does_not_answer_meets_the_connect_time_out() {
    // A queue for one connection, filled: the kernel drops further SYNs.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _queued: Vec<_> = (0..2)
        .map_while(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok())
        .collect();
    let options = FetchOptions { connect_timeout: Duration::from_millis(300), ..FetchOptions::default() };
    let message = format!("http://{address}/: no connection within 300 ms");
    refused(format!("http://{address}/"), &options, 1, &message, "--connect-timeout");
}

#[test]
fn progress_tells_what_has_come_and_that_it_ended() {
    #[derive(Default)]
    struct Seen(Vec<(u64, Option<u64>)>, usize);
    impl Progress for Seen {
        fn advance(&mut self, received: u64, total: Option<u64>) {
            self.0.push((received, total));
        }
        fn finish(&mut self) {
            self.1 += 1;
        }
    }
    let nginx = Nginx::start(None, "");
    nginx.put("p", &[7; 300_000]);
    let mut seen = Seen::default();
    let address = nginx.http("/p");
    ecli::source::fetch(address.as_ref(), &FetchOptions::default(), &mut seen).unwrap();
    assert_eq!(seen.0.last(), Some(&(300_000, Some(300_000))));
    assert!(seen.0.is_sorted());
    let missing: SocketAddr = "127.0.0.1:1".parse().unwrap();
    ecli::source::fetch(format!("http://{missing}/").as_ref(), &FetchOptions::default(), &mut seen)
        .unwrap_err();
    assert_eq!(seen.1, 2);
}
