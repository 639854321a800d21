//! The release binary in a root that holds nothing but it, a CA file, resolv.conf, hosts, and the kernel's file systems.
//! `make release-test` builds it and runs these.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::nginx::{Authority, Nginx};
use e2e::{Scratch, Tool, kernel, opensnoop};
use rustix::process::Signal;

const HOST: &str = "packages.test";
/// In a mount namespace of its own, so that nothing stays mounted. Arguments: the root, then the command.
const IN_ROOT: &str = r#"
set -e
root=$1
shift
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
exec chroot "$root" "$@"
"#;

/// A root folder with the static binary and what looking up a name needs.
fn root(scratch: &Scratch) -> PathBuf {
    let root = scratch.at("root");
    for folder in ["proc", "sys", "etc"] {
        fs::create_dir_all(root.join(folder)).expect("a new folder is writable");
    }
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist/ecli");
    fs::copy(&binary, root.join("ecli")).expect("make release has made dist/ecli");
    fs::write(root.join("etc/hosts"), format!("127.0.0.1 {HOST}\n")).expect("a new folder is writable");
    fs::write(root.join("etc/resolv.conf"), "nameserver 127.0.0.1\n").expect("a new folder is writable");
    root
}

fn in_root(root: &Path) -> Tool {
    Tool::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", IN_ROOT, "sh"])
        .arg(root)
        .arg("/ecli")
}

#[test]
#[ignore = "needs dist/ecli: make release-test"]
fn https_by_name_runs_where_there_is_nothing_else() {
    kernel::require_root();
    let scratch = Scratch::new();
    let root = root(&scratch);
    let authority = Authority::new();
    fs::copy(authority.ca_file(), root.join("ca.pem")).unwrap();
    let nginx = Nginx::start(Some(&authority.certificate(HOST)), "");
    nginx.put("package.json", &fs::read(opensnoop()).unwrap());

    let url = nginx.https(HOST, "/package.json");
    let live = in_root(&root).args(["run", "-j", "--cacert", "/ca.pem", &url]).start();
    let marker = scratch.at("marker");
    let text = marker.to_str().expect("test paths are UTF-8").to_owned();
    live.wait_for("a row of the marker", || {
        drop(fs::File::open(&marker));
        live.out().contains(&text)
    });
    live.stop(Signal::INT).expect_code(0);
}

#[test]
#[ignore = "needs dist/ecli: make release-test"]
fn without_a_store_the_bundled_roots_say_who_is_unknown() {
    kernel::require_root();
    let scratch = Scratch::new();
    let root = root(&scratch);
    let nginx = Nginx::start(Some(&Authority::new().certificate(HOST)), "");
    let ran = in_root(&root).args(["info", &nginx.https(HOST, "/package.json")]).run();
    // The store is missing, and that is not what it complains about.
    ran.expect_error(1, "certificate").expect_err("--cacert");
}
