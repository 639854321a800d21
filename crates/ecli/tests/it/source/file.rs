use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use ecli::source::{Digest, FetchOptions, Origin};
use tempfile::TempDir;

use super::{PACKAGE, fetch, refused};

#[test]
fn a_path_need_not_be_utf_8() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(OsStr::from_bytes(b"p\xff\x1bq.json"));
    fs::write(&path, PACKAGE).unwrap();
    let fetched = fetch(&path, &FetchOptions::default()).unwrap();
    assert_eq!(fetched.bytes, PACKAGE);
    assert_eq!(fetched.origin, Origin::File(path));
    assert_eq!(fetched.sha256_hex, Digest::of(PACKAGE).to_string());
    assert!(fetched.origin.to_string().ends_with("p\u{fffd}\\u{1b}q.json"), "no control character is shown");
}

#[test]
fn files_that_cannot_be_read_are_refused_with_the_remedy() {
    let options = FetchOptions::default();
    refused("/nonexistent/p.json", &options, 1, "/nonexistent/p.json: no such file", "give a path");
    refused(
        "localhost:5000/x",
        &options,
        1,
        "localhost:5000/x: no such file",
        "write http://localhost:5000/x",
    );
    let denied = "cannot read /proc/self/mem: Input/output error (os error 5)";
    refused("/proc/self/mem", &options, 1, denied, "");
    refused("ftp://a/b", &options, 2, "ftp://a/b: ecli does not fetch over `ftp`", "https URL");
    refused(
        "file:///etc/passwd",
        &options,
        2,
        "file:///etc/passwd: ecli does not fetch over `file`",
        "the path itself",
    );
    refused("", &options, 1, ": no such file", "give a path");
    let not_a_folder = "cannot read /etc/passwd/x: Not a directory (os error 20)";
    refused("/etc/passwd/x", &options, 1, not_a_folder, "");
}

#[test]
fn a_folder_is_named_one_and_its_package_is_suggested() {
    let folder = TempDir::new().unwrap();
    let shown = folder.path().display().to_string();
    let message = format!("{shown}: this is a folder, not a package file");
    refused(folder.path(), &FetchOptions::default(), 3, &message, "give the package file inside it");
    fs::write(folder.path().join("package.json"), PACKAGE).unwrap();
    refused(
        folder.path(),
        &FetchOptions::default(),
        3,
        &message,
        &format!("did you mean {shown}/package.json?"),
    );
}

#[test]
fn a_file_over_the_limit_is_refused_whether_it_tells_its_size_or_not() {
    let options = FetchOptions { max_bytes: 100, ..FetchOptions::default() };
    let large = tempfile::NamedTempFile::new().unwrap();
    large.as_file().set_len(1 << 40).unwrap();
    let message = format!("{}: larger than 100 bytes, the limit for a package", large.path().display());
    refused(large.path(), &options, 1, &message, "a few hundred kilobytes");
    refused("/dev/zero", &options, 1, "/dev/zero: larger than 100 bytes, the limit for a package", "a few");
}

#[test]
fn a_digest_that_differs_names_both() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("p");
    fs::write(&path, PACKAGE).unwrap();
    let (right, wrong) = (Digest::of(PACKAGE), Digest::of(b"other"));
    let options = |digest| FetchOptions { sha256: Some(digest), ..FetchOptions::default() };
    assert_eq!(fetch(&path, &options(right)).unwrap().bytes, PACKAGE);
    let message = format!("{}: SHA-256 is {right}, expected {wrong}", path.display());
    refused(&path, &options(wrong), 5, &message, "do not run it");
}
