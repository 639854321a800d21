//! Records of any layout.

use record::{Clock, Columns, Csv, Decoder, Framing, Json, Renderer, Stamp, TimeStyle, Zone};

use super::layouts::Source;

struct Utc;

impl Zone for Utc {
    fn offset_seconds(&mut self, _: i64) -> i32 {
        0
    }
}

/// The first bytes make a layout, the rest is three records of it: all forms show them, and nothing that they show can
/// command a terminal. JSON lines are JSON.
pub(crate) fn decode(bytes: &[u8]) -> bool {
    let mut source = Source(bytes);
    let layout = source.layout(2);
    let records = source.0;
    let style = [TimeStyle::Wall, TimeStyle::Unix, TimeStyle::Mono][bytes.len() % 3];
    let decoder = || {
        let framing = if bytes.len().is_multiple_of(2) { Framing::Exact } else { Framing::Padded };
        Decoder::new(&layout).framing(framing)
    };
    let renderers = [
        Renderer::Columns(Columns::new(decoder()).time(Clock::new(style, Utc))),
        Renderer::Json(Json::new(decoder()).time(Clock::new(style, Utc))),
        Renderer::Csv(Csv::new(decoder()).time(Clock::new(style, Utc))),
    ];
    for mut renderer in renderers {
        let mut out = Vec::new();
        renderer.begin(&mut out);
        for record in [records, &records[..records.len() / 2], &[]] {
            let wall_ns = records.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes));
            renderer.record(record, Stamp { mono_ns: wall_ns.unsigned_abs(), wall_ns }, &mut out);
        }
        renderer.settle(&mut out);
        renderer.finish(&mut out);
        let text = std::str::from_utf8(&out).expect("rows are UTF-8");
        let command = text.chars().find(|c| c.is_control() && *c != '\n' && *c != '\r');
        assert_eq!(command, None, "a control character in {text:?}");
        if let Renderer::Json(_) = renderer {
            for line in text.lines() {
                let row: serde_json::Value =
                    serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
                assert!(row.is_object(), "{line}");
            }
        }
    }
    !records.is_empty()
}
