//! A clone whose clock is wrong: edits are compared by the true time, and users are told.
#![allow(missing_docs)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::pair::{Pair, Place};
use crate::support::server::Server;
use crate::support::{clone_of, messages};

/// The library of the package faketime, under whichever architecture.
fn library() -> PathBuf {
    let found = fs::read_dir("/usr/lib")
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketime.so.1")))
        .chain([PathBuf::from("/usr/lib/faketime/libfaketime.so.1")])
        .find(|path| path.exists());
    found.expect(
        "libfaketime.so.1 is not there: run “make setup”, which installs the package faketime",
    )
}

/// A server whose clock is off by what stands in a file, and changes with it.
struct Shifted {
    server: Server,
    file: tempfile::NamedTempFile,
}

impl Shifted {
    fn start() -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        write(file.path(), "+0s");
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let server = Server::with(vec![
            variable("LD_PRELOAD", &library().to_string_lossy()),
            variable("FAKETIME_TIMESTAMP_FILE", &file.path().to_string_lossy()),
            variable("FAKETIME_NO_CACHE", "1"),
            variable("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]);
        Self { server, file }
    }

    /// Shifts the clock; checks that it really is.
    fn shift(&self, seconds: f64, clone: &Place) {
        write(self.file.path(), &format!("{seconds:+}s"));
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let theirs: f64 = clone
            .value("SELECT extract(epoch FROM clock_timestamp())")
            .parse()
            .unwrap();
        let off = theirs - now.as_secs_f64();
        assert!((off - seconds).abs() < 20.0, "the clock is off by {off} s");
        if seconds.abs() < 1.0 {
            // The answer comes after the question: no more can be said of the other direction.
            assert!(off >= seconds, "the clock is off by {off} s");
        }
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

const TREES: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.tree (code text PRIMARY KEY, first text, last text);
    INSERT INTO gis.tree (code) VALUES ('a'), ('b'), ('c')";

fn set(place: &Place, code: &str, field: &str, value: &str) {
    place.run(&format!(
        "UPDATE gis.tree SET {field} = '{value}' WHERE code = '{code}'"
    ));
}

fn trees(place: &Place) -> Vec<String> {
    place.rows("SELECT code, first, last FROM gis.tree ORDER BY code")
}

const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

fn micros(place: &Place, sql: &str) -> i64 {
    place.value(sql).parse().unwrap()
}

#[test]
fn the_true_time_decides_although_a_clock_is_wrong() {
    let shifted = Shifted::start();
    let central = crate::support::prepared("clock", TREES);
    let other = Place::from(clone_of(&central, "right"));
    let pair = Pair {
        central: central.into(),
        clone: Place::new(&shifted.server.conninfo(), "clone"),
    };
    pair.deploy();
    let right = Pair {
        central: Place::existing(&pair.central),
        clone: other,
    };
    // An hour ahead and behind, and by less than is worth a word. The clock changes between the runs.
    for (turn, (seconds, word)) in [
        (3600.0, "ahead"),
        (-3600.0, "behind"),
        (0.4, ""),
        (-0.4, ""),
    ]
    .into_iter()
    .enumerate()
    {
        shifted.shift(seconds, &pair.clone);
        let value = |text: &str| format!("{text} {turn}");
        let began = micros(&pair.central, NOW);
        // Three fields of one row; the other clone, whose clock is right, edits between and after.
        set(&pair.clone, "a", "first", &value("clone"));
        set(&pair.central, "a", "first", &value("central, later"));
        set(&pair.central, "a", "last", &value("central"));
        set(&pair.clone, "a", "last", &value("clone, later"));
        set(&right.clone, "b", "first", &value("right"));
        set(&pair.clone, "b", "first", &value("wrong, later"));
        set(&pair.clone, "b", "last", &value("wrong"));
        set(&right.clone, "b", "last", &value("right, later"));
        pair.clone.run(&format!(
            "INSERT INTO gis.tree (code) VALUES ('new {turn}')"
        ));
        let ended = micros(&pair.central, NOW);

        let said = messages("synchronize_database", pair.parameters());
        let clock: Vec<&String> = said.iter().filter(|text| text.contains("clock")).collect();
        if word.is_empty() {
            assert!(clock.is_empty(), "{said:?}");
        } else {
            assert_eq!(clock.len(), 1, "{said:?}");
            assert!(
                clock[0].contains(word) && clock[0].contains("3600"),
                "{clock:?}"
            );
        }
        right.synchronize().unwrap();
        pair.synchronize().unwrap();
        let rows = trees(&pair.central);
        assert_eq!(
            rows[..2],
            [
                format!("a|{}|{}", value("central, later"), value("clone, later")),
                format!("b|{}|{}", value("wrong, later"), value("right, later")),
            ],
            "{seconds}"
        );
        assert_eq!(trees(&pair.clone), rows);
        assert_eq!(trees(&right.clone), rows);

        // What the central passes on, and records, is by its own clock.
        let tolerance = 50_000;
        let times = "SELECT (extract(epoch FROM t) * 1000000)::bigint FROM (
            SELECT edit_time FROM audit.logged_actions WHERE origin IS NOT NULL AND edit_time IS NOT NULL
                AND sync_id IN (SELECT sync_id FROM lizsync.history ORDER BY sync_time DESC LIMIT 3)
            UNION ALL SELECT timestamptz '2000-01-01 UTC' + value::bigint * interval '1 microsecond'
                FROM audit.logged_actions, LATERAL each(field_times) AS f (key, value)
                WHERE sync_id IN (SELECT sync_id FROM lizsync.history ORDER BY sync_time DESC LIMIT 3)
            UNION ALL SELECT clone_event_timestamp FROM lizsync.conflicts
                WHERE sync_id IN (SELECT sync_id FROM lizsync.history ORDER BY sync_time DESC LIMIT 3)) AS all_times (t)";
        let times = pair.central.rows(times);
        assert!(times.len() >= 5, "{times:?}");
        for time in times {
            let time: i64 = time.parse().unwrap();
            assert!(
                (began - tolerance..=ended + tolerance).contains(&time),
                "{seconds}: {time} is not between {began} and {ended}"
            );
        }
    }
    let conflicts = "SELECT count(*), count(DISTINCT conflict_uid) FROM lizsync.conflicts";
    assert_eq!(pair.central.value(conflicts), "16|16", "four in each turn");
    drop(right);
}
