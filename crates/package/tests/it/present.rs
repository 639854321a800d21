use package::layout::Type;
use package::{Attach, Encoding, Generation, Source, TcDirection};

use crate::build::{EVENTS, events, open, plan};

#[test]
fn opens_with_all_that_it_says_about_itself() {
    let package = open(&events()).unwrap();
    assert_eq!(package.generation(), Generation::Present);
    assert_eq!(package.encoding(), Encoding::Json);
    assert_eq!(package.name(), "events_bpf");
    assert_eq!(package.object(), EVENTS);
    assert_eq!(package.license(), Some("Dual BSD/GPL"));
    assert_eq!(package.doc().brief.as_deref(), Some("Shows events"));
    assert_eq!(package.digest().len(), 64);
    assert_ne!(package.digest(), package.object_digest());
    assert_eq!(package.unknown(), []);
}

#[test]
fn programs_come_in_object_order_each_with_its_attach_point() {
    let plan = plan(&events()).unwrap();
    let programs: Vec<_> =
        plan.programs.iter().map(|p| (p.name.as_str(), p.section.as_str(), p.attach.clone())).collect();
    assert_eq!(
        programs,
        [
            ("enter_openat", "tracepoint/syscalls/sys_enter_openat", Attach::Section),
            ("exit_openat", "tracepoint/syscalls/sys_exit_openat", Attach::None),
            ("pass", "xdp", Attach::Xdp { ifindex: 3, flags: 2 }),
            (
                "classify",
                "tc",
                Attach::Tc { ifindex: 2, direction: TcDirection::Egress, handle: 5, priority: 7 }
            ),
            ("tick", "perf_event", Attach::PerfEvent { frequency: 1 }),
            ("optional", "?kprobe/never", Attach::None),
        ]
    );
}

#[test]
fn the_exported_struct_lays_out_the_stream() {
    let plan = plan(&events()).unwrap();
    let [stream] = &plan.streams[..] else { panic!("{:?}", plan.streams) };
    assert_eq!((stream.name.as_str(), &stream.source), ("events", &Source::PerfArray));
    assert_eq!(plan.maps[stream.map].name, "events");
    assert_eq!((stream.layout.name.as_str(), stream.layout.size_bytes), ("event", 296));
    let fields: Vec<_> =
        stream.layout.fields.iter().map(|f| (f.name.as_str(), f.bit_offset, f.ty.clone())).collect();
    let int = || Type::Signed { bits: 32 };
    assert_eq!(
        fields,
        [
            ("ts", 0, Type::Unsigned { bits: 64 }),
            ("pid", 64, int()),
            ("uid", 96, int()),
            ("ret", 128, int()),
            ("flags", 160, int()),
            ("comm", 192, Type::Text { bytes: 16 }),
            ("fname", 320, Type::Text { bytes: 255 }),
        ]
    );
}
