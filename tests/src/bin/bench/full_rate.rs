//! Rows at full rate: CPU time an event, time an open, loss.

use e2e::Workload;

use crate::Options;
use crate::figure::{Figure, Goal, median};
use crate::peers::Peers;
use crate::subject::{Subject, settle, stop};

/// Medians of one subject.
struct Rate {
    cpu_ns_per_event: f64,
    ns_per_open: f64,
}

/// Runs every subject once a round.
fn rounds<const N: usize>(options: &Options, peers: &Peers, subjects: [Subject; N]) -> [Rate; N] {
    let mut cpu: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    let mut open: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    let rows = peers.scratch.at("rows");
    let load = Workload::opening(&peers.opened, options.opens).pinned(0);
    for round in 0..options.rounds {
        for (index, subject) in subjects.into_iter().enumerate() {
            let live = subject.start(peers, &rows);
            let before = live.cpu();
            let opens = load.run();
            settle(&live);
            let used = live.cpu() - before;
            let ran = stop(live);
            let events = match subject {
                // It reports what it dropped.
                Subject::PerfDiscard | Subject::RingDiscard => opens.opens as f64,
                _ => lines_with(&rows, "opened").max(f64::MIN_POSITIVE),
            };
            let ns = used.as_nanos() as f64 / events;
            eprintln!(
                "round {round}: {subject:?}: {ns:.0} ns of CPU an event, {:.0} ns an open ({:.0} of CPU), {events:.0} of {} opens, {:?} in all",
                opens.ns_per_open,
                opens.cpu.as_nanos() as f64 / opens.opens as f64,
                opens.opens,
                ran.cpu
            );
            cpu[index].push(ns);
            open[index].push(opens.ns_per_open);
        }
    }
    let mut medians = cpu
        .into_iter()
        .zip(open)
        .map(|(cpu, open)| Rate { cpu_ns_per_event: median(cpu), ns_per_open: median(open) });
    std::array::from_fn(|_| medians.next().expect("one a subject"))
}

fn lines_with(rows: &std::path::Path, word: &str) -> f64 {
    let text = std::fs::read(rows).expect("the subject made it");
    let text = String::from_utf8_lossy(&text);
    text.lines().filter(|line| line.contains(word)).count() as f64
}

pub(crate) fn perf_rows(options: &Options, peers: &Peers) -> Vec<Figure> {
    use Subject::{Bpftrace, Columns, Json, LibbpfTools, PerfDiscard};
    let [columns, json, tools, bpftrace, discard] =
        rounds(options, peers, [Columns, Json, LibbpfTools, Bpftrace, PerfDiscard]);
    vec![
        Figure {
            row: "columns",
            what: "CPU time an event, columns",
            unit: "ns",
            goal: Goal::TimesLess(30.0),
            ours: columns.cpu_ns_per_event,
            peer: Some(("libbpf-tools", tools.cpu_ns_per_event)),
        },
        Figure {
            row: "json",
            what: "CPU time an event, JSON",
            unit: "ns",
            goal: Goal::TimesLess(30.0),
            ours: json.cpu_ns_per_event,
            peer: Some(("bpftrace -f json", bpftrace.cpu_ns_per_event)),
        },
        Figure {
            row: "open",
            what: "time of one open() while traced",
            unit: "ns",
            goal: Goal::TimesLess(4.0),
            ours: columns.ns_per_open,
            peer: Some(("libbpf-tools", tools.ns_per_open)),
        },
        Figure {
            row: "discard",
            what: "time of one open() while traced",
            unit: "ns",
            goal: Goal::AtMostTimes(1.15),
            ours: columns.ns_per_open,
            peer: Some(("a reader that discards", discard.ns_per_open)),
        },
    ]
}

pub(crate) fn ring_rows(options: &Options, peers: &Peers) -> Vec<Figure> {
    let [ours, print, discard] =
        rounds(options, peers, [Subject::Ring, Subject::RingPrint, Subject::RingDiscard]);
    let cpu = |goal, name, rate: &Rate| Figure {
        row: "ring",
        what: "ring buffer: CPU time an event",
        unit: "ns",
        goal,
        ours: ours.cpu_ns_per_event,
        peer: Some((name, rate.cpu_ns_per_event)),
    };
    vec![
        cpu(Goal::TimesLess(10.0), "ring_buffer__poll, printf", &print),
        cpu(Goal::TimesLess(10.0), "ring_buffer__poll, discarded", &discard),
        Figure {
            row: "ring-open",
            what: "ring buffer: time of one open()",
            unit: "ns",
            goal: Goal::TimesLess(1.5),
            ours: ours.ns_per_open,
            peer: Some(("ring_buffer__poll, discarded", discard.ns_per_open)),
        },
    ]
}

/// Two processes at full rate, default settings: rows of the workload that did not come.
pub(crate) fn loss(options: &Options, peers: &Peers) -> Figure {
    let each = if options.smoke { options.opens } else { 1_000_000 };
    let rows = peers.scratch.at("rows");
    let live = Subject::Columns.start(peers, &rows);
    let opens = Workload::opening(&peers.opened, each).workers(2).run();
    settle(&live);
    let ran = stop(live);
    eprintln!("loss: {}", ran.err().lines().last().unwrap_or("(nothing said)"));
    Figure {
        row: "loss",
        what: "opens lost, two processes at full rate",
        unit: "events",
        goal: Goal::AtMost(0.0),
        ours: opens.opens as f64 - lines_with(&rows, "opened"),
        peer: None,
    }
}
