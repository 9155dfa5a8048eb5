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
    keep(&EDITED, &[&ours, &theirs]);
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
    keep(&CROWDED, &[&alone, &all]);
}

/// Draws the charts from the figures that are there.
pub fn draw(_: &mut Report) {
    for picture in [&EDITED, &CROWDED] {
        let text = fs::read_to_string(format!("{FOLDER}/{}.tsv", picture.name)).unwrap();
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(1)
            .map(|row| {
                row.split('\t')
                    .map(|value| value.parse().unwrap())
                    .collect()
            })
            .collect();
        let line = |place| {
            rows.iter()
                .map(|row| (row[0], row[place]))
                .collect::<Vec<_>>()
        };
        picture.draw(&[&line(1), &line(2)]);
    }
}

/// What a chart shows.
struct Picture {
    name: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
    lines: [&'static str; 2],
}

const EDITED: Picture = Picture {
    name: "edits",
    title: "Synchronisation of edits on both sides",
    x: "edits on each side",
    y: "milliseconds",
    lines: [
        "a run of LizSync",
        "the limit: COPY and one UPDATE each way",
    ],
};

const CROWDED: Picture = Picture {
    name: "clones",
    title: "One run beside other clones",
    x: "clones of the central",
    y: "milliseconds for one run",
    lines: [
        "100 edits of this clone, the others idle",
        "100 edits of every clone: the run brings them too",
    ],
};

impl Picture {
    fn draw(&self, lines: &[&[(f64, f64)]; 2]) {
        let [first, second] = self.lines;
        Chart {
            title: self.title,
            x: self.x,
            y: self.y,
            lines: &[Line::new(first, lines[0]), Line::new(second, lines[1])],
        }
        .draw(&format!("{FOLDER}/{}.svg", self.name));
    }
}

/// Writes the figures of a chart, and draws it.
fn keep(picture: &Picture, lines: &[&[(f64, f64)]; 2]) {
    fs::create_dir_all(FOLDER).unwrap();
    let mut table = picture.x.to_owned();
    for line in picture.lines {
        write!(table, "\t{line} (ms)").unwrap();
    }
    for (place, (x, _)) in lines[0].iter().enumerate() {
        write!(table, "\n{x}").unwrap();
        for line in lines {
            write!(table, "\t{:.1}", line[place].1).unwrap();
        }
    }
    table.push('\n');
    fs::write(format!("{FOLDER}/{}.tsv", picture.name), table).unwrap();
    picture.draw(lines);
    eprintln!("bench: written to {FOLDER}/{}.svg and .tsv", picture.name);
}
