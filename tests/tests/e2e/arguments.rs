//! Help, version, and what is refused as usage: exit code 2, before the package is touched.

use std::time::Duration;

use e2e::{Scratch, Tool, opensnoop};

const QUICK: Duration = Duration::from_secs(2);

#[test]
fn help_goes_to_standard_output() {
    for args in [&["--help"][..], &["help"], &["run", "--help"], &["info", "--help"]] {
        let ran = Tool::ecli().args(args).user(65534).run();
        ran.expect_code(0).expect_out("Usage:").expect_within(QUICK);
        assert!(ran.stderr.is_empty(), "{ran}");
    }
}

#[test]
fn the_version_is_one_line() {
    let ran = Tool::ecli().arg("--version").run();
    assert_eq!(ran.expect_code(0).out().lines().count(), 1, "{ran}");
}

#[test]
fn a_program_s_own_help_names_its_parameters_and_fields() {
    let ran = Tool::ecli().arg("run").arg(opensnoop()).arg("--help").run();
    ran.expect_code(0).expect_within(QUICK);
    for word in ["targ_pid", "targ_tgid", "targ_uid", "targ_failed", "fname", "comm"] {
        ran.expect_out(word);
    }
}

#[test]
fn an_unknown_option_is_usage() {
    Tool::ecli().args(["run", "--no-such-option"]).arg(opensnoop()).run().expect_code(2).expect_no_out();
}

#[test]
fn a_parameter_that_does_not_exist_is_usage() {
    let ran = Tool::ecli().arg("run").arg(opensnoop()).args(["--no_such_parameter", "1"]).run();
    ran.expect_error(2, "no_such_parameter").expect_within(QUICK);
}

#[test]
fn a_parameter_out_of_range_is_usage() {
    let ran = Tool::ecli().arg("run").arg(opensnoop()).args(["--targ_pid", "99999999999"]).run();
    ran.expect_error(2, "targ_pid").expect_within(QUICK);
}

#[test]
fn a_parameter_of_the_wrong_type_is_usage() {
    let ran = Tool::ecli().arg("run").arg(opensnoop()).args(["--targ_pid", "init"]).run();
    ran.expect_error(2, "targ_pid").expect_within(QUICK);
}

#[test]
fn a_double_dash_before_the_program_s_parameters_is_swallowed() {
    let ran = Tool::ecli().arg("run").arg(opensnoop()).args(["--", "--targ_pid", "init"]).run();
    ran.expect_error(2, "targ_pid");
}

#[test]
fn an_option_of_ecli_after_the_package_is_told_where_it_belongs() {
    let ran = Tool::ecli().arg("run").arg(opensnoop()).args(["--timeout", "1s"]).run();
    ran.expect_error(2, "--timeout").expect_err("before");
}

#[test]
fn a_filter_on_a_field_that_does_not_exist_names_those_that_do() {
    let ran = Tool::ecli().args(["run", "--filter", "file == \"x\""]).arg(opensnoop()).run();
    ran.expect_error(2, "file").expect_err("fname");
}

#[test]
fn plain_http_to_another_host_is_refused() {
    let ran = Tool::ecli().args(["run", "http://192.0.2.1/package.json"]).run();
    ran.expect_error(2, "http").expect_err("--allow-http").expect_within(QUICK);
}

#[test]
fn a_missing_file_a_folder_and_an_empty_file_each_say_so() {
    let scratch = Scratch::new();
    Tool::ecli().arg("run").arg(scratch.at("none")).run().expect_error(1, "none").expect_within(QUICK);
    Tool::ecli().arg("run").arg(scratch.path()).run().expect_error(3, "folder").expect_within(QUICK);
    let empty = scratch.write("empty", "");
    Tool::ecli().arg("run").arg(empty).run().expect_error(3, "empty").expect_within(QUICK);
}

#[test]
fn without_root_it_says_what_it_needs() {
    // The package comes in by standard input: the user may not be able to read the tree.
    let package = std::fs::read(opensnoop()).expect("the example is there");
    let ran = Tool::ecli().args(["run", "-"]).stdin(package).user(65534).run();
    ran.expect_error(4, "root").expect_within(QUICK);
}

#[test]
fn info_needs_no_root() {
    let package = std::fs::read(opensnoop()).expect("the example is there");
    let ran = Tool::ecli().args(["info", "--json", "-"]).stdin(package).user(65534).run();
    let value: serde_json::Value = serde_json::from_str(&ran.expect_code(0).out()).expect("JSON");
    assert!(value.is_object(), "{ran}");
}
