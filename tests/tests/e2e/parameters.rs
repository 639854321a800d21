//! Parameters of a program, fields, filters and options of `ecli` that do not fit: usage, before anything is loaded.

use std::path::PathBuf;

use e2e::{Tool, opensnoop, root};

/// Arguments before the package, after it, and what is said.
type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str, &'a str);

#[track_caller]
fn all_refused(package: &PathBuf, cases: &[Case<'_>]) {
    for (before, after, error, hint) in cases {
        Tool::ecli().arg("run").args(*before).arg(package).args(*after).run().expect_refusal(2, error, hint);
    }
}

#[test]
fn a_parameter_that_does_not_fit_is_named_with_what_would() {
    let options = "it has --…targ_pid…";
    let listed = "ecli run PACKAGE --help lists the program's options";
    all_refused(
        &opensnoop(),
        &[
            (&[], &["--no_such", "1"], "the program has no option '--no_such'", options),
            (&[], &["--", "--no_such"], "the program has no option '--no_such'", options),
            (&[], &["extra"], "the program has no option 'extra'", options),
            (
                &[],
                &["--targ_pid", "99999999999"],
                "'99999999999' does not fit '--targ_pid': out of range: pid_t holds -2147483648 to 2147483647",
                listed,
            ),
            (
                &[],
                &["--targ_pid", "init"],
                "'init' does not fit '--targ_pid': expected a whole number from -2147483648 to 2147483647",
                listed,
            ),
            (&[], &["--targ_pid"], "a value is required for '--targ_pid <…>' but none was supplied", listed),
            (
                &[],
                &["--targ_pid", "1", "--targ_pid", "2"],
                "the argument '--targ_pid <…>' cannot be used multiple times",
                listed,
            ),
        ],
    );
}

#[test]
fn every_kind_of_parameter_refuses_what_it_cannot_hold() {
    let listed = "ecli run PACKAGE --help lists the program's options";
    let package = root().join("tests/fixtures/shapes/parameters/package.json");
    for (option, value) in [
        ("p_u8", "256"),
        ("p_u8", "-1"),
        ("p_s8", "-129"),
        ("p_u64", "18446744073709551616"),
        ("p_u64", "1.5"),
        ("p_enum", "PURPLE"),
        ("p_float", "half"),
        ("p_letter", "xy"),
        ("p_text", "longer than sixteen bytes"),
        ("p_bool", "maybe"),
    ] {
        let error = format!("'{value}' does not fit '--{option}': …");
        let given = format!("--{option}={value}");
        all_refused(&package, &[(&[], &[given.as_str()], &error, listed)]);
    }
}

#[test]
fn a_package_without_parameters_says_so() {
    let package = root().join("tests/fixtures/shapes/lengths/package.json");
    all_refused(
        &package,
        &[(&[], &["--pid", "1"], "the program has no option '--pid'", "this package has no parameters; …")],
    );
}

#[test]
fn an_option_of_ecli_after_the_package_is_told_where_it_belongs() {
    for option in ["--timeout", "-j", "--json", "-o", "--filter", "--allow-http", "--sha256"] {
        let error = format!("'{option}' is an option of ecli, and stands after the package, where …");
        let hint = format!("put it before the package: ecli run {option} … PACKAGE");
        all_refused(&opensnoop(), &[(&[], &[option, "1"], &error, &hint)]);
    }
}

#[test]
fn fields_and_filters_are_checked_before_anything_is_loaded() {
    all_refused(
        &opensnoop(),
        &[
            (&["--fields", "pid,nope"], &[], "--fields: …`nope`…fname", ""),
            (&["--fields", "pid,"], &[], "--fields: …", ""),
            (&["--filter", "file == \"x\""], &[], "--filter: column 1: no field `file`…fname", ""),
            (&["--filter", "pid == \"x\""], &[], "--filter: column 8: `\"x\"` is not a value of `pid`…", ""),
            (&["--filter", "pid =="], &[], "--filter: column 7: expected …", ""),
            (&["--filter", "comm ~ \"(\""], &[], "--filter: column 8: not a regular expression: …", ""),
            (&["--filter", "(pid == 1"], &[], "--filter: column …: expected …", ""),
        ],
    );
}

#[test]
fn an_option_of_ecli_that_is_wrong_is_one_line_and_a_hint() {
    let listed = "--help lists the options";
    all_refused(
        &opensnoop(),
        &[
            (&["--zzz"], &[], "unexpected argument '--zzz' found", listed),
            (&["--time-out", "1s"], &[], "unexpected argument '--time-out' found", "…'--timeout'…"),
            (
                &["-j", "-o", "csv"],
                &[],
                "the argument '--json' cannot be used with '--output <FORMAT>'",
                listed,
            ),
            (&["-q", "-v"], &[], "the argument '--quiet' cannot be used with '--verbose'", listed),
            (
                &["-o", "xml"],
                &[],
                "invalid value 'xml' for '--output <FORMAT>' [possible values: columns, json, csv]",
                listed,
            ),
            (
                &["--timeout", "10 parsecs"],
                &[],
                "invalid value '10 parsecs' for '--timeout <TIME>': unknown unit ' parsecs': …",
                listed,
            ),
            (
                &["--buffer-size", "1T"],
                &[],
                "invalid value '1T' for '--buffer-size <BYTES>': unknown unit 'T': …",
                listed,
            ),
            (&["--count", "many"], &[], "invalid value 'many' for '--count <N>': …", listed),
            (
                &["--sha256", "12"],
                &[],
                "invalid value '12' for '--sha256 <HEX>': `12` is no SHA-256: …",
                listed,
            ),
        ],
    );
    Tool::ecli().args(["run", "-j"]).run().expect_refusal(
        2,
        "the following required arguments were not provided: <PACKAGE>...",
        listed,
    );
}
