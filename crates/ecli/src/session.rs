//! Records → rows: what happens to each record between the ring and the output, and the counts of it.

use std::error::Error;
use std::ops::ControlFlow;

use package::{Plan, SampleKind, Sampling, Source, Stream};
use record::{
    Clock, Columns, Csv, Decoder, Fidelity, Filter, Framing, Histogram, Json, Renderer, Stamp, TimeStyle,
};
use runtime::RawRecord;

use crate::cli::{Format, RunArgs, Time};
use crate::exit::{Exit, Failure};
use crate::zone::LocalZone;

/// What became of a stream's records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Hidden by `--filter`.
    pub filtered: u64,
    /// Shorter or longer than their layout; shown as far as they go.
    pub faulty: u64,
    /// Rows appended to the output.
    pub shown: u64,
}

/// How one stream is shown.
struct View {
    filter: Option<Filter>,
    renderer: Renderer,
    counts: Counts,
}

/// How every stream of a plan is shown.
pub struct Session {
    views: Vec<View>,
    /// Rows still wanted, with `--count`.
    wanted: Option<u64>,
}

impl Session {
    /// Compiles layouts, fields and filter; what does not fit is refused here, before anything is loaded.
    ///
    /// # Errors
    ///
    /// A field or filter that the package does not have.
    pub fn new(plan: &Plan, args: &RunArgs) -> Result<Self, Failure> {
        let longest_name = plan.streams.iter().map(|stream| stream.name.chars().count()).max();
        let longest_name = longest_name.filter(|_| plan.streams.len() > 1);
        let views = plan.streams.iter().map(|stream| view(stream, args, longest_name));
        Ok(Self { views: views.collect::<Result<_, _>>()?, wanted: args.count })
    }

    /// Starts every stream: its header, where it has one.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        for view in &mut self.views {
            view.renderer.begin(out);
        }
    }

    /// Shows one record, or hides it. `Break` once `--count` rows were shown.
    #[inline]
    pub fn record(&mut self, raw: &RawRecord<'_>, wall_offset_ns: i64, out: &mut Vec<u8>) -> ControlFlow<()> {
        let view = &mut self.views[raw.stream];
        if view.filter.as_ref().is_some_and(|filter| !filter.matches(raw.bytes)) {
            view.counts.filtered += 1;
            return ControlFlow::Continue(());
        }
        let stamp =
            Stamp { mono_ns: raw.mono_ns, wall_ns: (raw.mono_ns as i64).wrapping_add(wall_offset_ns) };
        if view.renderer.record(raw.bytes, stamp, out) != Fidelity::Exact {
            view.counts.faulty += 1;
        }
        view.counts.shown += 1;
        match &mut self.wanted {
            None => ControlFlow::Continue(()),
            Some(wanted) => {
                *wanted = wanted.saturating_sub(1);
                if *wanted == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        }
    }

    /// Whether `--count` rows were shown.
    #[must_use]
    pub fn is_satisfied(&self) -> bool {
        self.wanted == Some(0)
    }

    /// Ends a batch: everything recorded is in the output afterwards.
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        for view in &mut self.views {
            view.renderer.settle(out);
        }
    }

    /// Ends every stream.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        for view in &mut self.views {
            view.renderer.finish(out);
        }
    }

    /// All streams together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.views.iter().fold(Counts::default(), |sum, View { counts, .. }| Counts {
            filtered: sum.filtered + counts.filtered,
            faulty: sum.faulty + counts.faulty,
            shown: sum.shown + counts.shown,
        })
    }
}

/// An option that does not fit the package.
#[derive(Debug, thiserror::Error)]
#[error("{option}{}", stream.as_ref().map(|name| format!(" in stream {name}")).unwrap_or_default())]
struct Refused {
    option: &'static str,
    stream: Option<String>,
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}

/// Compiles how one stream is shown.
fn view(stream: &Stream, args: &RunArgs, longest_name: Option<usize>) -> Result<View, Failure> {
    let stream_name = longest_name.map(|_| stream.name.clone());
    let refused =
        |option, cause| Failure::new(Exit::Usage, Refused { option, stream: stream_name.clone(), cause });
    let filter = match &args.filter {
        Some(text) => {
            Some(Filter::compile(text, &stream.layout).map_err(|error| refused("--filter", error.into()))?)
        }
        None => None,
    };
    let decoder = match &args.fields {
        Some(fields) => {
            Decoder::select(&stream.layout, fields).map_err(|error| refused("--fields", error.into()))?
        }
        None => Decoder::new(&stream.layout),
    };
    let decoder = decoder.framing(match stream.source {
        _ if stream.open_ended => Framing::OpenEnded,
        Source::PerfArray => Framing::Padded,
        Source::RingBuffer | Source::Sampled(_) => Framing::Exact,
    });
    let renderer = match histogram(stream, args)? {
        Some(histogram) => Renderer::Histogram(histogram),
        None => renderer(stream, args, decoder, longest_name),
    };
    Ok(View { filter, renderer, counts: Counts::default() })
}

/// Pictures, where the package wants them and nothing else is asked for.
fn histogram(stream: &Stream, args: &RunArgs) -> Result<Option<Histogram>, Failure> {
    let Source::Sampled(Sampling { kind: SampleKind::Histogram { scale, unit }, .. }) = &stream.source else {
        return Ok(None);
    };
    if format(args) != Format::Columns || args.fields.is_some() {
        return Ok(None);
    }
    let histogram = Histogram::new(&stream.layout, *scale, unit);
    histogram.map(Some).map_err(|error| Failure::new(Exit::Package, error))
}

/// The renderer of a stream; several streams say which one a row is from.
fn renderer(stream: &Stream, args: &RunArgs, decoder: Decoder, longest_name: Option<usize>) -> Renderer {
    let name = longest_name.map(|_| stream.name.as_str());
    match format(args) {
        Format::Json => {
            let json = Json::new(decoder);
            let json = clock(args, None).into_iter().fold(json, Json::time);
            Renderer::Json(name.into_iter().fold(json, Json::stream))
        }
        Format::Csv => {
            let csv = Csv::new(decoder);
            let csv = clock(args, Some(TimeStyle::Wall)).into_iter().fold(csv, Csv::time);
            let csv = name.into_iter().fold(csv, Csv::stream);
            Renderer::Csv(if args.no_header { csv.without_header() } else { csv })
        }
        Format::Columns => {
            let columns = Columns::new(decoder);
            let columns = clock(args, Some(TimeStyle::Wall)).into_iter().fold(columns, Columns::time);
            let columns = name
                .into_iter()
                .fold(columns, |columns, name| columns.stream(name, longest_name.unwrap_or(0)));
            Renderer::Columns(if args.no_header { columns.without_header() } else { columns })
        }
    }
}

fn format(args: &RunArgs) -> Format {
    match args.output {
        _ if args.json => Format::Json,
        Some(format) => format,
        None => Format::Columns,
    }
}

/// The clock that was asked for, else the usual one of the format.
fn clock(args: &RunArgs, usual: Option<TimeStyle>) -> Option<Clock> {
    let style = match args.time {
        None => usual?,
        Some(Time::None) => return None,
        Some(Time::Wall) => TimeStyle::Wall,
        Some(Time::Unix) => TimeStyle::Unix,
        Some(Time::Mono) => TimeStyle::Mono,
    };
    Some(Clock::new(style, LocalZone::new()))
}
