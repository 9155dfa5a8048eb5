//! Several clones at one moment.

use std::thread;

use crate::measure::{Report, timed};
use crate::support::{self, Database, clone_of, prepared};
use crate::table::{Edited, POINT, SCHEMA, fill, tidy};

const CLONES: u64 = 16;
const EDITS: u64 = 500;

/// A central with its clones.
pub struct Crowd {
    pub central: Database,
    pub clones: Vec<Database>,
}

impl Crowd {
    pub fn new(clones: u64, rows: u64) -> Self {
        let central = prepared("bench_crowd", SCHEMA);
        central.run(&fill(rows, POINT));
        central.run("DELETE FROM audit.logged_actions");
        central.run("VACUUM (ANALYZE)");
        let clones: Vec<Database> = (0..clones)
            .map(|n| clone_of(&central, &format!("bench_crowd_{n}")))
            .collect();
        let crowd = Self { central, clones };
        crowd
            .clones
            .iter()
            .for_each(|clone| crowd.synchronize(clone));
        crowd
    }

    /// Each clone edits rows of its own.
    pub fn edit(&self, edits: u64, round: usize) {
        for place in 0..self.clones.len() {
            self.edit_one(place, edits, round);
        }
    }

    /// One clone edits its rows.
    pub fn edit_one(&self, place: usize, edits: u64, round: usize) {
        let first = u64::try_from(place).unwrap() * edits + 1;
        let clone = &mut self.clones[place].connect();
        Edited::Values.edit(clone, first, first + edits - 1, round);
    }

    pub fn synchronize(&self, clone: &Database) {
        support::synchronize(&self.central, clone);
    }

    /// Brings everybody to the same state, and tidies up.
    pub fn settle(&self) {
        self.clones.iter().for_each(|clone| self.synchronize(clone));
        for database in self.clones.iter().chain([&self.central]) {
            tidy(&mut database.connect());
        }
    }
}

pub fn at_once(report: &mut Report) {
    let crowd = Crowd::new(CLONES, 20_000);
    let mut pairs = Vec::new();
    for round in 0..=report.runs {
        let mut times = [0.0; 2];
        // In turn first and second, because the log of the central grows.
        for part in [round % 2, 1 - round % 2] {
            crowd.edit(EDITS, 2 * round + part);
            times[part] = timed(|| match part {
                0 => thread::scope(|threads| {
                    for clone in &crowd.clones {
                        threads.spawn(|| crowd.synchronize(clone));
                    }
                }),
                _ => crowd
                    .clones
                    .iter()
                    .for_each(|clone| crowd.synchronize(clone)),
            });
            crowd.settle();
        }
        if round > 0 {
            pairs.push((times[0], times[1]));
        }
    }
    report.ratio(
        "16 clones at one moment, 500 edits each",
        "one after another",
        pairs,
        0.75,
    );
}
