//! What the bench compares with, made from this tree's sources: libbpf's own readers, and the objects that they load.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use e2e::Scratch;

/// The clang that `scripts/setup test` installs.
const CLANG: &str = "clang-14";

/// Files of the bench, gone with it.
pub(crate) struct Peers {
    /// For outputs and caches too.
    pub(crate) scratch: Scratch,
    /// `tests/peers/reader.c`.
    pub(crate) reader: PathBuf,
    /// The bundled opensnoop's object.
    pub(crate) perf_object: PathBuf,
    /// `tests/peers/opensnoop_ring.bpf.c`, as object and as package.
    pub(crate) ring_object: PathBuf,
    pub(crate) ring_package: PathBuf,
    /// What is opened by the load; exists.
    pub(crate) opened: PathBuf,
}

impl Peers {
    /// Compiles what is needed.
    pub(crate) fn build() -> Self {
        let scratch = Scratch::new();
        let sources = e2e::root().join("tests/peers");

        let reader = scratch.at("reader");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-o"]).arg(&reader).arg(sources.join("reader.c")).args(["-lbpf", "-lelf", "-lz"]);
        assert!(cc.status().expect("gcc is installed").success(), "reader.c does not compile");

        let perf_object = scratch.write("perf.bpf.o", object_of(&e2e::opensnoop()));
        let options = compiler::BuildOptions { clang: CLANG.into(), ..Default::default() };
        let built = compiler::build(&sources.join("opensnoop_ring.bpf.c"), &options)
            .unwrap_or_else(|why| panic!("{why}"));
        let ring_object = scratch.write("ring.bpf.o", &built.object);
        let ring_package = scratch.write("ring.json", &built.package_json);
        let opened = scratch.write("opened", "");
        Self { scratch, reader, perf_object, ring_object, ring_package, opened }
    }
}

/// The BPF object of a package of the present generation.
fn object_of(package: &Path) -> Vec<u8> {
    let bytes = std::fs::read(package).unwrap_or_else(|why| panic!("{}: {why}", package.display()));
    let package: serde_json::Value = serde_json::from_slice(&bytes).expect("a package is JSON");
    let text = package["bpf_object"].as_str().expect("a package has an object");
    let deflated = base64::engine::general_purpose::STANDARD.decode(text).expect("the object is base64");
    let mut object = Vec::new();
    std::io::copy(&mut flate2::read::ZlibDecoder::new(deflated.as_slice()), &mut object)
        .expect("the object is zlib");
    object
}
