//! The fuzz targets' bodies, on stable: over the committed corpus, over the fixtures, and over both damaged in simple ways.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[path = "../../fuzz/bodies/mod.rs"]
mod bodies;

/// No input may keep a target busy for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Files of a folder of the workspace, those below it too.
fn files(folder: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        for path in entries.map(|entry| entry.expect("a folder can be listed").path()) {
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&e2e::root().join(folder), &mut found);
    found.sort();
    found
}

/// The seeds, and each of them cut short at 24 places and with one bit turned at 48.
fn replay(body: fn(&[u8]) -> bool, seeds: &[Vec<u8>]) {
    let run = |bytes: &[u8]| {
        let begin = Instant::now();
        let good = body(bytes);
        assert!(begin.elapsed() < PATIENCE, "{:?} for {} bytes", begin.elapsed(), bytes.len());
        good
    };
    assert!(!run(&[]), "nothing is no input");
    let good = seeds.iter().filter(|seed| run(seed)).count();
    assert!(good > 0, "no seed gets beyond the first checks");
    for seed in seeds {
        for part in 0..24 {
            run(&seed[..seed.len() * part / 24]);
        }
        let mut damaged = seed.clone();
        for n in 0..48.min(seed.len()) {
            // Spread over the file, most of them near its start, where the headers are.
            let at = if n % 2 == 0 { n } else { seed.len() * n / 48 };
            damaged[at] ^= 1 << (n % 8);
            run(&damaged);
            damaged[at] = seed[at];
        }
    }
}

fn read(paths: Vec<PathBuf>) -> Vec<Vec<u8>> {
    paths
        .into_iter()
        .map(|path| fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
        .collect()
}

#[test]
fn any_file_is_opened_or_refused() {
    let mut paths = files("fuzz/corpus/package_open");
    let packages = files("tests/fixtures").into_iter().chain(files("examples"));
    paths.extend(
        packages.filter(|path| path.extension().is_some_and(|kind| kind == "json" || kind == "yaml")),
    );
    replay(bodies::package_open, &read(paths));
}

#[test]
fn any_object_has_layouts_or_is_refused() {
    let mut seeds = read(files("fuzz/corpus/btf_layout"));
    let objects = files("crates").into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "o"));
    for object in read(objects.collect()) {
        seeds.extend([7_u16, 13, 29].map(|id| [&id.to_le_bytes()[..], &object].concat()));
    }
    replay(bodies::btf_layout, &seeds);
}

#[test]
fn any_bytes_decode_with_any_layout() {
    replay(bodies::decode, &read(files("fuzz/corpus/decode")));
}

#[test]
fn any_text_is_a_filter_or_refused() {
    replay(bodies::filter, &read(files("fuzz/corpus/filter")));
}
