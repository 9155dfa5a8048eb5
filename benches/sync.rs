//! A synchronisation against the limit.

use crate::audited::Audited;
use crate::limit::Limit;
use crate::measure::{Report, timed};
use crate::table::{Edited, POINT, POLYGON};

/// Pairs of milliseconds: a run, and the limit.
pub fn pairs(runs: usize, edits: u64, what: Edited, geometry: &str) -> Vec<(f64, f64)> {
    let rows = (2 * edits).max(20_000);
    let mut audited = Audited::new(rows, geometry, "");
    let mut limit = Limit::new(rows, geometry);
    let mut pairs = Vec::new();
    // The first round warms up.
    for round in 0..=runs {
        audited.edit(what, edits, round);
        audited.tidy();
        limit.edit(what, edits, round);
        limit.tidy();
        let ours = timed(|| audited.synchronize(edits));
        let theirs = timed(|| limit.synchronize(what, edits));
        if round > 0 {
            pairs.push((ours, theirs));
        }
    }
    audited.check();
    pairs
}

pub fn small(report: &mut Report) {
    let pairs = pairs(report.runs, 5_000, Edited::Values, POINT);
    report.ratio("synchronisation, 5,000 edits a side", "limit", pairs, 3.0);
}

pub fn large(report: &mut Report) {
    let pairs = pairs(report.runs, 100_000, Edited::Values, POINT);
    report.ratio("synchronisation, 100,000 edits a side", "limit", pairs, 3.0);
}

pub fn polygons(report: &mut Report) {
    let pairs = pairs(report.runs, 25_000, Edited::Geometry, POLYGON);
    let what = "synchronisation, 50,000 polygons of 500 vertices edited";
    report.ratio(what, "limit", pairs, 3.0);
}
