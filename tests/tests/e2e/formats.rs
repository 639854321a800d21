//! How rows look: times, headers, columns, CSV.

use std::time::{SystemTime, UNIX_EPOCH};

use e2e::{Ran, Scratch, Tool, kernel, opensnoop};
use rustix::process::Signal;

/// One failed open of `folder/marker`, as the options show it.
fn one_row(options: &[&str], zone: &str) -> Ran {
    kernel::require_root();
    let scratch = Scratch::new();
    let marker = scratch.at("marker");
    let filter = format!("fname == \"{}\"", marker.display());
    let live = Tool::run_quietly()
        .env("TZ", zone)
        .args(["--filter", &filter, "--fields", "ret,fname"])
        .args(options)
        .arg(opensnoop())
        .start();
    live.wait_links(4);
    let _missing = std::fs::File::open(&marker);
    let ran = live.stop(Signal::INT);
    ran.expect_code(0);
    assert!(!ran.stdout.contains(&0x1b), "an escape sequence into a pipe\n{ran}");
    assert!(ran.stderr.is_empty(), "-q is silent\n{ran}");
    ran
}

#[test]
fn columns_line_up_with_their_headers() {
    let out = one_row(&["--time", "none"], "UTC").out();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["RET", "FNAME"], "{out}");
    assert_eq!(lines[0].find("FNAME"), lines[1].find('/'), "{out}");
}

#[test]
fn no_header_leaves_rows_only() {
    for format in ["columns", "csv"] {
        let ran = one_row(&["-o", format, "--no-header"], "UTC");
        assert_eq!(ran.out().lines().count(), 1, "{ran}");
        ran.expect_out("/marker");
    }
}

#[test]
fn csv_is_two_lines_with_crlf() {
    let ran = one_row(&["-o", "csv", "--time", "none"], "UTC");
    let out = ran.out();
    let lines: Vec<_> = out.split("\r\n").collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (3, "ret,fname", ""), "{ran}");
    assert!(lines[1].starts_with("-2,/") && lines[1].ends_with("/marker"), "{ran}");
}

#[test]
fn unix_time_is_now() {
    let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs_f64();
    let ran = one_row(&["-o", "csv", "--time", "unix", "--no-header"], "UTC");
    let after = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs_f64();
    let out = ran.out();
    let time: f64 =
        out.split(',').next().and_then(|time| time.parse().ok()).unwrap_or_else(|| panic!("{ran}"));
    assert!(before - 1.0 < time && time < after + 1.0, "{before} {time} {after}");
}

#[test]
fn wall_time_is_that_of_the_zone() {
    for (zone, offset) in [("UTC", ["+00:00", "Z"]), ("Asia/Tokyo", ["+09:00", "+09:00"])] {
        let ran = one_row(&["-j", "--time", "wall"], zone);
        let row: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("a row");
        let time = row["@time"].as_str().unwrap_or_else(|| panic!("no time\n{ran}"));
        assert!(time.as_bytes().get(10) == Some(&b'T'), "RFC 3339\n{ran}");
        assert!(offset.iter().any(|offset| time.ends_with(offset)), "{zone}\n{ran}");
    }
}

#[test]
fn an_output_file_takes_the_rows() {
    let scratch = Scratch::new();
    let path = scratch.at("rows");
    let ran = one_row(&["-j", "--output-file", path.to_str().expect("test paths are UTF-8")], "UTC");
    ran.expect_no_out();
    let rows = std::fs::read_to_string(&path).expect("it was written");
    assert_eq!(rows.lines().count(), 1, "{rows}");
}
