//! The README's figures, as ratios against peers in the same run: medians of interleaved rounds.
//!
//! ```text
//! bench [--rows NAME,…] [--rounds N] [--opens N] [--json FILE] [--smoke]
//! ```
//!
//! Rows: columns, json, open, discard, loss, ring, ring-open, start, memory, latency, idle, record. Needs root, and an
//! idle machine for figures that mean something; `--smoke` only shows that everything can be measured.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program, and the table goes to standard output"
)]

mod figure;
mod full_rate;
mod one_by_one;
mod peers;
mod subject;
mod terminal;

use std::process::ExitCode;

use figure::Figure;
use peers::Peers;

/// What was asked for.
struct Options {
    /// Names of rows; empty: all.
    rows: Vec<String>,
    /// Each subject runs that often.
    rounds: usize,
    /// Opens in one full-rate measurement.
    opens: u64,
    /// Only shows that everything can be measured.
    smoke: bool,
    json: Option<String>,
}

impl Options {
    fn parse() -> Result<Self, String> {
        let mut options = Self { rows: Vec::new(), rounds: 5, opens: 300_000, smoke: false, json: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--smoke" => (options.smoke, options.rounds, options.opens) = (true, 1, 5_000),
                "--rows" => options.rows = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => options.rounds = value()?.parse().map_err(|why| format!("--rounds: {why}"))?,
                "--opens" => options.opens = value()?.parse().map_err(|why| format!("--opens: {why}"))?,
                "--json" => options.json = Some(value()?),
                _ => return Err(format!("unknown: {word}")),
            }
        }
        Ok(options)
    }

    fn wants(&self, rows: &[&str]) -> bool {
        self.rows.is_empty() || rows.iter().any(|row| self.rows.iter().any(|wanted| wanted == row))
    }
}

fn main() -> ExitCode {
    let options = match Options::parse() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    e2e::kernel::require_root();
    let peers = Peers::build();
    let mut figures: Vec<Figure> = Vec::new();
    if options.wants(&["columns", "json", "open", "discard"]) {
        figures.extend(full_rate::perf_rows(&options, &peers));
    }
    if options.wants(&["ring", "ring-open"]) {
        figures.extend(full_rate::ring_rows(&options, &peers));
    }
    if options.wants(&["loss"]) {
        figures.push(full_rate::loss(&options, &peers));
    }
    if options.wants(&["start"]) {
        figures.extend(one_by_one::start(&options, &peers));
    }
    if options.wants(&["memory"]) {
        figures.push(one_by_one::memory(&options, &peers));
    }
    if options.wants(&["latency"]) {
        figures.push(one_by_one::latency(&options, &peers));
    }
    if options.wants(&["idle"]) {
        figures.push(one_by_one::idle(&options, &peers));
    }
    if options.wants(&["record"]) {
        figures.extend(figure::from_criterion());
    }
    figures.retain(|figure| options.wants(&[figure.row]));

    print!("{}", figure::table(&figures));
    if let Some(path) = &options.json {
        std::fs::write(path, figure::json(&figures)).unwrap_or_else(|why| panic!("{path}: {why}"));
    }
    let measured = figures.iter().all(Figure::is_measured);
    if measured && (options.smoke || figures.iter().all(Figure::met)) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
