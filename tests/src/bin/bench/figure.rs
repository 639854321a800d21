//! One line of the table: what was measured, against what, and whether that is enough.

use std::fmt::Write;

/// What the measured value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Ours times that is at most the peer's.
    TimesLess(f64),
    /// Ours is at most the peer's times that.
    AtMostTimes(f64),
    /// Ours is at most that, in the figure's unit.
    AtMost(f64),
}

/// A measured figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) row: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
    /// Median over the rounds.
    pub(crate) ours: f64,
    /// The peer's name and median, when the goal is a ratio or the peer is worth knowing.
    pub(crate) peer: Option<(&'static str, f64)>,
}

impl Figure {
    /// Peer over ours.
    fn ratio(&self) -> Option<f64> {
        self.peer.map(|(_, peer)| peer / self.ours)
    }

    pub(crate) fn met(&self) -> bool {
        match (self.goal, self.ratio()) {
            (Goal::TimesLess(times), Some(ratio)) => ratio >= times,
            (Goal::AtMostTimes(times), Some(ratio)) => ratio >= 1.0 / times,
            (Goal::AtMost(most), _) => self.ours <= most,
            (_, None) => false,
        }
    }

    /// Whether the numbers are numbers: a tool that did nothing is no tool that is fast.
    pub(crate) fn is_measured(&self) -> bool {
        let positive =
            |value: f64| value.is_finite() && (value > 0.0 || matches!(self.goal, Goal::AtMost(_)));
        positive(self.ours) && self.peer.is_none_or(|(_, peer)| positive(peer))
    }

    fn goal_text(&self) -> String {
        match self.goal {
            Goal::TimesLess(times) => format!("{times} times less"),
            Goal::AtMostTimes(times) => format!("at most {times} times"),
            Goal::AtMost(most) => format!("at most {most} {}", self.unit),
        }
    }
}

/// The middle of some measurements; NaN of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

/// For people.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text =
        String::from("| row | figure | goal | ecli | peer | ratio | |\n|---|---|---|---|---|---|---|\n");
    for figure in figures {
        let Figure { row, what, unit, ours, peer, .. } = figure;
        let peer = peer.map_or(String::new(), |(name, value)| format!("{value:.1} {unit} ({name})"));
        let ratio = figure.ratio().map_or(String::new(), |ratio| format!("{ratio:.1}"));
        let verdict = if figure.met() { "pass" } else { "miss" };
        let goal = figure.goal_text();
        writeln!(text, "| {row} | {what} | {goal} | {ours:.1} {unit} | {peer} | {ratio} | {verdict} |")
            .expect("a string takes all");
    }
    text
}

/// For programs.
pub(crate) fn json(figures: &[Figure]) -> String {
    let rows: Vec<_> = figures
        .iter()
        .map(|figure| {
            serde_json::json!({
                "row": figure.row, "figure": figure.what, "unit": figure.unit, "goal": figure.goal_text(), "ours": figure.ours,
                "peer": figure.peer.map(|(name, _)| name), "theirs": figure.peer.map(|(_, value)| value),
                "ratio": figure.ratio(), "met": figure.met(),
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(rows))
}

/// What `cargo bench -p record` left behind.
pub(crate) fn from_criterion() -> Option<Figure> {
    let target = std::env::current_exe().ok()?.parent()?.parent()?.to_owned();
    let estimates = std::fs::read(target.join("criterion/columns/new/estimates.json")).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&estimates).ok()?;
    Some(Figure {
        row: "record",
        what: "one opensnoop record to columns",
        unit: "ns",
        goal: Goal::AtMost(50.0),
        ours: value["median"]["point_estimate"].as_f64()?,
        peer: None,
    })
}
