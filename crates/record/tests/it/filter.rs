use std::sync::Arc;

use package::layout::{Enum, Layout, Type};
use record::{Filter, FilterProblem};

use crate::fixture::{array, field, layout, opened, opensnoop, signed, text, unsigned};

/// Every kind that can be compared, and a record of it.
fn kinds() -> (Layout, Vec<u8>) {
    let of = Enum {
        name: "e".into(),
        bits: 32,
        signed: true,
        variants: vec![(-1, "NONE".into()), (1, "ONE".into())],
    };
    let inner =
        Arc::new(Layout { name: "in".into(), size_bytes: 4, fields: vec![field("x", 0, unsigned(32))] });
    let fields = vec![
        field("u", 0, unsigned(64)),
        field("i", 64, signed(32)),
        field("e", 96, Type::Enum(Arc::new(of))),
        field("f", 128, Type::Float { bits: 32 }),
        field("b", 160, Type::Bool { bits: 8 }),
        field("low", 168, signed(3)),
        field("a", 176, array(unsigned(8), 2)),
        field("in", 192, Type::Struct(inner.clone())),
        field("ins", 224, array(Type::Struct(inner), 2)),
        field("p", 288, Type::Pointer { bits: 64 }),
        field("w", 352, signed(128)),
        field("t", 480, text(8)),
    ];
    let mut record = u64::MAX.to_le_bytes().to_vec();
    record.extend((-5_i32).to_le_bytes());
    record.extend((-1_i32).to_le_bytes());
    record.extend(1.1_f32.to_le_bytes());
    record.extend([1, 0b110, 7, 8, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
    record.extend(0xffff_8000_u64.to_le_bytes());
    record.extend(i128::MIN.to_le_bytes());
    record.extend(b"a'b\xff\0zzz");
    (layout(68, fields), record)
}

fn holds(expression: &str) -> bool {
    let (layout, record) = kinds();
    Filter::compile(expression, &layout)
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
        .matches(&record)
}

fn refused(expression: &str) -> String {
    Filter::compile(expression, &kinds().0).expect_err(expression).to_string()
}

#[test]
fn comparisons_are_those_of_the_kind() {
    for expression in [
        "u == 18446744073709551615",
        "u == 0xffffffffffffffff",
        "i < 0 && i >= -5 && i == -5 && i != -4 && i <= -5 && !(i > -5)",
        "e == NONE && e < ONE && e == -1 && e != \"ONE\"",
        "f == 1.1 && f > 1 && f < 1.2e0",
        "b && b == true && b != false && b == 1",
        "low == -2",
        "a[0] == 7 && a[1]==8",
        "in.x == 9 && ins[1].x == 2",
        "p == 0xffff8000",
        "w == -170141183460469231731687303715884105728",
        r#"t == "a'b\xff" && t == 'a\'b\xff' && t > a && t < b"#,
        r"t ~ '^a.b' && t ~ '(?-u)\xff$' && !(t ~ z)",
        "!!b",
    ] {
        assert!(holds(expression), "{expression}");
    }
}

#[test]
fn and_binds_closer_than_or() {
    assert!(holds("b || b && !b"));
    assert!(!holds("(b || b) && !b"));
    assert!(holds("!b && b || b"));
}

#[test]
fn what_does_not_fit_is_refused_with_its_column() {
    let fields = "the fields are u, i, e, f, b, low, a, in.x, ins, p, w, t";
    for (expression, message) in [
        ("", "column 1: expected a field, ! or (".to_owned()),
        ("b &&", "column 5: expected a field, ! or (".into()),
        ("(b", "column 3: expected &&, || or )".into()),
        ("b b", "column 3: expected && or ||".into()),
        ("b )", "column 3: expected && or ||".into()),
        ("b & b", "column 3: expected one of == != < <= > >= ~ && || ! ( )".into()),
        ("i", "column 2: expected one of == != < <= > >= ~".into()),
        ("i = 3", "column 3: expected one of == != < <= > >= ~ && || ! ( )".into()),
        ("i ==", "column 5: expected a value".into()),
        ("é == 1", format!("column 1: no field `é`; {fields}")),
        ("b && in.y == 1", format!("column 6: no field `in.y` (did you mean `in.x`?); {fields}")),
        ("in == 1", "column 1: `in` () is not a single value; name one of its fields".into()),
        ("a == 1", "column 1: `a` () is not a single value; name one element, as in `args[0]`".into()),
        ("a[2] == 1", "column 1: `a[2]`: the array has 2 elements".into()),
        ("i == x", "column 6: `x` is not a value of `i` (); expected a whole number".into()),
        ("i == 2147483648", "column 6: `2147483648` is not a value of `i` (); expected -2147483648 to 2147483647".into()),
        ("u == -1", "column 6: `-1` is not a value of `u` (); expected 0 to 18446744073709551615".into()),
        ("low == 4", "column 8: `4` is not a value of `low` (); expected -4 to 3".into()),
        ("e == TWO", "column 6: `TWO` is not a value of `e` (); expected NONE, ONE or a number".into()),
        ("b < true", "column 3: `<` does not apply to `b` ()".into()),
        ("i ~ x", "column 3: `~` does not apply to `i` ()".into()),
        ("t == 5", "column 6: `5` is not a value of `t` (); expected text (a number needs quotation marks to be one)".into()),
        ("t == 'x", "column 6: this quotation mark is not closed".into()),
        ("t ~ '('", "column 5: not a regular expression: unclosed group".into()),
    ] {
        assert_eq!(refused(expression), message, "{expression}");
    }
}

#[test]
fn a_hostile_expression_is_refused_and_not_followed() {
    for deep in ["(".repeat(60_000), "!".repeat(60_000), format!("{}b", "!(".repeat(30_000))] {
        let error = Filter::compile(&deep, &kinds().0).unwrap_err();
        assert!(matches!(error.problem, FilterProblem::Depth(_)), "{error}");
    }
    assert!(refused(&"b || ".repeat(20_000)).contains("longer than"));
    assert!(refused("t ~ '(\\w{1000}){1000}'").contains("not a regular expression"));
    assert!(holds(&format!("b{}", " && b".repeat(10_000))));
}

#[test]
fn a_comparison_with_a_field_that_the_record_lacks_is_false() {
    let layout = opensnoop();
    let matches =
        |expression: &str, record: &[u8]| Filter::compile(expression, &layout).unwrap().matches(record);
    let short = &opened(1, 2, 3, b"cat", b"/x")[..14];
    assert!(matches("pid == 1", short));
    for expression in ["uid == 0", "uid != 0", "comm == ''", "comm != x", "comm ~ ''", "ret < 0", "ret >= 0"]
    {
        assert!(!matches(expression, short), "{expression}");
    }
    assert!(matches("!(ret == 2)", short));
}

#[test]
fn text_ends_at_its_first_nul() {
    let record = opened(1, 2, 3, b"cat\0dog", b"");
    let matches = |expression: &str| Filter::compile(expression, &opensnoop()).unwrap().matches(&record);
    assert!(matches("comm == cat && fname == ''"));
    assert!(!matches("comm ~ dog || comm == catdog"));
}

#[test]
fn entries_of_maps_need_no_prefix() {
    let entry =
        layout(16, vec![field("key", 0, unsigned(32)), field("value", 64, kinds().0.fields[7].ty.clone())]);
    let record = [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0];
    for expression in ["key == 1 && x == 9", "value.x == 9"] {
        assert!(Filter::compile(expression, &entry).unwrap().matches(&record), "{expression}");
    }
}
