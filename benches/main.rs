//! What LizSync costs, as ratios against references that are measured in the same run, on private
//! servers. `make bench` runs all of it; `make bench ONLY=sync,idle` some.
//!
//! Every measure is a median of `RUNS` (5) pairs: ours and the reference in turn.
#![allow(missing_docs)]

mod audited;
mod capture;
mod chart;
mod clones;
mod growth;
mod idle;
mod limit;
mod measure;
mod memory;
mod mirror;
mod packages;
mod replication;
mod sync;
mod table;

#[path = "../tests/support/mod.rs"]
mod support;

use std::env;

use measure::Report;

/// A part of the benchmark: its name, and what measures it.
type Part = (&'static str, fn(&mut Report));

const PARTS: &[Part] = &[
    ("idle", idle::idle),
    ("history", idle::with_history),
    ("capture", capture::capture),
    ("sync", sync::small),
    ("large", sync::large),
    ("polygons", sync::polygons),
    ("replication", replication::replication),
    ("clones", clones::at_once),
    ("packages", packages::packages),
    ("memory", memory::memory),
    ("mirror", mirror::mirror),
];

/// Not part of a plain “make bench”: these take long, and draw the charts of docs/performance.md.
const CHARTS: &[Part] = &[
    ("growth", growth::edits),
    ("crowd", growth::clones),
    ("draw", growth::draw),
];

fn main() {
    // cargo bench hands on arguments of its own.
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [child, central, clone] = &arguments[..]
        && child == memory::CHILD
    {
        memory::child(central, clone);
        return;
    }
    let only = env::var("ONLY").unwrap_or_default();
    let only: Vec<&str> = only.split(',').filter(|name| !name.is_empty()).collect();
    let known = || PARTS.iter().chain(CHARTS);
    if let Some(name) = only.iter().find(|name| !known().any(|(n, _)| n == *name)) {
        let names: Vec<&str> = known().map(|(name, _)| *name).collect();
        eprintln!(
            "There is no benchmark {name}; there are {}.",
            names.join(", ")
        );
        std::process::exit(2);
    }
    let mut report = Report::new();
    for (name, measure) in known() {
        let wanted = match only.is_empty() {
            true => PARTS.iter().any(|(n, _)| n == name),
            false => only.contains(name),
        };
        if wanted {
            eprintln!("bench: {name}");
            measure(&mut report);
        }
    }
    report.finish();
}
