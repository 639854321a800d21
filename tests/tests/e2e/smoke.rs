//! The bundled package from a file and from standard input shows what is opened.

use e2e::{Live, Opened, Scratch, Tool, Workload, kernel, opensnoop};
use rustix::process::Signal;

/// Opens the path again and again until the program has printed it.
fn until_seen(live: &Live, scratch: &Scratch) {
    let marker = scratch.at("marker");
    let text = marker.to_str().expect("test paths are UTF-8").to_owned();
    live.wait_for("a row of the marker", || {
        drop(std::fs::File::open(&marker));
        live.out().contains(&text)
    });
}

#[test]
fn a_file_shows_what_is_opened() {
    kernel::require_root();
    let scratch = Scratch::new();
    let live = Tool::ecli().arg("run").arg(opensnoop()).start();
    until_seen(&live, &scratch);
    let ran = live.stop(Signal::INT);
    ran.expect_code(0);
    let out = ran.out();
    let header: Vec<_> = out.lines().next().expect("a header").split_whitespace().collect();
    assert_eq!(header, ["TIME", "TS", "PID", "UID", "RET", "FLAGS", "COMM", "FNAME"], "{ran}");
    assert_eq!(out.matches("FNAME").count(), 1, "one header\n{ran}");
    let row = out.lines().find(|line| line.contains("marker")).expect("waited for it");
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells[2], std::process::id().to_string(), "{row}");
    assert_eq!(cells[4], "-2", "the marker does not exist: {row}");
}

#[test]
fn standard_input_is_a_package_too() {
    kernel::require_root();
    let scratch = Scratch::new();
    let package = std::fs::read(opensnoop()).expect("the example is there");
    let live = Tool::run_quietly().args(["-j", "-"]).stdin(package).start();
    until_seen(&live, &scratch);
    live.stop(Signal::INT).expect_code(0);
}

#[test]
fn run_may_be_left_out() {
    kernel::require_root();
    let scratch = Scratch::new();
    let live = Tool::ecli().arg(opensnoop()).start();
    until_seen(&live, &scratch);
    live.stop(Signal::INT).expect_code(0);
}

#[test]
fn json_is_an_object_a_line_in_declaration_order() {
    kernel::require_root();
    let scratch = Scratch::new();
    let live = Tool::run_quietly().arg("-j").arg(opensnoop()).start();
    until_seen(&live, &scratch);
    let ran = live.stop(Signal::INT);
    let out = ran.expect_code(0).out();
    let marker = scratch.at("marker");
    let row = out.lines().find(|line| line.contains(marker.to_str().unwrap())).unwrap();
    let names: Vec<_> = ["ts", "pid", "uid", "ret", "flags", "comm", "fname"]
        .iter()
        .map(|name| row.find(&format!("\"{name}\":")))
        .collect();
    assert!(names.iter().all(Option::is_some) && names.is_sorted(), "{row}");
    let rows = Opened::from_json_lines(&out);
    assert!(rows.iter().any(|row| row.pid == std::process::id() && row.ret == -2), "{ran}");
}

#[test]
fn csv_begins_with_the_names_of_the_fields() {
    kernel::require_root();
    let scratch = Scratch::new();
    let live = Tool::run_quietly().args(["-o", "csv"]).arg(opensnoop()).start();
    until_seen(&live, &scratch);
    let ran = live.stop(Signal::INT);
    let out = ran.expect_code(0).out();
    assert!(out.lines().next().unwrap().ends_with("ts,pid,uid,ret,flags,comm,fname"), "{ran}");
}

#[test]
fn a_program_s_own_parameter_filters_in_the_kernel() {
    kernel::require_root();
    let scratch = Scratch::new();
    let path = scratch.write("wanted", "");
    let me = std::process::id().to_string();
    let live = Tool::run_quietly().arg("-j").arg(opensnoop()).args(["--targ_tgid", &me]).start();
    live.wait_for("a row of the wanted path", || {
        drop(std::fs::File::open(&path));
        live.out().contains("wanted")
    });
    let others = Workload::opening(&path, 100).run();
    let ran = live.stop(Signal::INT);
    let rows = Opened::from_json_lines(&ran.expect_code(0).out());
    assert!(!others.pids.is_empty() && rows.iter().all(|row| row.pid == std::process::id()), "{ran}");
}

#[test]
fn a_filter_of_ecli_leaves_only_what_matches() {
    kernel::require_root();
    let scratch = Scratch::new();
    let filter = format!("fname == \"{}\" && ret < 0", scratch.at("marker").display());
    let live = Tool::run_quietly().args(["-j", "--filter", &filter]).arg(opensnoop()).start();
    until_seen(&live, &scratch);
    let ran = live.stop(Signal::INT);
    let rows = Opened::from_json_lines(&ran.expect_code(0).out());
    assert!(rows.iter().all(|row| row.path.ends_with("/marker") && row.ret == -2), "{ran}");
}

#[test]
fn fields_chosen_are_the_fields_shown() {
    kernel::require_root();
    let scratch = Scratch::new();
    let live = Tool::run_quietly().args(["-j", "--fields", "fname,pid"]).arg(opensnoop()).start();
    until_seen(&live, &scratch);
    let ran = live.stop(Signal::INT);
    for line in ran.expect_code(0).out().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["fname", "pid"], "{line}");
    }
}
