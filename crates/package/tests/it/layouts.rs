//! Types to layouts: what clang writes (`torture.bpf.c`), what older and other compilers write, and what nobody
//! but an attacker does.

use package::layout::{Field, Layout, Type};
use package::{BtfError, Limits, PlanError};

use crate::blob::*;
use crate::build::{TORTURE, present, transitional};
use serde_json::json;

fn torture(id: u32, name: &str) -> Layout {
    let meta = json!({
        "bpf_skel": {"obj_name": "torture_bpf", "maps": [{"name": "rb", "ident": "rb"}], "progs": null},
        "export_types": [{"name": name, "type_id": id}]
    });
    let mut plan = crate::build::plan(&present(TORTURE, meta)).unwrap();
    plan.streams.remove(0).layout
}

fn field<'l>(layout: &'l Layout, name: &str) -> &'l Field {
    layout.fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("{name} in {layout:#?}"))
}

#[test]
fn every_member_lies_where_clang_puts_it() {
    let layout = torture(13, "torture");
    let places: Vec<_> = layout
        .fields
        .iter()
        .map(|f| (f.name.as_str(), f.bit_offset, f.ty.bits(), f.bitfield, f.type_name.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            ("low", 0, 3, true, "unsigned int"),
            ("middle", 3, 5, true, "int"),
            ("high", 12, 40, true, "unsigned long long"),
            ("flag", 52, 1, true, "_Bool"),
            ("small", 56, 4, true, "enum tiny"),
            ("yes", 64, 8, false, "bool"),
            ("sc", 72, 8, false, "signed char"),
            ("uc", 80, 8, false, "unsigned char"),
            ("c", 88, 8, false, "char"),
            ("text", 96, 40, false, "char[5]"),
            ("raw", 136, 32, false, "unsigned char[4]"),
            ("name", 168, 96, false, "name_t"),
            ("grid", 264, 64, false, "char[2][4]"),
            ("packed", 328, 88, false, "struct squeezed"),
            ("as_u32", 416, 32, false, "__u32"),
            ("left", 416, 16, false, "__u16"),
            ("right", 432, 16, false, "__u16"),
            ("as_float", 416, 32, false, "float"),
            ("point", 448, 64, false, "struct {...}"),
            ("pair", 512, 96, false, "struct inner[2]"),
            ("tiny", 608, 8, false, "enum tiny"),
            ("plain", 640, 32, false, "enum plain"),
            ("big", 704, 64, false, "enum big"),
            ("real", 768, 64, false, "double"),
            ("deep", 832, 32, false, "deep_t"),
            ("wide", 896, 128, false, "unsigned __int128"),
            ("callback", 1024, 64, false, "void (*)(int)"),
            ("pointer", 1088, 64, false, "const struct inner *"),
            ("matrix", 1152, 192, false, "int[2][3]"),
            ("empty", 1344, 0, false, "char[0]"),
            ("both", 1344, 64, false, "union {...}"),
            ("tail", 1408, 0, false, "__u16[0]"),
        ]
    );
    assert_eq!(layout.size_bytes, 176);
}

#[test]
fn every_member_means_what_it_is_in_c() {
    let layout = torture(13, "torture");
    let ty = |name: &str| &field(&layout, name).ty;
    assert_eq!(*ty("middle"), Type::Signed { bits: 5 });
    assert_eq!(*ty("flag"), Type::Bool { bits: 1 });
    assert_eq!(*ty("sc"), Type::Signed { bits: 8 });
    assert_eq!(*ty("name"), Type::Text { bytes: 12 });
    assert_eq!(*ty("raw"), Type::Array { element: Box::new(Type::Unsigned { bits: 8 }), len: 4 });
    assert_eq!(*ty("grid"), Type::Array { element: Box::new(Type::Text { bytes: 4 }), len: 2 });
    assert_eq!(*ty("real"), Type::Float { bits: 64 });
    assert_eq!(*ty("as_float"), Type::Float { bits: 32 });
    assert_eq!(*ty("wide"), Type::Unsigned { bits: 128 });
    assert_eq!(*ty("callback"), Type::Pointer { bits: 64 });
    assert_eq!(*ty("tail"), Type::Flexible { element: Box::new(Type::Unsigned { bits: 16 }) });
    let Type::Array { element, len: 2 } = ty("matrix") else { panic!("{:?}", ty("matrix")) };
    assert_eq!(**element, Type::Array { element: Box::new(Type::Signed { bits: 32 }), len: 3 });
    let Type::Struct(packed) = ty("packed") else { panic!("{:?}", ty("packed")) };
    assert_eq!(packed.fields.iter().map(|f| f.bit_offset).collect::<Vec<_>>(), [0, 8, 72]);
    let Type::Union(both) = ty("both") else { panic!("{:?}", ty("both")) };
    assert_eq!(both.fields.iter().map(|f| f.bit_offset).collect::<Vec<_>>(), [0, 0]);
}

#[test]
fn enums_keep_their_names_and_read_as_their_width() {
    let layout = torture(13, "torture");
    let of = |name: &str| match &field(&layout, name).ty {
        Type::Enum(of) => (of.name.clone(), of.bits, of.signed, of.variants.clone()),
        other => panic!("{other:?}"),
    };
    let named = |value: i128, name: &str| (value, name.to_owned());
    assert_eq!(of("tiny"), ("tiny".into(), 8, false, vec![named(0, "TINY_A"), named(200, "TINY_B")]));
    assert_eq!(of("small").1, 4);
    // clang 14 does not say that an enum is signed, so −1 is what four bytes of ones read as.
    let minus = named(0xffff_ffff, "PLAIN_MINUS");
    assert_eq!(of("plain").3, [minus, named(0, "PLAIN_ZERO"), named(0, "PLAIN_SAME")]);
    assert_eq!(of("big").1, 64);
}

#[test]
fn text_without_length_ends_with_the_record() {
    let layout = torture(TORTURE_MESSAGE, "message");
    assert_eq!(field(&layout, "text").ty, Type::FlexibleText);
    assert_eq!((field(&layout, "text").bit_offset, layout.size_bytes), (32, 4));
}

/// Id of `struct message` in `torture.bpf.o`.
const TORTURE_MESSAGE: u32 = 63;

/// Plans a package whose one export type is type `id` of the blob, named `s`.
fn planned(blob: &Blob, id: u32) -> Result<Layout, PlanError> {
    planned_within(blob, id, &Limits::default())
}

fn planned_within(blob: &Blob, id: u32, limits: &Limits) -> Result<Layout, PlanError> {
    let package = crate::build::open(&transitional(&blob.bytes(), id, "s")).unwrap();
    package.plan(limits).map(|mut plan| plan.streams.remove(0).layout)
}

fn btf_error(result: Result<Layout, PlanError>) -> BtfError {
    match result {
        Err(PlanError::Btf { place, source }) => {
            assert_eq!(place, "the package's own BTF");
            source
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn bitfields_of_old_compilers_are_in_the_integer() {
    let mut blob = Blob::new();
    let low = blob.narrow_int(4, SIGNED, 0, 3);
    let high = blob.narrow_int(4, 0, 3, 29);
    let id = blob.structure("s", 4, &[("low", low, 0, 0), ("high", high, 0, 0)]);
    let layout = planned(&blob, id).unwrap();
    let (low, high) = (field(&layout, "low"), field(&layout, "high"));
    assert_eq!((low.bit_offset, &low.ty, low.bitfield), (0, &Type::Signed { bits: 3 }, true));
    assert_eq!((high.bit_offset, &high.ty, high.bitfield), (3, &Type::Unsigned { bits: 29 }, true));
}

#[test]
fn enums_of_64_bits_and_signed_ones_keep_all_bits() {
    let mut blob = Blob::new();
    let (a, b) = (blob.string("A"), blob.string("B"));
    let wide = blob.push("wide", ENUM64, false, 2, 8, &[a, 1, 0, b, 0xffff_ffff, 0xffff_ffff]);
    let signed = blob.push("signed", ENUM64, true, 1, 8, &[a, 0xffff_fffe, 0xffff_ffff]);
    let small = blob.push("small", ENUM, true, 1, 1, &[a, 0xffff_ffff]);
    let id = blob.structure("s", 24, &[("w", wide, 0, 0), ("s", signed, 64, 0), ("n", small, 128, 0)]);
    let layout = planned(&blob, id).unwrap();
    let values = |name: &str| match &field(&layout, name).ty {
        Type::Enum(of) => {
            (of.bits, of.signed, of.variants.iter().map(|(value, _)| *value).collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(values("w"), (64, false, vec![1, i128::from(u64::MAX)]));
    assert_eq!(values("s"), (64, true, vec![-2]));
    assert_eq!(values("n"), (8, true, vec![-1]));
}

#[test]
fn gcc_marks_char_by_encoding_and_unsigned_char_too() {
    let mut blob = Blob::new();
    let letter = blob.int("letter", 1, CHAR);
    let byte = blob.int("unsigned char", 1, CHAR);
    let (text, raw) = (blob.array(letter, 4), blob.array(byte, 4));
    let id = blob.structure("s", 8, &[("text", text, 0, 0), ("raw", raw, 32, 0)]);
    let layout = planned(&blob, id).unwrap();
    assert_eq!(field(&layout, "text").ty, Type::Text { bytes: 4 });
    assert!(matches!(field(&layout, "raw").ty, Type::Array { .. }));
}

#[test]
fn tags_and_qualifiers_are_seen_through() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let tagged = blob.push("user", TYPE_TAG, false, 0, int, &[]);
    let constant = blob.push("", CONST, false, 0, tagged, &[]);
    let named = blob.push("number_t", TYPEDEF, false, 0, constant, &[]);
    let id = blob.structure("s", 4, &[("a", named, 0, 0)]);
    let layout = planned(&blob, id).unwrap();
    assert_eq!(field(&layout, "a").ty, Type::Signed { bits: 32 });
    assert_eq!(field(&layout, "a").type_name, "number_t");
}

#[test]
fn an_array_of_no_length_is_flexible_only_at_the_end_of_the_record() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let none = blob.array(int, 0);
    let inner = blob.structure("inner", 4, &[("n", int, 0, 0), ("rest", none, 32, 0)]);
    let id = blob.structure("s", 8, &[("first", inner, 0, 0), ("last", inner, 32, 0)]);
    let layout = planned(&blob, id).unwrap();
    let rest = |name: &str| match &field(&layout, name).ty {
        Type::Struct(inner) => field(inner, "rest").ty.clone(),
        other => panic!("{other:?}"),
    };
    let element = || Box::new(Type::Signed { bits: 32 });
    assert_eq!(rest("first"), Type::Array { element: element(), len: 0 });
    assert_eq!(rest("last"), Type::Flexible { element: element() });
}

#[test]
fn a_struct_that_contains_itself_is_refused() {
    let mut blob = Blob::new();
    let (structure, array) = (1, 2);
    blob.structure("s", 8, &[("me", array, 0, 0)]);
    blob.array(structure, 1);
    let error = btf_error(planned(&blob, structure));
    assert_eq!(error, BtfError::Cyclic { path: "struct s.me".to_owned() });
}

#[test]
fn typedefs_in_a_circle_are_refused() {
    let mut blob = Blob::new();
    blob.push("a", TYPEDEF, false, 0, 2, &[]);
    blob.push("b", TYPEDEF, false, 0, 1, &[]);
    let id = blob.structure("s", 8, &[("x", 1, 0, 0)]);
    assert!(matches!(btf_error(planned(&blob, id)), BtfError::TooDeep { .. }));
}

#[test]
fn arrays_in_a_circle_are_refused() {
    let mut blob = Blob::new();
    blob.array(2, 1);
    blob.array(1, 1);
    let id = blob.structure("s", 8, &[("x", 1, 0, 0)]);
    assert!(matches!(btf_error(planned(&blob, id)), BtfError::TooDeep { .. }));
}

#[test]
fn nesting_is_limited_even_where_the_types_are_shared() {
    let mut blob = Blob::new();
    let mut inner = blob.int("int", 4, SIGNED);
    // Chains that are laid out from the bottom first, then reached again from above.
    let mut members = Vec::new();
    for _ in 0..200 {
        inner = blob.structure("n", 4, &[("x", inner, 0, 0)]);
        members.push(inner);
    }
    let names: Vec<_> = (0..members.len()).map(|index| format!("m{index}")).collect();
    let all: Vec<_> = members
        .iter()
        .zip(&names)
        .enumerate()
        .map(|(i, (id, name))| (name.as_str(), *id, i as u32 * 32, 0))
        .collect();
    let id = blob.structure("s", 800, &all);
    assert!(matches!(btf_error(planned(&blob, id)), BtfError::TooDeep { limit: 32, .. }));
}

#[test]
fn fields_are_limited_where_structs_multiply() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let mut inner = blob.structure("two", 8, &[("a", int, 0, 0), ("b", int, 32, 0)]);
    let mut size = 8;
    for _ in 0..20 {
        size *= 2;
        inner = blob.structure("two", size, &[("a", inner, 0, 0), ("b", inner, size * 4, 0)]);
    }
    let id = blob.structure("s", size, &[("x", inner, 0, 0)]);
    assert!(matches!(btf_error(planned(&blob, id)), BtfError::TooManyFields { limit: 16384, .. }));
}

#[test]
fn an_array_of_structs_costs_a_field_for_each_element() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let pair = blob.structure("pair", 8, &[("a", int, 0, 0), ("b", int, 32, 0)]);
    let (many, numbers) = (blob.array(pair, 9000), blob.array(int, 9000));
    let structs = blob.structure("s", 72_000, &[("x", many, 0, 0)]);
    assert!(matches!(btf_error(planned(&blob, structs)), BtfError::TooManyFields { .. }));
    let plain = blob.structure("s", 36_000, &[("x", numbers, 0, 0)]);
    assert!(planned(&blob, plain).is_ok());
}

#[test]
fn members_that_are_no_values_are_refused_by_name() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let forward = blob.push("gone", FWD, false, 0, 0, &[]);
    let prototype = blob.push("", FUNC_PROTO, false, 0, int, &[]);
    let function = blob.push("f", FUNC, false, 0, prototype, &[]);
    let long_double = blob.push("long double", FLOAT, false, 0, 16, &[]);
    let three = blob.int("odd", 3, 0);
    for (ty, found) in [
        (0, "void"),
        (forward, "a struct that is declared only"),
        (prototype, "a function"),
        (function, "a function"),
        (long_double, "a float of 16 bytes"),
        (three, "an integer of 3 bytes"),
    ] {
        let mut blob = blob.clone();
        let id = blob.structure("s", 64, &[("ok", int, 0, 0), ("bad", ty, 64, 0)]);
        let error = btf_error(planned(&blob, id));
        assert_eq!(error, BtfError::NoLayout { path: "struct s.bad".to_owned(), found: found.to_owned() });
    }
    let pointer = blob.push("", PTR, false, 0, forward, &[]);
    let id = blob.structure("s", 8, &[("ok", pointer, 0, 0)]);
    assert!(planned(&blob, id).is_ok(), "a pointer to what is declared only is a number");
}

#[test]
fn a_member_past_the_end_of_its_struct_is_refused() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let boolean = blob.int("_Bool", 1, BOOL);
    for (ty, offset, bits, end) in
        [(int, 40, 0, 72), (boolean, 64, 0, 72), (int, 62, 3, 65), (int, 0xff_fff0, 4, 0xff_fff4)]
    {
        let mut blob = blob.clone();
        let id = blob.structure("s", 8, &[("x", ty, offset, bits)]);
        let error = btf_error(planned(&blob, id));
        assert_eq!(error, BtfError::PastEnd { path: "struct s.x".to_owned(), end, size_bytes: 8 });
    }
}

#[test]
fn a_bitfield_wider_than_its_type_is_refused() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let id = blob.structure("s", 8, &[("x", int, 0, 33)]);
    assert!(matches!(btf_error(planned(&blob, id)), BtfError::NoLayout { .. }));
}

#[test]
fn alternatives_of_an_anonymous_union_overlap() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let float = blob.push("float", FLOAT, false, 0, 4, &[]);
    let union = blob.aggregate(UNION, "", 4, &[("i", int, 0, 0), ("f", float, 0, 0)]);
    let id = blob.structure("s", 8, &[("a", int, 0, 0), ("", union, 32, 0)]);
    let layout = planned(&blob, id).unwrap();
    let places: Vec<_> = layout.fields.iter().map(|f| (f.name.as_str(), f.bit_offset)).collect();
    assert_eq!(places, [("a", 0), ("i", 32), ("f", 32)]);
}

#[test]
fn a_ladder_of_damage_to_btf() {
    let mut good = Blob::new();
    let int = good.int("int", 4, SIGNED);
    let id = good.structure("s", 4, &[("a", int, 0, 0)]);
    assert!(planned(&good, id).is_ok());
    let bytes = good.bytes();
    let open = |bytes: &[u8]| {
        let package = crate::build::open(&transitional(bytes, id, "s")).unwrap();
        btf_error(package.plan(&Limits::default()).map(|mut plan| plan.streams.remove(0).layout)).to_string()
    };
    assert_eq!(open(b""), "damaged BTF: it does not start with its magic number");
    assert_eq!(open(&bytes[..10]), "damaged BTF: the header ends early");
    assert_eq!(open(&bytes[..40]), "damaged BTF: the types run past the end");
    assert_eq!(open(&bytes[..bytes.len() - 1]), "damaged BTF: the names run past the end");
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        open(&bytes)
    };
    assert_eq!(with(2, 2), "damaged BTF: version 2, flags 0: expected 1 and 0");
    assert_eq!(with(4, 8), "damaged BTF: the header is too short");
    assert_eq!(with(24 + 7, 31), "damaged BTF: type 1 is of the unknown kind 31");
    assert_eq!(with(24 + 16 + 4, 200), "damaged BTF: type 2 ends early");
    assert_eq!(with(24, 3), "damaged BTF: no string at offset 3");
    assert_eq!(
        open(&[&bytes[..bytes.len() - 1], b"x"].concat()),
        "damaged BTF: the names do not start and end with a NUL"
    );
    let mut swapped = bytes.clone();
    swapped.swap(0, 1);
    assert_eq!(open(&swapped), "big-endian BTF");
    let missing = planned(&good, 9).unwrap_err().to_string();
    assert_eq!(
        missing,
        "export type `s`: expected type 9 to be a struct of that name, found no type has the id 9, the highest is 2"
    );
}

#[test]
fn types_and_names_are_limited() {
    let mut blob = Blob::new();
    for _ in 0..300 {
        blob.int("int", 4, SIGNED);
    }
    let id = blob.structure("s", 4, &[("a", 1, 0, 0)]);
    let few = Limits { btf_types: 200, ..Limits::default() };
    let package = crate::build::open(&transitional(&blob.bytes(), id, "s")).unwrap();
    let error = package.plan(&few).unwrap_err().to_string();
    assert!(error.ends_with("more than 200 types or names"), "{error}");
    assert!(planned_within(&blob, id, &Limits { btf_types: 400, ..Limits::default() }).is_ok());
}

#[test]
fn many_references_to_one_huge_type_end_soon() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let names: Vec<_> = (0..60_000).map(|index| format!("m{index}")).collect();
    let wide: Vec<_> = names.iter().map(|name| (name.as_str(), int, 0, 0)).collect();
    let union = blob.aggregate(UNION, "u", 4, &wide);
    let pointed: Vec<_> = names.iter().map(|name| (name.as_str(), union, 0, 0)).collect();
    let id = blob.aggregate(STRUCT, "s", 4, &pointed);
    let start = std::time::Instant::now();
    assert!(planned(&blob, id).is_err());
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

#[test]
fn names_that_command_a_terminal_are_refused() {
    let mut blob = Blob::new();
    let int = blob.int("int", 4, SIGNED);
    let id = blob.structure("s", 4, &[("a\x1b[2J", int, 0, 0)]);
    let error = btf_error(planned(&blob, id)).to_string();
    assert!(error.ends_with("holds control characters"), "{error}");
}

#[test]
fn an_enum_that_many_members_share_costs_once() {
    let mut blob = Blob::new();
    let name = blob.string(&"V".repeat(1000));
    let values: Vec<_> = (0..5000).flat_map(|value| [name, value]).collect();
    let shared = blob.push("e", ENUM, false, 5000, 4, &values);
    let members: Vec<_> = (0..1000).map(|index| ("m", shared, index * 32, 0)).collect();
    let id = blob.structure("s", 4000, &members);
    assert!(planned(&blob, id).is_ok());
    // As bitfields each is an enum of its own, of 5 MB.
    let members: Vec<_> = (0..1000).map(|index| ("m", shared, index * 32, 3)).collect();
    let id = blob.structure("s", 4000, &members);
    assert!(matches!(btf_error(planned(&blob, id)), BtfError::TooManyFields { .. }));
}
