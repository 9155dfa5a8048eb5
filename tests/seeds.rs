//! The inputs that fuzzing begins with, and those that it once broke something with, through the same functions.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fuzz/probes.rs"]
mod probes;

use std::path::Path;

type Probe = fn(&[u8]);

const PROBES: [(&str, Probe); 7] = [
    ("conninfo", probes::conninfo),
    ("datasource", probes::datasource),
    ("listing", probes::listing),
    ("package", probes::package),
    ("params", probes::params),
    ("project", probes::project),
    ("service", probes::service),
];

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.display().to_string(), std::fs::read(path).unwrap())
        })
        .collect();
    seeds.sort();
    seeds
}

#[test]
fn every_target_has_seeds_and_a_probe() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut targets: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    targets.sort();
    assert_eq!(targets, PROBES.map(|(target, _)| target));
    for target in targets {
        assert!(seeds(&target).len() > 2, "{target}");
    }
}

#[test]
fn seeds_are_taken_whole_cut_and_changed() {
    for (target, probe) in PROBES {
        for (path, seed) in seeds(target) {
            let run = |bytes: &[u8], how: &str| {
                let done = std::panic::catch_unwind(|| probe(bytes));
                assert!(done.is_ok(), "{path}, {how}");
            };
            run(&seed, "whole");
            // Every length, every byte; fewer of them where a file is written for each.
            let step = match target {
                "package" | "service" | "project" => seed.len() / 60 + 1,
                _ => 1,
            };
            for at in (0..seed.len()).step_by(step) {
                run(&seed[..at], &format!("cut at {at}"));
                for other in [0, b'\'', b'\\', b'"', b'<', b'&', b'%', b'9', b' ', 0xff] {
                    let mut changed = seed.clone();
                    changed[at] = other;
                    run(&changed, &format!("{other:#x} at {at}"));
                }
            }
        }
    }
}
