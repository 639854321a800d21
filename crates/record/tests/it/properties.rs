//! What holds for every layout and all bytes.

use std::sync::Arc;

use package::HistogramScale;
use package::layout::{Enum, Field, Layout, Type};
use proptest::collection::vec;
use proptest::prelude::*;
use record::{Clock, Columns, Csv, Decoder, Filter, Histogram, Json, Renderer, TimeStyle};
use serde_json::{Value, json};

use crate::fixture::{Utc, field, layout, opensnoop, shown};

fn scalar() -> impl Strategy<Value = Type> {
    let of = |bits, signed| Enum {
        name: "e".into(),
        bits,
        signed,
        variants: vec![(1, "ONE".into()), (-1, "NO\u{9b}".into())],
    };
    prop_oneof![
        (0..=130_u16).prop_map(|bits| Type::Unsigned { bits }),
        (0..=130_u16).prop_map(|bits| Type::Signed { bits }),
        prop_oneof![Just(8_u16), Just(16), Just(32), Just(64)].prop_map(|bits| Type::Signed { bits }),
        (0..=64_u16).prop_map(|bits| Type::Bool { bits }),
        (0..=64_u16).prop_map(|bits| Type::Pointer { bits }),
        prop_oneof![Just(16_u16), Just(32), Just(64)].prop_map(|bits| Type::Float { bits }),
        (0..=64_u16, any::<bool>()).prop_map(move |(bits, signed)| Type::Enum(Arc::new(of(bits, signed)))),
        prop_oneof![0..40_u32, Just(u32::MAX)].prop_map(|bytes| Type::Text { bytes }),
        Just(Type::FlexibleText),
    ]
}

fn ty() -> impl Strategy<Value = Type> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        let element = inner.clone();
        prop_oneof![
            (element.clone(), prop_oneof![0..5_u32, Just(u32::MAX)])
                .prop_map(|(element, len)| Type::Array { element: Box::new(element), len }),
            element.prop_map(|element| Type::Flexible { element: Box::new(element) }),
            any_layout(inner.clone()).prop_map(|of| Type::Struct(Arc::new(of))),
            any_layout(inner).prop_map(|of| Type::Union(Arc::new(of))),
        ]
    })
}

/// Names may be anything but `@hex` ones; places may overlap and lie beyond the end.
fn any_layout(of: impl Strategy<Value = Type>) -> impl Strategy<Value = Layout> {
    let name = prop_oneof![
        "[a-z]{1,3}",
        Just("slots".to_owned()),
        Just("key\u{1b}\"\\".to_owned()),
        Just(String::new())
    ];
    let place = prop_oneof![0..400_u32, (0..50_u32).prop_map(|byte| byte * 8), Just(u32::MAX)];
    (prop_oneof![9 => 16..64_u32, 1 => 0..16_u32], vec((name, place, of), 0..5)).prop_map(|(size, fields)| {
        layout(size, fields.into_iter().map(|(name, place, ty)| field(&name, place, ty)).collect())
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => b'a'..=b'z', 1 => any::<u8>(), 1 => Just(0)];
    prop_oneof![vec(byte, 0..100), vec(any::<u8>(), 0..100)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_bytes_are_shown_by_any_layout(layout in any_layout(ty()), records in vec(bytes(), 0..4)) {
        let decoder = Decoder::new(&layout);
        let clock = || Clock::new(TimeStyle::Wall, Utc);
        let columns = shown(Renderer::Columns(Columns::new(decoder.clone()).time(clock())), &records);
        prop_assert_eq!(columns.lines().count(), records.len() + 1);
        prop_assert!(columns.chars().all(|c| c == '\n' || !c.is_control()), "{columns:?}");
        let csv = shown(Renderer::Csv(Csv::new(decoder.clone())), &records);
        prop_assert_eq!(csv.matches("\r\n").count(), records.len() + 1);
        prop_assert!(csv.replace("\r\n", "").chars().all(|c| !c.is_control()), "{csv:?}");
        let json = shown(Renderer::Json(Json::new(decoder).time(clock()).stream("s")), &records);
        prop_assert_eq!(json.lines().count(), records.len());
        for line in json.lines() {
            let value: Value = serde_json::from_str(line).map_err(|error| TestCaseError::fail(format!("{error}: {line}")))?;
            prop_assert_eq!(&value["@stream"], "s");
        }
        if let Ok(histogram) = Histogram::new(&layout, HistogramScale::Log2, "n\u{9b}") {
            let picture = shown(Renderer::Histogram(histogram), &records);
            prop_assert!(picture.chars().all(|c| c == '\n' || !c.is_control()), "{picture:?}");
        }
    }

    #[test]
    fn csv_comes_back_from_a_reader_of_csv(texts in vec("[ -~]{0,9}", 1..4)) {
        let place = |i: usize| field(&format!("f{i}"), i as u32 * 80, Type::Text { bytes: 10 });
        let layout = layout(texts.len() as u32 * 10, (0..texts.len()).map(place).collect());
        let record = texts.iter().flat_map(|text| { let mut b = text.clone().into_bytes(); b.resize(10, 0); b }).collect();
        let csv = shown(Renderer::Csv(Csv::new(Decoder::new(&layout)).without_header()), &[record]);
        let (mut cells, mut ends) = ([0; 256], [0; 8]);
        let (_, _, _, fields) = csv_core::Reader::new().read_record(csv.as_bytes(), &mut cells, &mut ends);
        let mut start = 0;
        let read: Vec<&str> = ends[..fields].iter().map(|end| {
            let cell = str::from_utf8(&cells[start..*end]).unwrap();
            start = *end;
            cell
        }).collect();
        prop_assert_eq!(read, texts);
    }

    #[test]
    fn values_written_at_their_places_come_back_out_of_json(values in vec((value(), 0..9_u32), 0..8)) {
        let (layout, record, expected) = laid_out(&values);
        let line = shown(Renderer::Json(Json::new(Decoder::new(&layout))), &[record]);
        let read: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_string_makes_a_filter_fail(layout in any_layout(ty()), text in "\\PC{0,40}", record in bytes()) {
        if let Ok(filter) = Filter::compile(&text, &layout) {
            std::hint::black_box(filter.matches(&record));
        }
    }

    #[test]
    fn no_expression_makes_a_filter_fail(words in vec(prop::sample::select(WORDS), 0..12), record in bytes()) {
        if let Ok(filter) = Filter::compile(&words.join(" "), &opensnoop()) {
            std::hint::black_box(filter.matches(&record));
        }
    }

    #[test]
    fn a_filter_agrees_with_arithmetic(held: i32, than: i32, near in -1..=1_i32) {
        let than = if near == 0 { than } else { held.saturating_add(near) };
        let layout = layout(4, vec![field("n", 0, Type::Signed { bits: 32 })]);
        let matches = |operator: &str| {
            Filter::compile(&format!("n {operator} {than}"), &layout).unwrap().matches(&held.to_le_bytes())
        };
        prop_assert_eq!(matches("=="), held == than);
        prop_assert_eq!(matches("!="), held != than);
        prop_assert_eq!(matches("<"), held < than);
        prop_assert_eq!(matches("<="), held <= than);
        prop_assert_eq!(matches(">"), held > than);
        prop_assert_eq!(matches(">="), held >= than);
    }
}

const WORDS: &[&str] = &[
    "pid", "comm", "fname", "==", "!=", "<", "~", "&&", "||", "!", "(", ")", "5", "-1", "'a'", "a.*",
    "\"\\x", "nope",
];

/// A value, the bits that hold it, and what JSON makes of it.
type Placed = (Type, Vec<bool>, Value);

fn value() -> impl Strategy<Value = Placed> {
    prop_oneof![
        (1..=64_u16, any::<u64>()).prop_map(|(bits, value)| {
            let value = value >> (64 - bits);
            (Type::Unsigned { bits }, bits_of(value.into(), bits), json!(value))
        }),
        (1..=64_u16, any::<i64>()).prop_map(|(bits, value)| {
            let value = value >> (64 - bits);
            (Type::Signed { bits }, bits_of(value as u128, bits), json!(value))
        }),
        (65..=128_u16, any::<u128>()).prop_map(|(bits, value)| {
            let value = value >> (128 - bits);
            (Type::Unsigned { bits }, bits_of(value, bits), json!(value.to_string()))
        }),
        any::<f64>().prop_map(|value| {
            (
                Type::Float { bits: 64 },
                bits_of(value.to_bits().into(), 64),
                json!(value.is_finite().then_some(value)),
            )
        }),
        any::<bool>().prop_map(|value| (Type::Bool { bits: 1 }, vec![value], json!(value))),
        "[^\0]{0,9}".prop_map(|text: String| {
            let bits = text.bytes().chain([0]).flat_map(|byte| bits_of(byte.into(), 8)).collect();
            (Type::Text { bytes: text.len() as u32 + 1 }, bits, json!(text))
        }),
        vec(any::<i16>(), 0..5).prop_map(|values| {
            let element = Box::new(Type::Signed { bits: 16 });
            let bits = values.iter().flat_map(|value| bits_of(*value as u128, 16)).collect();
            (Type::Array { element, len: values.len() as u32 }, bits, json!(values))
        }),
    ]
}

fn bits_of(value: u128, bits: u16) -> Vec<bool> {
    (0..bits).map(|bit| value >> bit & 1 == 1).collect()
}

/// Values one after the other with gaps, every other one in a struct of its own.
fn laid_out(values: &[(Placed, u32)]) -> (Layout, Vec<u8>, Value) {
    let (mut bits, mut fields, mut expected) = (Vec::new(), Vec::<Field>::new(), serde_json::Map::new());
    for (i, ((ty, held, json), gap)) in values.iter().enumerate() {
        bits.resize(bits.len() + *gap as usize, true);
        if matches!(ty, Type::Text { .. } | Type::Array { .. }) {
            bits.resize(bits.len().next_multiple_of(8), true);
        }
        let (name, at) = (format!("f{i}"), bits.len() as u32);
        bits.extend(held);
        if i % 2 == 0 {
            fields.push(field(&name, at, ty.clone()));
            expected.insert(name, json.clone());
        } else {
            let inner = layout(held.len().div_ceil(8) as u32, vec![field("x", at % 8, ty.clone())]);
            fields.push(field(&name, at - at % 8, Type::Struct(Arc::new(inner))));
            expected.insert(name, json!({ "x": json }));
        }
    }
    let bytes = bits
        .chunks(8)
        .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
        .collect();
    (layout(bits.len().div_ceil(8) as u32, fields), bytes, expected.into())
}

/// Unions of unions, structs in structs: what a layout can do to us is bounded.
#[test]
fn a_layout_that_doubles_at_every_level_is_cut() {
    let mut of = layout(1, vec![field("n", 0, Type::Unsigned { bits: 8 })]);
    for _ in 0..200 {
        let inner = Arc::new(of);
        of = layout(1, vec![field("a", 0, Type::Union(inner.clone())), field("b", 0, Type::Union(inner))]);
    }
    let decoder = Decoder::new(&of);
    assert!(decoder.fields().count() <= 4096);
    let line = shown(Renderer::Json(Json::new(decoder)), &[vec![7]]);
    serde_json::from_str::<Value>(&line).unwrap();
}

#[test]
fn an_array_of_nothing_four_billion_times_is_empty() {
    let empty = Arc::new(layout(0, vec![]));
    let array = Type::Array { element: Box::new(Type::Struct(empty)), len: u32::MAX };
    let nested = Type::Array { element: Box::new(array), len: u32::MAX };
    let line =
        shown(Renderer::Json(Json::new(Decoder::new(&layout(0, vec![field("a", 0, nested)])))), &[vec![7]]);
    assert_eq!(line, "{\"a\":[]}\n");
}
