//! The bundled package from a real nginx, over http and https, runs on the real kernel.

use e2e::nginx::{Authority, Nginx};
use e2e::{Scratch, Tool, kernel, opensnoop};
use rustix::process::Signal;

const HOST: &str = "packages.localhost";

fn shows_what_is_opened(tool: Tool) {
    kernel::require_root();
    let scratch = Scratch::new();
    let live = tool.start();
    let marker = scratch.at("marker");
    let text = marker.to_str().expect("test paths are UTF-8").to_owned();
    live.wait_for("a row of the marker", || {
        drop(std::fs::File::open(&marker));
        live.out().contains(&text)
    });
    live.stop(Signal::INT).expect_code(0);
}

#[test]
fn http_from_this_machine_runs() {
    let nginx = Nginx::start(None, "");
    nginx.put("package.json", &std::fs::read(opensnoop()).unwrap());
    shows_what_is_opened(Tool::run_quietly().args(["-j", &nginx.http("/package.json")]));
}

#[test]
fn https_with_a_certificate_of_an_own_authority_runs() {
    let authority = Authority::new();
    let nginx = Nginx::start(Some(&authority.certificate(HOST)), "");
    nginx.put("package.json", &std::fs::read(opensnoop()).unwrap());
    let tool = Tool::run_quietly().arg("-j").arg("--cacert").arg(authority.ca_file());
    shows_what_is_opened(tool.arg(nginx.https(HOST, "/package.json")));
}
