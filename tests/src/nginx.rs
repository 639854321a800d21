//! A real nginx on loopback, with certificates made for the test.
//!
//! ```no_run
//! use e2e::nginx::{Authority, Nginx};
//!
//! let authority = Authority::new();
//! let nginx = Nginx::start(Some(&authority.certificate("packages.localhost")), "location = /gone { return 410; }");
//! nginx.put("package.json", b"{}");
//! println!("{} {}", nginx.http("/package.json"), nginx.https("packages.localhost", "/package.json"));
//! println!("--cacert {}", authority.ca_file().display());
//! ```

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A certificate authority of one test.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

/// A server's certificate and key.
#[derive(Debug, Clone)]
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

impl Authority {
    /// A new authority, trusted by nobody.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it runs openssl")]
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder for certificates");
        let subject =
            ["-subj", "/CN=ecli test authority", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(folder.path(), ["req", "-x509"].into_iter().chain(KEY).chain(subject));
        Self { folder }
    }

    /// The authority's certificate, for `--cacert`.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for `host`, valid today.
    #[must_use]
    pub fn certificate(&self, host: &str) -> Certificate {
        self.sign(host, 1)
    }

    /// A certificate for `host` that expired yesterday.
    #[must_use]
    pub fn expired_certificate(&self, host: &str) -> Certificate {
        self.sign(host, -1)
    }

    fn sign(&self, host: &str, days: i32) -> Certificate {
        let folder = self.folder.path();
        let file = |kind: &str| format!("{host}.{days}.{kind}");
        let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
        let names = format!("subjectAltName=DNS:{host}");
        let subject = ["-subj", "/CN=ecli test server", "-addext", &names, "-keyout", &key, "-out", &request];
        openssl(folder, ["req"].into_iter().chain(KEY).chain(subject));
        let days = days.to_string();
        let sign = ["x509", "-req", "-in", &request, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
        let result = ["-copy_extensions", "copy", "-days", &days, "-out", &certificate];
        openssl(folder, sign.into_iter().chain(result));
        Certificate { certificate: folder.join(certificate), key: folder.join(key) }
    }
}

fn openssl<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) {
    let output =
        Command::new("openssl").args(arguments).current_dir(folder).output().expect("openssl is installed");
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
}

/// A running nginx with a folder of its own; dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    folder: TempDir,
    child: Child,
    http_port: u16,
    https_port: u16,
}

impl Nginx {
    /// Starts nginx on free ports of 127.0.0.1: http always, https with `certificate`. `directives` go into the `server` block.
    ///
    /// # Panics
    ///
    /// When nginx is not installed, or refuses the directives.
    #[must_use]
    pub fn start(certificate: Option<&Certificate>, directives: &str) -> Self {
        let folder = TempDir::new().expect("a folder for nginx");
        fs::create_dir(folder.path().join("root")).expect("a new folder is writable");
        // Another process may take a port between its choice and nginx's bind; then others are chosen.
        for _ in 0..10 {
            let (http_port, https_port) = free_ports();
            fs::write(
                folder.path().join("nginx.conf"),
                configuration(http_port, https_port, certificate, directives),
            )
            .expect("a new folder is writable");
            if let Some(child) = spawn(folder.path(), http_port) {
                return Self { folder, child, http_port, https_port };
            }
        }
        panic!(
            "nginx does not start: {}",
            fs::read_to_string(folder.path().join("error.log")).unwrap_or_default()
        );
    }

    /// Publishes `bytes` under `/NAME`.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join("root").join(name), bytes).expect("the root is writable");
    }

    /// The address of `path` over plain http, by number.
    #[must_use]
    pub fn http(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http_port)
    }

    /// The address of `path` over https, by the name `host`.
    #[must_use]
    pub fn https(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.https_port)
    }

    /// The port of plain http.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port of https.
    #[must_use]
    pub fn https_port(&self) -> u16 {
        self.https_port
    }

    /// One line a request: `"METHOD TARGET" STATUS HOST "USER-AGENT" "AUTHORIZATION"`. A line is there before the client sees the answer's end.
    #[must_use]
    pub fn access_log(&self) -> String {
        fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A single process without workers; both fail only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_ports() -> (u16, u16) {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports");
    let port = |listener: &TcpListener| listener.local_addr().expect("a bound socket has an address").port();
    let (http, https) = (bind(), bind());
    (port(&http), port(&https))
}

/// Runs nginx until it listens; none when it ends before.
fn spawn(folder: &Path, port: u16) -> Option<Child> {
    let mut child = Command::new("nginx")
        .arg("-p")
        .arg(folder)
        .args(["-e", "error.log", "-c", "nginx.conf"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx is installed");
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().expect("a child can be waited for").is_none() {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(child);
        }
        assert!(Instant::now() < deadline, "nginx neither listens nor ends");
        thread::sleep(Duration::from_millis(2));
    }
    None
}

fn configuration(
    http_port: u16,
    https_port: u16,
    certificate: Option<&Certificate>,
    directives: &str,
) -> String {
    let tls = certificate.map_or_else(String::new, |Certificate { certificate, key }| {
        format!(
            "listen 127.0.0.1:{https_port} ssl; ssl_certificate {}; ssl_certificate_key {};",
            certificate.display(),
            key.display()
        )
    });
    format!(
        r#"
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    default_type application/json;
    types {{ text/html html; }}
    log_format line '"$request_method $request_uri" $status $host "$http_user_agent" "$http_authorization"';
    access_log access.log line;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    gzip_types *;
    gzip_min_length 0;
    server {{
        listen 127.0.0.1:{http_port};
        {tls}
        root root;
        {directives}
    }}
}}
"#
    )
}
