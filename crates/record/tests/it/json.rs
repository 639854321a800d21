use std::sync::Arc;

use package::layout::{Enum, Layout, Type};
use record::{Clock, Decoder, Fidelity, Json, Renderer, Stamp, TimeStyle};

use crate::fixture::{STAMP, Utc, array, field, layout, opened, opensnoop, shown, signed, text, unsigned};

fn line(layout: &Layout, record: &[u8]) -> String {
    shown(Renderer::Json(Json::new(Decoder::new(layout))), &[record.to_vec()])
}

#[test]
fn fields_come_in_declaration_order_under_their_names() {
    let expected =
        "{\"ts\":0,\"pid\":812,\"uid\":0,\"ret\":-2,\"flags\":0,\"comm\":\"a\\\"b\",\"fname\":\"/x\"}\n";
    assert_eq!(line(&opensnoop(), &opened(812, -2, 0, b"a\"b", b"/x")), expected);
}

#[test]
fn every_kind_has_its_json() {
    let of = Enum { name: "e".into(), bits: 32, signed: false, variants: vec![(1, "ONE".into())] };
    let inner =
        Arc::new(Layout { name: "in".into(), size_bytes: 1, fields: vec![field("lo", 0, unsigned(4))] });
    let fields = vec![
        field("big", 0, unsigned(64)),
        field("e", 64, Type::Enum(Arc::new(of.clone()))),
        field("e2", 96, Type::Enum(Arc::new(of))),
        field("p", 128, Type::Pointer { bits: 64 }),
        field("w", 192, unsigned(128)),
        field("f", 320, Type::Float { bits: 32 }),
        field("nan", 352, Type::Float { bits: 64 }),
        field("in", 416, Type::Struct(inner.clone())),
        field("ins", 424, array(Type::Struct(inner), 2)),
        field(
            "none",
            440,
            Type::Struct(Arc::new(Layout { name: String::new(), size_bytes: 0, fields: vec![] })),
        ),
        field("zero", 440, array(unsigned(32), 0)),
        field("b", 440, Type::Bool { bits: 8 }),
    ];
    let mut record = u64::MAX.to_le_bytes().to_vec();
    record.extend([1, 0, 0, 0, 9, 0, 0, 0]);
    record.extend(16_u64.to_le_bytes());
    record.extend(u128::MAX.to_le_bytes());
    record.extend(1.1_f32.to_le_bytes());
    record.extend(f64::NAN.to_le_bytes());
    record.extend([3, 4, 5, 0]);
    let expected = "{\"big\":18446744073709551615,\"e\":\"ONE\",\"e2\":\"9\",\"p\":16,\
        \"w\":\"340282366920938463463374607431768211455\",\"f\":1.1,\"nan\":null,\"in\":{\"lo\":3},\
        \"ins\":[{\"lo\":4},{\"lo\":5}],\"none\":{},\"zero\":[],\"b\":false}\n";
    assert_eq!(line(&layout(56, fields), &record), expected);
}

#[test]
fn what_a_short_record_lacks_is_null() {
    let expected =
        "{\"ts\":1,\"pid\":null,\"uid\":null,\"ret\":null,\"flags\":null,\"comm\":null,\"fname\":null}\n";
    assert_eq!(line(&opensnoop(), &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0]), expected);
}

#[test]
fn a_text_that_the_record_ends_in_is_shown_as_far_as_it_goes() {
    let layout = layout(24, vec![field("n", 0, unsigned(32)), field("args", 32, text(20))]);
    assert_eq!(line(&layout, b"\x01\0\0\0ab"), "{\"n\":1,\"args\":\"ab\"}\n");
    assert_eq!(line(&layout, b"\x01\0\0\0"), "{\"n\":1,\"args\":\"\"}\n");
    let mut out = Vec::new();
    let mut json = Json::new(Decoder::new(&layout));
    assert_eq!(json.record(b"\x01\0\0", STAMP, &mut out), Fidelity::Short);
    json.settle(&mut out);
    assert_eq!(out, b"{\"n\":null,\"args\":null}\n");
}

#[test]
fn a_flexible_array_has_as_many_elements_as_the_record_holds() {
    let flexible = Type::Flexible { element: Box::new(signed(16)) };
    let layout = layout(4, vec![field("n", 0, unsigned(32)), field("x", 32, flexible)]);
    assert_eq!(line(&layout, &[2, 0, 0, 0, 1, 0, 0xff, 0xff, 9]), "{\"n\":2,\"x\":[1,-1]}\n");
    assert_eq!(line(&layout, &[2, 0, 0, 0]), "{\"n\":2,\"x\":[]}\n");
}

#[test]
fn bytes_that_are_not_utf8_are_given_exactly_behind_their_field() {
    let fields = vec![field("a", 0, text(4)), field("b", 32, array(text(2), 2)), field("c", 64, unsigned(8))];
    let expected = "{\"a\":\"x\u{fffd}\",\"a@hex\":\"78ff\",\"b\":[\"\u{fffd}\",\"y\"],\"b@hex\":\"80007900\",\"c\":1}\n";
    assert_eq!(line(&layout(9, fields), b"x\xff\0z\x80\0y\0\x01"), expected);
}

#[test]
fn time_and_stream_come_last() {
    let json = |style| Json::new(Decoder::new(&layout(0, vec![]))).time(Clock::new(style, Utc));
    let none = [Vec::new()];
    let wall = "{\"@time\":\"2023-11-15T00:58:08.000000042+00:00\",\"@stream\":\"a\\\"b\"}\n";
    assert_eq!(shown(Renderer::Json(json(TimeStyle::Wall).stream("a\"b")), &none), wall);
    assert_eq!(shown(Renderer::Json(json(TimeStyle::Unix)), &none), "{\"@time\":1700009888.000000042}\n");
    assert_eq!(shown(Renderer::Json(json(TimeStyle::Mono)), &none), "{\"@time\":2.000000003}\n");
    let mut out = Vec::new();
    let mut json = Json::new(Decoder::new(&layout(1, vec![field("n", 0, unsigned(8))]))).stream("s");
    json.record(&[1], Stamp::default(), &mut out);
    json.settle(&mut out);
    assert_eq!(out, b"{\"n\":1,\"@stream\":\"s\"}\n");
}

#[test]
fn selected_members_keep_their_places() {
    let inner = Layout {
        name: "in".into(),
        size_bytes: 2,
        fields: vec![field("x", 0, unsigned(8)), field("y", 8, unsigned(8))],
    };
    let layout = layout(
        4,
        vec![
            field("a", 0, unsigned(8)),
            field("in", 8, Type::Struct(Arc::new(inner))),
            field("z", 24, unsigned(8)),
        ],
    );
    let selected = Decoder::select(&layout, &["z".into(), "in.y".into()]).unwrap();
    assert_eq!(
        shown(Renderer::Json(Json::new(selected)), &[vec![1, 2, 3, 4]]),
        "{\"in\":{\"y\":3},\"z\":4}\n"
    );
}
