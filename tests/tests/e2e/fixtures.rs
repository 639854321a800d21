//! What the programs of `tests/fixtures/shapes` send is what the real binary shows.
//!
//! They send at `getsid(n)`, with n in the record. Each test has numbers of its own, which no process has, so that tests
//! beside it do not meddle.

use std::path::PathBuf;

use e2e::{Live, Opened, Scratch, Tool, kernel};
use rustix::process::{Pid, Signal, getsid};
use serde_json::{Value, json};

fn shape(name: &str) -> PathBuf {
    e2e::root().join("tests/fixtures/shapes").join(name).join("package.json")
}

fn send(number: i32) {
    // No process has that number; the call is all that matters.
    let _ = getsid(Pid::from_raw(number));
}

/// Runs a shape until it has shown the record of `number`.
fn shown(name: &str, number: i32, program_args: &[&str]) -> Value {
    kernel::require_root();
    let filter = format!("n == {number}");
    let tool = Tool::run_quietly().args(["-j", "--count", "1", "--filter", &filter]).arg(shape(name));
    let live = tool.args(program_args).start();
    live.wait_for("the record", || {
        send(number);
        live.ended()
    });
    one_line(&live.finish().expect_code(0).out())
}

fn one_line(out: &str) -> Value {
    let line = out.lines().next().expect("a row");
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Rows of several streams: runs until `enough` of them hold `number`.
fn rows(name: &str, args: &[&str], number: i32, enough: usize) -> Vec<String> {
    kernel::require_root();
    let live = Tool::run_quietly().args(args).arg(shape(name)).start();
    let text = number.to_string();
    let with_number = |live: &Live| live.out().lines().filter(|line| line.contains(&text)).count();
    live.wait_for("the rows", || {
        send(number);
        with_number(&live) >= enough
    });
    let ran = live.stop(Signal::INT);
    ran.expect_code(0).out().lines().filter(|line| line.contains(&text)).map(str::to_owned).collect()
}

#[test]
fn every_kind_of_field_has_its_value() {
    let mut row = shown("kinds", 910_001, &[]);
    assert!(row["pointer"].is_u64(), "{row}");
    row.as_object_mut().expect("an object").remove("pointer");
    let expected = json!({
        "n": 910_001, "s8_min": -128, "u8_max": 255, "s16_min": -32768, "u16_max": 65535,
        "s32_min": i32::MIN, "u32_max": u32::MAX, "s64_min": i64::MIN, "u64_max": u64::MAX,
        "s128_min": i128::MIN.to_string(), "u128_max": u128::MAX.to_string(),
        "yes": true, "no": false, "letter": 65, "named": "BLUE", "unnamed": "6", "below": "BELOW",
        "quarter": 0.25, "third": 1.0 / 3.0, "not_a_number": null,
        "three_bits": 5, "five_bits": -9, "forty_bits": 1_094_624_909_430_u64, "color_bits": "GREEN",
        "numbers": [1, 0, 3], "words": ["ab", "cdef"], "raw": [1, 0, 254, 255], "alias": "typedef",
        "corners": [{"x": -1, "y": 0}, {"x": 0, "y": 2}],
        "nested": {"at": {"x": 10, "y": -10}, "weight": 99},
        "either": {"word": 67_305_985, "bytes": [1, 2, 3, 4]},
        "promoted": 42,
    });
    assert_eq!(row, expected);
}

#[test]
fn text_that_is_none_is_kept_to_the_byte_and_harmless() {
    let row = shown("text", 910_002, &[]);
    assert_eq!(row["full"], "12345678", "an array without NUL");
    assert_eq!(row["latin@hex"], "636166e980fffe");
    assert_eq!(row["plain"], "a\\b ü €");
    let rows = rows("text", &[], 910_003, 1);
    assert!(rows[0].contains(r"caf\xe9\x80\xff\xfe"), "{rows:?}");
    assert!(rows[0].contains(r"\x1b[31mred\xe2\x80\xae\x0a"), "{rows:?}");
}

#[test]
fn parameters_of_every_kind_reach_the_program() {
    let row = shown(
        "parameters",
        910_004,
        &[
            "--p_s8=-128",
            "--p_u8",
            "0xff",
            "--p_s16",
            "-300",
            "--signed",
            "-7",
            "--p_u32",
            "4294967295",
            "--p_u64",
            "18446744073709551615",
            "--p_enum",
            "BLUE",
            "--p_float",
            "1.5",
            "--p_double=-2.5",
            "--p_text",
            "given",
            "--p_bool",
            "--disable-p_initialised",
            "--sound=false",
            "-q",
            "--p_data",
            "-5",
            "--p_bss",
            "9",
        ],
    );
    let expected = json!({
        "n": 910_004, "p_s8": -128, "p_u8": 255, "p_s16": -300, "p_u16": 60000, "p_s32": -7, "p_u32": u32::MAX,
        "p_s64": -4, "p_u64": u64::MAX, "p_enum": "BLUE", "p_float": 1.5, "p_double": -2.5, "p_letter": 120,
        "p_text": "given", "p_bool": true, "p_initialised": false, "p_default_true": false,
        "p_default_false": true, "p_value": 77, "p_data": -5, "p_bss": 9,
    });
    assert_eq!(row, expected);
}

#[test]
fn rows_of_several_streams_say_which_one_they_are_from() {
    for (name, number, streams) in
        [("perf-and-ring", 910_005, ["perf", "ring"]), ("two-rings", 910_006, ["small", "large"])]
    {
        let rows = rows(name, &["-j"], number, 2);
        for stream in streams {
            assert!(rows.iter().any(|row| row.ends_with(&format!("\"@stream\":\"{stream}\"}}"))), "{rows:?}");
        }
    }
}

#[test]
fn flexible_arrays_have_as_many_elements_as_were_sent() {
    let rows = rows("flexible", &["-j"], 910_003 + 4, 2);
    let lists: Value = serde_json::from_str(rows.iter().find(|row| row.contains("lists")).unwrap()).unwrap();
    let sent = lists["items"].as_array().unwrap().len();
    assert!(sent > 0, "{rows:?}");
    assert_eq!(lists["items"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap() / 10).sum::<u64>(), {
        let sent = sent as u64;
        sent * (sent + 1) / 2
    });
}

#[test]
fn sampled_entries_have_key_and_value() {
    kernel::require_root();
    // Entries are by process and thread name; the tests beside this one are other threads.
    let thread = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
    let filter = format!("key.pid == {} && key.comm == \"{}\"", std::process::id(), thread.trim_end());
    let live = Tool::run_quietly().args(["-j", "--filter", &filter]).arg(shape("struct-key")).start();
    live.wait_for("an entry", || {
        send(910_008);
        !live.out().is_empty()
    });
    let row = one_line(&live.stop(Signal::INT).expect_code(0).out());
    assert_eq!(row["key"]["even"], 1, "{row}");
    let (count, sum) = (row["value"]["count"].as_u64().unwrap(), row["value"]["sum"].as_u64().unwrap());
    assert_eq!(sum, count * 910_008, "{row}");
}

#[test]
fn a_histogram_is_a_picture() {
    kernel::require_root();
    let live = Tool::run_quietly().arg(shape("histogram")).start();
    live.wait_for("a picture of ours", || {
        send(910_009);
        let out = live.out();
        // 910009 lies in slot 19.
        out.lines().any(|line| {
            line.starts_with("    524288 -> 1048575    : ")
                && line.ends_with("|****************************************|")
        })
    });
    let ran = live.stop(Signal::INT);
    let out = ran.expect_code(0).out();
    assert!(out.contains("     number              : count    distribution\n"), "{ran}");
    assert!(
        out.contains("         0 -> 1          : 0        |                                        |\n"),
        "{ran}"
    );
}

#[test]
fn a_64_bit_enum_has_its_name() {
    assert_eq!(shown("enum64", 910_010, &[])["mode"], "HUGE");
}

#[test]
fn records_may_go_on_after_the_members_that_a_package_lists() {
    kernel::require_root();
    let args = ["run", "-j", "--count", "1", "--filter", "number == 910011"];
    let live = Tool::ecli().args(args).arg(shape("custom-members")).start();
    live.wait_for("the record", || {
        send(910_011);
        live.ended()
    });
    let ran = live.finish();
    let row = one_line(&ran.expect_code(0).out());
    assert_eq!(
        (&row["number"], row.as_object().map(serde_json::Map::len)),
        (&json!(910_011), Some(2)),
        "{ran}"
    );
    ran.expect_err(" 0 faulty");
}

#[test]
fn older_generations_and_yaml_show_what_the_present_one_does() {
    kernel::require_root();
    let scratch = Scratch::new();
    let marker = scratch.at("marker");
    let filter = format!("fname == \"{}\"", marker.display());
    let folder = e2e::root().join("tests/fixtures/generations");
    let generations =
        ["flat-a.json", "flat-b.json", "transitional.json", "transitional-raw.json", "present.yaml"];
    for package in generations.map(|name| folder.join(name)).into_iter().chain([e2e::opensnoop()]) {
        let live = Tool::run_quietly().args(["-j", "--filter", &filter]).arg(&package).start();
        live.wait_links(4);
        let held = kernel::held_by(live.pid());
        let _missing = std::fs::File::open(&marker);
        let ran = live.stop(Signal::INT);
        kernel::expect_gone(&held);
        let rows = Opened::from_json_lines(&ran.expect_code(0).out());
        let shown: Vec<_> = rows.iter().map(|row| (row.pid, row.ret)).collect();
        assert_eq!(shown, [(std::process::id(), -2)], "{}\n{ran}", package.display());
    }
}
