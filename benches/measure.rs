//! Medians, ratios, and the table that is printed.

use std::time::Instant;
use std::{env, fs};

use serde_json::{Value, json};

/// What a figure is to reach.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// A ratio of ours to the reference.
    Ratio(f64),
    /// Our own median, in the unit of the figure.
    Value(f64),
}

/// One line of the table.
struct Figure {
    what: String,
    reference: String,
    unit: &'static str,
    ours: Vec<f64>,
    theirs: Vec<f64>,
    goal: Goal,
}

/// All figures of a run.
pub struct Report {
    figures: Vec<Figure>,
    /// How often each is measured.
    pub runs: usize,
}

impl Report {
    pub fn new() -> Self {
        let given = env::var("RUNS").ok().and_then(|runs| runs.parse().ok());
        Self {
            figures: Vec::new(),
            runs: given.unwrap_or(5),
        }
    }

    /// Adds a figure without a reference: what was measured, in its unit.
    pub fn value(&mut self, what: &str, unit: &'static str, ours: Vec<f64>, most: f64) {
        self.add(what, "–", unit, (ours, Vec::new()), Goal::Value(most));
    }

    /// Adds pairs of milliseconds: ours and those of the reference.
    pub fn ratio(&mut self, what: &str, reference: &str, pairs: Vec<(f64, f64)>, most: f64) {
        let pairs = pairs.into_iter().unzip();
        self.add(what, reference, "ms", pairs, Goal::Ratio(most));
    }

    fn add(
        &mut self,
        what: &str,
        reference: &str,
        unit: &'static str,
        (ours, theirs): (Vec<f64>, Vec<f64>),
        goal: Goal,
    ) {
        let figure = Figure {
            what: what.to_owned(),
            reference: reference.to_owned(),
            unit,
            ours,
            theirs,
            goal,
        };
        eprintln!("{}", figure.row());
        self.figures.push(figure);
    }

    /// Prints the table and writes it as JSON to the file that BENCH_JSON names.
    pub fn finish(&self) {
        if self.figures.is_empty() {
            return;
        }
        println!("| what | ours | reference | ratio | from – to | goal | reached |");
        println!("|---|---|---|---|---|---|---|");
        for figure in &self.figures {
            println!("{}", figure.row());
        }
        let path = env::var("BENCH_JSON").unwrap_or_else(|_| "target/bench.json".to_owned());
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        let text = serde_json::to_string_pretty(&json!({"runs": self.runs, "figures": figures}));
        fs::write(&path, text.unwrap() + "\n").unwrap_or_else(|error| panic!("{path}: {error}"));
        eprintln!("bench: written to {path}");
    }
}

impl Figure {
    fn ratios(&self) -> Vec<f64> {
        self.ours
            .iter()
            .zip(&self.theirs)
            .map(|(a, b)| a / b)
            .collect()
    }

    fn ratio(&self) -> Option<f64> {
        (!self.theirs.is_empty()).then(|| median(&self.ours) / median(&self.theirs))
    }

    fn reached(&self) -> bool {
        match self.goal {
            Goal::Ratio(most) => self.ratio().is_some_and(|ratio| ratio <= most),
            Goal::Value(most) => median(&self.ours) <= most,
        }
    }

    fn row(&self) -> String {
        let reference = match self.theirs.is_empty() {
            true => self.reference.clone(),
            false => format!(
                "{}: {}",
                self.reference,
                shown(median(&self.theirs), self.unit)
            ),
        };
        let ratio = self
            .ratio()
            .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let (spread, unit) = match self.theirs.is_empty() {
            true => (self.ours.clone(), self.unit),
            false => (self.ratios(), ""),
        };
        let spread = format!(
            "{} – {}",
            shown(least(&spread), unit),
            shown(most(&spread), unit)
        );
        let goal = match self.goal {
            Goal::Ratio(most) => format!("≤ {most}"),
            Goal::Value(most) => format!("≤ {}", shown(most, self.unit)),
        };
        format!(
            "| {} | {} | {reference} | {ratio} | {spread} | {goal} | {} |",
            self.what,
            shown(median(&self.ours), self.unit),
            if self.reached() { "yes" } else { "no" },
        )
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what, "unit": self.unit, "ours": self.ours, "median": median(&self.ours),
            "reference": self.reference, "reference_values": self.theirs, "ratio": self.ratio(),
            "goal": match self.goal { Goal::Ratio(most) | Goal::Value(most) => most },
            "reached": self.reached(),
        })
    }
}

/// A number with its unit, in few digits.
fn shown(value: f64, unit: &str) -> String {
    match (unit, value) {
        ("", _) => format!("{value:.2}"),
        ("ms", value) if value >= 10_000.0 => format!("{:.1} s", value / 1000.0),
        ("ms", value) if value < 100.0 => format!("{value:.1} ms"),
        (unit, value) => format!("{value:.0} {unit}"),
    }
}

/// Runs it; how long that took, in milliseconds.
pub fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1000.0
}

/// The middle of some values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
