//! Variables that become options, and values as text.

use package::layout::Type;
use package::parameter::ValueError;
use package::{Parameter, PlanError};
use serde_json::{Value, json};

use crate::build::{EVENTS, events, events_meta, plan, present};

fn parameters() -> Vec<Parameter> {
    plan(&events()).unwrap().parameters
}

fn named(name: &str) -> Parameter {
    parameters().into_iter().find(|parameter| parameter.variable == name).unwrap()
}

fn with_variables(variables: Value) -> Result<package::Plan, PlanError> {
    let mut meta = events_meta();
    meta["bpf_skel"]["data_sections"] = json!([{"name": ".rodata", "variables": variables}]);
    plan(&present(EVENTS, meta))
}

#[test]
fn globals_that_setting_changes_are_parameters() {
    let mut names: Vec<_> = parameters().iter().map(|p| format!("{} {}", p.section, p.variable)).collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".bss last",
            ".bss total",
            ".data counter",
            ".data.more extra",
            ".rodata letter",
            ".rodata level",
            ".rodata min_ns",
            ".rodata mode",
            ".rodata prefix",
            ".rodata ratio",
            ".rodata scale",
            ".rodata targ_all",
            ".rodata targ_failed",
            ".rodata targ_pid",
            ".rodata targ_uid",
            ".rodata wide",
        ],
        "no statics, no dummies, no plain constants"
    );
}

#[test]
fn initial_values_are_what_c_says() {
    for (name, shown) in [
        ("targ_pid", "0"),
        ("targ_uid", "4294967295"),
        ("targ_failed", "false"),
        ("targ_all", "true"),
        ("level", "200"),
        ("min_ns", "1234605616436508552"),
        ("ratio", "1.5"),
        ("scale", "-2.5"),
        ("mode", "MODE_ON"),
        ("prefix", "/etc"),
        ("letter", "120"),
        ("wide", "-1"),
        ("counter", "42"),
        ("extra", "-3"),
        ("total", "0"),
        ("last", "(8 bytes)"),
    ] {
        let parameter = named(name);
        assert_eq!(parameter.display(&parameter.initial), shown, "{name}");
    }
}

#[test]
fn places_are_those_of_the_symbols() {
    // llvm-nm: the variables of .rodata in the order of the source, each aligned.
    let places = ["targ_pid", "targ_uid", "targ_failed", "targ_all", "level", "min_ns", "ratio", "scale"]
        .map(|name| named(name).offset_bytes);
    assert_eq!(places, [0, 4, 8, 9, 10, 16, 24, 32]);
}

#[test]
fn the_package_names_describes_and_presets() {
    let parameter = named("targ_pid");
    assert_eq!(
        (parameter.long.as_str(), parameter.short, parameter.help.as_str()),
        ("pid", Some('p'), "Process id")
    );
    assert_eq!(parameter.type_name, "pid_t");
    assert_eq!(parameter.default, Some(vec![0; 4]));
    let failed = named("targ_failed");
    assert!(failed.is_bool());
    assert_eq!((failed.long.as_str(), failed.short, failed.value()), ("failed", Some('f'), &[0][..]));
    let all = named("targ_all");
    assert_eq!((all.default.as_deref(), all.value()), (None, &[1][..]), "a C initialiser of true stays");
}

#[test]
fn defaults_are_values_of_the_variable() {
    let plan = with_variables(json!([
        {"name": "level", "value": 255},
        {"name": "mode", "cmdarg": {"default": "MODE_OFF"}},
        {"name": "prefix", "value": "/tmp"},
        {"name": "folded", "cmdarg": {"default": 9}},
        {"name": "targ_all", "cmdarg": {"default": false}}
    ]))
    .unwrap();
    let value = |name: &str| {
        let parameter = plan.parameters.iter().find(|p| p.variable == name).unwrap();
        parameter.display(parameter.value())
    };
    assert_eq!(
        ["level", "mode", "prefix", "folded", "targ_all"].map(value),
        ["255", "MODE_OFF", "/tmp", "9", "false"]
    );
    let error = with_variables(json!([{"name": "level", "value": 256}])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the package's default for variable `level` is `256`: out of range: unsigned char holds 0 to 255"
    );
}

#[test]
fn of_two_options_of_one_name_the_first_keeps_it() {
    let plan = with_variables(json!([
        {"name": "targ_pid", "cmdarg": {"long": "x", "short": "x"}},
        {"name": "targ_uid", "cmdarg": {"long": "x", "short": "x"}},
        {"name": "level", "cmdarg": {"long": "min_ns"}},
        {"name": "mode", "cmdarg": {"long": "no good", "short": "xy"}}
    ]))
    .unwrap();
    let option = |name: &str| {
        let parameter = plan.parameters.iter().find(|p| p.variable == name).unwrap();
        (parameter.long.clone(), parameter.short)
    };
    assert_eq!(option("targ_pid"), ("x".to_owned(), Some('x')));
    assert_eq!(option("targ_uid"), ("targ_uid".to_owned(), None));
    assert_eq!(option("level"), ("min_ns".to_owned(), None));
    assert_eq!(option("min_ns"), ("min_ns-2".to_owned(), None));
    assert_eq!(option("mode"), ("mode".to_owned(), None));
    assert!(plan.notes.len() >= 5, "{:?}", plan.notes);
    let longs: std::collections::HashSet<_> = plan.parameters.iter().map(|p| &p.long).collect();
    assert_eq!(longs.len(), plan.parameters.len());
}

/// A parameter of any type, as the planner makes them.
fn of(ty: Type, type_name: &str) -> Parameter {
    let mut parameter = named("targ_pid");
    (parameter.ty, parameter.type_name) = (ty, type_name.to_owned());
    parameter
}

#[test]
fn whole_numbers_use_the_full_range_of_their_type() {
    for bits in [8, 16, 32, 64, 128] {
        let (low, high) = (i128::MIN >> (128 - bits), i128::MAX >> (128 - bits));
        let signed = of(Type::Signed { bits }, "int");
        for value in [low, -1, 0, 1, high] {
            let bytes = signed.encode(&value.to_string()).unwrap();
            assert_eq!(bytes, value.to_le_bytes()[..usize::from(bits / 8)]);
            assert_eq!(signed.display(&bytes), value.to_string());
        }
        let high = u128::MAX >> (128 - bits);
        let unsigned = of(Type::Unsigned { bits }, "unsigned int");
        for text in [high.to_string(), format!("{high:#x}"), "0".to_owned()] {
            let bytes = unsigned.encode(&text).unwrap();
            assert_eq!(bytes.len(), usize::from(bits / 8));
        }
        assert_eq!(unsigned.display(&unsigned.encode(&high.to_string()).unwrap()), high.to_string());
        assert!(unsigned.encode("-1").is_err());
        if bits < 128 {
            let over = unsigned.encode(&(high + 1).to_string()).unwrap_err();
            let highest = i128::try_from(high).unwrap();
            assert_eq!(over, ValueError::OutOfRange { type_name: "unsigned int".into(), lowest: 0, highest });
            assert!(signed.encode(&(i128::MAX >> (128 - bits)).checked_add(1).unwrap().to_string()).is_err());
        }
    }
    let int = named("targ_pid");
    assert_eq!(int.encode("-0x10").unwrap(), (-16i32).to_le_bytes());
    assert_eq!(int.encode("+7").unwrap(), 7i32.to_le_bytes());
    for text in ["", "-", "0x", "1.5", "abc", "0x-1", "--1", " 1", "1 ", "٣"] {
        let error = int.encode(text).unwrap_err();
        let expected = "a whole number from -2147483648 to 2147483647".to_owned();
        assert_eq!(error, ValueError::Invalid { expected }, "{text:?}");
    }
    let error = int.encode(&"9".repeat(60)).unwrap_err().to_string();
    assert_eq!(error, "out of range: pid_t holds -2147483648 to 2147483647");
}

#[test]
fn booleans_are_words_or_digits() {
    let parameter = named("targ_failed");
    for (text, byte) in [("true", 1), ("1", 1), ("false", 0), ("0", 0)] {
        assert_eq!(parameter.encode(text).unwrap(), [byte]);
    }
    assert_eq!(parameter.encode("yes").unwrap_err().to_string(), "expected true or false");
}

#[test]
fn enums_are_names_or_numbers() {
    let parameter = named("mode");
    assert_eq!(parameter.encode("MODE_ON").unwrap(), 5u32.to_le_bytes());
    assert_eq!(parameter.encode("MODE_ALL").unwrap(), [0xff; 4]);
    assert_eq!(parameter.encode("77").unwrap(), 77u32.to_le_bytes());
    let error = parameter.encode("MODE_NONE").unwrap_err().to_string();
    assert_eq!(error, "expected one of MODE_OFF, MODE_ON, MODE_ALL, or a number");
}

#[test]
fn floats_are_little_endian() {
    assert_eq!(named("ratio").encode("0.25").unwrap(), 0.25f32.to_le_bytes());
    assert_eq!(named("scale").encode("-1e3").unwrap(), (-1000f64).to_le_bytes());
    assert!(named("ratio").encode("1e300").is_err());
    assert!(named("scale").encode("1,5").is_err());
}

#[test]
fn text_leaves_room_for_its_nul() {
    let parameter = named("prefix");
    assert_eq!(parameter.encode("abc").unwrap(), *b"abc\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert!(parameter.encode("123456789012345").is_ok());
    assert_eq!(parameter.encode("1234567890123456").unwrap_err(), ValueError::TooLong { most: 15 });
    assert_eq!(named("letter").encode("y").unwrap(), *b"y");
    assert_eq!(named("letter").encode("7").unwrap(), [7]);
    assert_eq!(named("letter").encode("'7'").unwrap(), *b"7");
}

#[test]
fn structs_cannot_be_set_and_say_so() {
    let error = named("last").encode("1").unwrap_err().to_string();
    assert_eq!(error, "a variable of type struct key cannot be set from the command line");
}

#[test]
fn shown_text_cannot_command_a_terminal() {
    let parameter = named("prefix");
    assert_eq!(parameter.display(b"a\x1b[2J\xffb\xe2\x80\xae\0rest"), r"a\x1b[2J\xffb\xe2\x80\xae");
    assert_eq!(named("min_ns").display(&[1]), "1", "short values read as if zeros followed");
}
