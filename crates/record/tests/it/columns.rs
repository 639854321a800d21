use std::sync::Arc;

use package::layout::{Enum, Layout, Type};
use record::{Clock, Columns, Csv, Decoder, Fidelity, Framing, Renderer, SelectError, TimeStyle};

use crate::fixture::{STAMP, Utc, array, field, layout, opened, opensnoop, shown, signed, text, unsigned};

fn columns(layout: &Layout) -> Columns {
    Columns::new(Decoder::new(layout))
}

fn wall() -> Clock {
    Clock::new(TimeStyle::Wall, Utc)
}

/// The session that the README starts with.
#[test]
fn opensnoop_looks_as_promised() {
    let records = [
        opened(812, 9, 524_288, b"vmtoolsd", b"/etc/mtab"),
        opened(812, -2, 0, b"vmtoolsd", b"/sys/class/block/sda5/../device/../../../label"),
    ];
    let expected = "\
TIME     TS  PID    UID  RET  FLAGS   COMM      FNAME
00:58:08 0   812    0    9    524288  vmtoolsd  /etc/mtab
00:58:08 0   812    0    -2   0       vmtoolsd  /sys/class/block/sda5/../device/../../../label
";
    assert_eq!(shown(Renderer::Columns(columns(&opensnoop()).time(wall())), &records), expected);
}

#[test]
fn rows_after_a_longer_value_line_up_on_the_new_width() {
    let mut columns = columns(&layout(8, vec![field("a", 0, unsigned(32)), field("b", 32, text(4))]));
    let mut out = Vec::new();
    for a in [1_u32, 1_000_000, 2] {
        columns.record(&[&a.to_le_bytes()[..], b"x\0\0\0"].concat(), STAMP, &mut out);
        columns.settle(&mut out);
    }
    assert_eq!(String::from_utf8(out).unwrap(), "A  B\n1  x\n1000000  x\n2        x\n");
}

#[test]
fn a_row_that_comes_alone_shows_when_its_batch_is_over() {
    let mut columns = columns(&layout(4, vec![field("a", 0, unsigned(32))]));
    let mut out = Vec::new();
    columns.settle(&mut out);
    assert!(out.is_empty());
    columns.record(&[7, 0, 0, 0], STAMP, &mut out);
    columns.settle(&mut out);
    assert_eq!(out, b"A\n7\n");
    columns.record(&[8, 0, 0, 0], STAMP, &mut out);
    columns.settle(&mut out);
    assert_eq!(out, b"A\n7\n8\n");
}

#[test]
fn a_first_batch_without_end_is_not_held_back_for_ever() {
    let mut columns = columns(&layout(4, vec![field("a", 0, unsigned(32))]));
    let mut out = Vec::new();
    for _ in 0..1000 {
        columns.record(&[7, 0, 0, 0], STAMP, &mut out);
    }
    assert!(!out.is_empty());
    for _ in 0..100_000 {
        columns.record(&[7, 0, 0, 0], STAMP, &mut out);
    }
    let late = 2 * 101_001 - out.len();
    assert!(late < 5000, "{late} bytes are not there yet");
    columns.finish(&mut out);
    assert_eq!(out.len(), 2 * 101_001);
}

#[test]
fn the_header_comes_once_even_without_rows_and_not_at_all_when_unwanted() {
    let layout = layout(4, vec![field("a", 0, unsigned(32))]);
    assert_eq!(shown(Renderer::Columns(columns(&layout)), &[]), "A\n");
    assert_eq!(shown(Renderer::Columns(columns(&layout).without_header()), &[]), "");
    assert_eq!(shown(Renderer::Csv(Csv::new(Decoder::new(&layout)).without_header()), &[]), "");
}

#[test]
fn a_letter_of_two_bytes_takes_one_place() {
    let columns = columns(&layout(8, vec![field("a", 0, text(6)), field("b", 48, text(2))]));
    let records = [b"\xc3\xa9\xc3\xa9\0\0y\0".to_vec(), b"abcde\0z\0".to_vec()];
    assert_eq!(shown(Renderer::Columns(columns), &records), "A      B\néé     y\nabcde  z\n");
}

#[test]
fn every_kind_has_its_text() {
    let of = Enum {
        name: "e".into(),
        bits: 8,
        signed: true,
        variants: vec![(-1, "NONE".into()), (1, "ONE".into())],
    };
    let inner = Layout {
        name: "in".into(),
        size_bytes: 1,
        fields: vec![field("lo", 0, unsigned(4)), field("hi", 4, signed(4))],
    };
    let inner = Arc::new(inner);
    let fields = vec![
        field("e", 0, Type::Enum(Arc::new(of.clone()))),
        field("f", 8, Type::Enum(Arc::new(of))),
        field("in", 16, Type::Struct(inner.clone())),
        field("b", 24, Type::Bool { bits: 8 }),
        field("p", 32, Type::Pointer { bits: 64 }),
        field("f32", 96, Type::Float { bits: 32 }),
        field("a", 128, array(signed(8), 3)),
        field("s", 152, array(Type::Struct(inner), 1)),
        field("names", 160, array(text(2), 2)),
        field("w", 192, signed(128)),
    ];
    let mut record = vec![0xff, 5, 0xf2, 9, 0xef, 0xbe, 0, 0, 0, 0, 0, 0];
    record.extend(1.1_f32.to_le_bytes());
    record.extend(b"\x01\xfe\x03\x21ab\x1b\0");
    record.extend((-3_i128).to_le_bytes());
    let csv =
        shown(Renderer::Csv(Csv::new(Decoder::new(&layout(40, fields))).time(wall()).stream("x")), &[record]);
    let expected = "@time,@stream,e,f,in.lo,in.hi,b,p,f32,a,s,names,w\r\n\
        00:58:08,x,NONE,5,2,-1,true,0xbeef,1.1,\"[1,-2,3]\",\"[{lo=1,hi=2}]\",\"[ab,\\x1b]\",-3\r\n";
    assert_eq!(csv, expected);
}

#[test]
fn a_value_with_two_names_is_shown_by_the_first() {
    let variants = vec![(7, "LAST".into()), (3, "AGAIN".into()), (3, "OTHER".into()), (-1, "NONE".into())];
    let of = Enum { name: "e".into(), bits: 8, signed: true, variants };
    let array = array(Type::Enum(Arc::new(of)), 4);
    let columns = columns(&layout(4, vec![field("e", 0, array)])).without_header();
    assert_eq!(shown(Renderer::Columns(columns), &[vec![3, 7, 0xff, 0]]), "[AGAIN,LAST,NONE,0]\n");
}

#[test]
fn entries_of_maps_have_headings_without_prefix_where_that_is_clear() {
    let pair = |fields| Type::Struct(Arc::new(Layout { name: String::new(), size_bytes: 8, fields }));
    let key = pair(vec![field("pid", 0, unsigned(32)), field("n", 32, unsigned(32))]);
    let value = pair(vec![field("count", 0, unsigned(32)), field("n", 32, unsigned(32))]);
    let entry = layout(16, vec![field("key", 0, key), field("value", 64, value.clone())]);
    assert_eq!(shown(Renderer::Columns(columns(&entry)), &[]), "PID    KEY.N  COUNT  VALUE.N\n");
    let scalar = layout(16, vec![field("key", 0, unsigned(32)), field("value", 64, value)]);
    assert_eq!(shown(Renderer::Columns(columns(&scalar)), &[]), "KEY  COUNT  N\n");
    let selected = Decoder::select(&scalar, &["n".into(), "key".into()]).unwrap();
    assert_eq!(shown(Renderer::Columns(Columns::new(selected)), &[]), "N  KEY\n");
}

#[test]
fn streams_are_told_apart() {
    let columns = columns(&layout(4, vec![field("a", 0, unsigned(32))])).stream("opens", 8).time(wall());
    let expected = "TIME     STREAM    A\n00:58:08 opens     7\n";
    assert_eq!(shown(Renderer::Columns(columns), &[vec![7, 0, 0, 0]]), expected);
}

#[test]
fn other_clocks_line_up_too() {
    let layout = layout(4, vec![field("a", 0, unsigned(32))]);
    let with =
        |style| shown(Renderer::Columns(columns(&layout).time(Clock::new(style, Utc))), &[vec![7, 0, 0, 0]]);
    assert_eq!(with(TimeStyle::Unix), "TIME                 A\n1700009888.000000042 7\n");
    assert_eq!(with(TimeStyle::Mono), "TIME             A\n2.000000003      7\n");
}

#[test]
fn a_record_is_judged_by_its_length() {
    let fixed = layout(12, vec![field("name", 0, text(4)), field("n", 32, unsigned(32))]);
    let judged =
        |layout: &Layout, framing, len| Decoder::new(layout).framing(framing).fidelity(&vec![0; len]);
    // Four bytes of the struct's own padding may be missing.
    let cases = [(7, Fidelity::Short), (8, Fidelity::Exact), (12, Fidelity::Exact), (13, Fidelity::Long)];
    for (len, fidelity) in cases {
        assert_eq!(judged(&fixed, Framing::Exact, len), fidelity, "{len}");
    }
    assert_eq!(judged(&fixed, Framing::Padded, 19), Fidelity::Exact);
    assert_eq!(judged(&fixed, Framing::Padded, 20), Fidelity::Long);
    assert_eq!(judged(&fixed, Framing::OpenEnded, 7), Fidelity::Short);
    assert_eq!(judged(&fixed, Framing::OpenEnded, 9000), Fidelity::Exact);
    let variable = layout(24, vec![field("n", 0, unsigned(32)), field("args", 32, text(20))]);
    for (len, fidelity) in
        [(3, Fidelity::Short), (4, Fidelity::Exact), (9, Fidelity::Exact), (25, Fidelity::Long)]
    {
        assert_eq!(judged(&variable, Framing::Exact, len), fidelity, "{len}");
    }
    let flexible = layout(4, vec![field("n", 0, unsigned(32)), field("rest", 32, Type::FlexibleText)]);
    assert_eq!(judged(&flexible, Framing::Exact, 9000), Fidelity::Exact);
}

#[test]
fn selected_fields_come_in_the_order_of_their_names_and_once() {
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
    let inner = Layout {
        name: "in".into(),
        size_bytes: 8,
        fields: vec![field("x", 0, unsigned(32)), field("y", 32, unsigned(32))],
    };
    let layout =
        layout(12, vec![field("in", 0, Type::Struct(Arc::new(inner))), field("n", 64, unsigned(32))]);
    let fields = |wanted: &[&str]| {
        Decoder::select(&layout, &names(wanted)).map(|decoder| decoder.fields().map(str::to_owned).collect())
    };
    assert_eq!(fields(&["n", "in"]), Ok(names(&["n", "in.x", "in.y"])));
    assert_eq!(fields(&["in.y", "in.y"]), Ok(names(&["in.y"])));
    let wrong: Result<Vec<String>, _> = fields(&["in.z"]);
    let exist = names(&["in.x", "in.y", "n"]);
    assert_eq!(wrong, Err(SelectError::Unknown { name: "in.z".into(), nearest: Some("in.x".into()), exist }));
    assert_eq!(Decoder::select(&layout, &[]).unwrap_err(), SelectError::Empty);
}
