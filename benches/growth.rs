//! How the time grows with the edits and with the clones: charts and their figures, in docs/charts.

use std::fmt::Write;
use std::fs;

use crate::chart::{Chart, Line};
use crate::clones::Crowd;
use crate::measure::{Report, median, timed};
use crate::sync::pairs;
use crate::table::{Edited, POINT};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/charts");
/// How many rows a clone edits between two runs.
const EDITS: u64 = 100;

pub fn edits(report: &mut Report) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for edits in [100, 1000, 10_000, 100_000, 1_000_000] {
        let runs = match edits {
            1_000_000 => 1,
            _ => report.runs,
        };
        let (run, limit): (Vec<f64>, Vec<f64>) = pairs(runs, edits, Edited::Values, POINT)
            .into_iter()
            .unzip();
        eprintln!("{edits}: {:.0} {:.0}", median(&run), median(&limit));
        let edits = u32::try_from(edits).unwrap();
        ours.push((f64::from(edits), median(&run)));
        theirs.push((f64::from(edits), median(&limit)));
    }
    keep(
        "edits",
        &Chart {
            title: "Synchronisation of edits on both sides",
            x: "edits on each side",
            y: "milliseconds",
            lines: &[
                Line::new("a run of LizSync", &ours),
                Line::new("the limit: COPY and one UPDATE each way", &theirs),
            ],
        },
    );
}

pub fn clones(report: &mut Report) {
    let (mut alone, mut all) = (Vec::new(), Vec::new());
    for clones in [1_u32, 2, 4, 8, 16, 32, 64] {
        let crowd = Crowd::new(u64::from(clones), 20_000);
        let (mut one, mut each) = (Vec::new(), Vec::new());
        for round in 0..report.runs {
            // One clone has edits, and the others are idle.
            let place = round % crowd.clones.len();
            crowd.edit_one(place, EDITS, 2 * round);
            one.push(timed(|| crowd.synchronize(&crowd.clones[place])));
            crowd.settle();
            // All have, and each run brings those of the others too.
            crowd.edit(EDITS, 2 * round + 1);
            let run = |clone| crowd.synchronize(clone);
            each.push(timed(|| crowd.clones.iter().for_each(run)) / f64::from(clones));
            crowd.settle();
        }
        eprintln!("{clones}: {:.0} {:.0}", median(&one), median(&each));
        alone.push((f64::from(clones), median(&one)));
        all.push((f64::from(clones), median(&each)));
    }
    keep(
        "clones",
        &Chart {
            title: "One run beside other clones",
            x: "clones of the central",
            y: "milliseconds for one run",
            lines: &[
                Line::new("100 edits of this clone, the others idle", &alone),
                Line::new("100 edits of every clone: the run brings them too", &all),
            ],
        },
    );
}

/// Writes a chart and its figures.
fn keep(name: &str, chart: &Chart) {
    fs::create_dir_all(FOLDER).unwrap();
    let mut table = chart.x.to_owned();
    for line in chart.lines {
        write!(table, "\t{} (ms)", line.name).unwrap();
    }
    for (place, (x, _)) in chart.lines[0].points.iter().enumerate() {
        write!(table, "\n{x}").unwrap();
        for line in chart.lines {
            write!(table, "\t{:.1}", line.points[place].1).unwrap();
        }
    }
    table.push('\n');
    fs::write(format!("{FOLDER}/{name}.tsv"), table).unwrap();
    chart.draw(&format!("{FOLDER}/{name}.svg"));
    eprintln!("bench: written to {FOLDER}/{name}.svg and .tsv");
}
