//! What the command shows of packages and of itself.

use std::path::{Path, PathBuf};

use e2e::{Scratch, Tool, kernel, opensnoop};
use serde_json::Value;

/// Every package of the fixtures.
fn fixtures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![e2e::root().join("tests/fixtures")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the fixtures are there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "json" || suffix == "yaml") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn info_of_every_fixture_is_readable_by_nobody_as_text_and_json() {
    for path in fixtures() {
        let package = std::fs::read(&path).expect("a fixture");
        let text = Tool::ecli().args(["info", "-"]).stdin(package.clone()).user(65534).run();
        text.expect_code(0).expect_out("sha256").expect_out("PROGRAMS");
        let json = Tool::ecli().args(["info", "-", "--json"]).stdin(package).user(65534).run();
        let value: Value = serde_json::from_str(&json.expect_code(0).out()).expect("JSON");
        assert!(value["programs"].is_array(), "{}: {json}", path.display());
    }
}

#[test]
fn options_of_info_may_follow_the_package() {
    let before = Tool::ecli().args(["info", "--json"]).arg(opensnoop()).run();
    let after = Tool::ecli().arg("info").arg(opensnoop()).arg("--json").run();
    assert_eq!(before.expect_code(0).out(), after.expect_code(0).out());
}

#[test]
fn manual_pages_and_completions_come_from_the_command() {
    let scratch = Scratch::new();
    Tool::ecli().arg("man").arg(scratch.path()).run().expect_code(0);
    for page in ["ecli.1", "ecli-run.1", "ecli-info.1"] {
        let text = std::fs::read_to_string(scratch.at(page)).expect("the page");
        assert!(text.contains("Exit codes"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        Tool::ecli().args(["completions", shell]).run().expect_code(0).expect_out("fail-on-loss");
    }
}

/// The first row of opensnoop, split as the format says; any open of this machine will do.
fn first_row(time: &str, format: &str) -> String {
    kernel::require_root();
    let tool = Tool::run_quietly().args(["--time", time, "-o", format, "--count", "1"]).arg(opensnoop());
    let live = tool.start();
    live.wait_for("a row", || {
        drop(std::fs::File::open(Path::new("/nowhere")));
        live.ended()
    });
    live.finish().expect_code(0).out().lines().last().expect("a row").to_owned()
}

#[test]
fn json_has_the_time_last_and_as_chosen() {
    let at = |time: &str| -> Value { serde_json::from_str(&first_row(time, "json")).expect("JSON") };
    let wall = at("wall")["@time"].as_str().expect("text").to_owned();
    assert!(wall.len() >= 30 && wall.as_bytes()[10] == b'T' && wall.as_bytes()[19] == b'.', "{wall}");
    assert!(at("unix")["@time"].as_f64().expect("a number") > 1.7e9);
    assert!(at("mono")["@time"].as_f64().expect("a number") < 1.7e9);
    assert_eq!(at("none").get("@time"), None);
}

#[test]
fn csv_has_the_time_first_and_as_chosen() {
    let cell = |time| first_row(time, "csv").split(',').next().expect("a cell").to_owned();
    assert!(cell("unix").parse::<f64>().expect("a number") > 1.7e9);
    assert!(cell("mono").parse::<f64>().expect("a number") < 1.7e9);
    assert!(cell("none").parse::<u64>().is_ok(), "the first field instead");
}
