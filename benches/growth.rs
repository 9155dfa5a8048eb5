//! How the time grows with the edits and with the clones.

use crate::clones::Crowd;
use crate::measure::{Report, median, timed};
use crate::sync::pairs;
use crate::table::{Edited, POINT};

pub fn edits(_: &mut Report) {
    for (edits, runs) in [
        (100, 5),
        (1000, 5),
        (10_000, 5),
        (100_000, 3),
        (1_000_000, 1),
    ] {
        let (ours, theirs): (Vec<f64>, Vec<f64>) = pairs(runs, edits, Edited::Values, POINT)
            .into_iter()
            .unzip();
        println!("{edits}\t{:.1}\t{:.1}", median(&ours), median(&theirs));
    }
}

pub fn clones(_: &mut Report) {
    for clones in [1, 2, 4, 8, 16, 32, 64] {
        let crowd = Crowd::new(clones, 20_000);
        let mut each = Vec::new();
        for round in 0..3 {
            crowd.edit(100, round);
            let all = timed(|| {
                crowd
                    .clones
                    .iter()
                    .for_each(|clone| crowd.synchronize(clone))
            });
            each.push(all / clones as f64);
            crowd.settle();
        }
        println!("{clones}\t{:.1}", median(&each));
    }
}
