//! Partitioned tables: rows that move, partitions of other layouts and of later times, TRUNCATE.

use super::compare::{converge, pair, travels};
use crate::support::{Database, run, wait_for_lock};

const OBS: &str = "CREATE SCHEMA gis;
    CREATE TABLE gis.kind (code text PRIMARY KEY);
    INSERT INTO gis.kind VALUES ('a'), ('b');
    CREATE TABLE gis.obs (day date NOT NULL, code int NOT NULL, what text, kind text REFERENCES gis.kind ON UPDATE CASCADE, PRIMARY KEY (day, code)) PARTITION BY RANGE (day);
    CREATE TABLE gis.obs_25 PARTITION OF gis.obs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE gis.odd (gone int, kind text, what text, code int NOT NULL, day date NOT NULL);
    ALTER TABLE gis.odd DROP COLUMN gone;
    ALTER TABLE gis.obs ATTACH PARTITION gis.odd FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE TABLE gis.obs_later PARTITION OF gis.obs DEFAULT PARTITION BY LIST (code);
    CREATE TABLE gis.obs_later_1 PARTITION OF gis.obs_later FOR VALUES IN (1);
    CREATE TABLE gis.obs_later_n PARTITION OF gis.obs_later DEFAULT;
    CREATE TABLE gis.spread (name text, n int GENERATED ALWAYS AS (length(name)) STORED) PARTITION BY HASH (name);
    CREATE TABLE gis.spread_0 PARTITION OF gis.spread FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE gis.spread_1 PARTITION OF gis.spread FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE gis.by_function (name text) PARTITION BY LIST (lower(name));
    CREATE TABLE gis.by_function_all PARTITION OF gis.by_function DEFAULT;
    CREATE TABLE gis.photo (day date, code int, file text, FOREIGN KEY (day, code) REFERENCES gis.obs ON UPDATE CASCADE ON DELETE CASCADE)";

#[test]
fn rows_of_partitions_travel_and_move() {
    travels(
        "parts",
        OBS,
        &[
            "INSERT INTO gis.obs VALUES ('2025-01-01', 1, 'x', 'a'), ('2026-01-01', 2, 'y', 'b'), ('2030-01-01', 1, 'z', 'a'), ('2031-01-01', 7, NULL, NULL);
             INSERT INTO gis.spread SELECT 'n' || g FROM generate_series(1, 9) g; INSERT INTO gis.by_function VALUES ('A'), ('b'); INSERT INTO gis.photo VALUES ('2025-01-01', 1, 'f'), ('2031-01-01', 7, 'g')",
            "UPDATE gis.obs SET what = what || '!'; UPDATE gis.spread SET name = name || 'x'; UPDATE gis.by_function SET name = 'C' WHERE name = 'A'",
            "UPDATE gis.obs SET day = day + 400",
            "UPDATE gis.obs SET day = day - 400, code = code + 5, what = 'moved'; UPDATE gis.kind SET code = code || code",
            "INSERT INTO gis.odd (day, code, what) VALUES ('2026-05-05', 1, 'directly'); DELETE FROM gis.obs_25; UPDATE gis.obs SET uid = md5(random()::text)::uuid WHERE day < '2030-01-01'",
            "INSERT INTO gis.obs VALUES ('2026-05-05', 1, 'again', 'aa'), ('2025-02-02', 1, 'new', 'bb') ON CONFLICT (day, code) DO UPDATE SET what = excluded.what || gis.obs.what",
            "DELETE FROM gis.obs WHERE what <> 'new'; DELETE FROM gis.spread WHERE name < 'n5'",
        ],
    );
}

#[test]
fn both_sides_write_into_partitions() {
    let (central, clone) = pair("parts", OBS);
    central
        .run("INSERT INTO gis.obs VALUES ('2025-01-01', 1, 'x', 'a'), ('2026-01-01', 2, 'y', 'b')");
    converge(&central, &clone);
    // The central moves the row, the clone changes another field of it.
    central.run("UPDATE gis.obs SET day = '2030-01-01' WHERE code = 1");
    clone.run("UPDATE gis.obs SET what = 'seen' WHERE code = 1; UPDATE gis.obs SET day = '2025-03-03' WHERE code = 2");
    assert_eq!(converge(&central, &clone)[2], 0);
    assert_eq!(
        central.rows("SELECT day, code, what FROM gis.obs ORDER BY code"),
        ["2030-01-01|1|seen", "2025-03-03|2|y"]
    );
}

#[test]
fn truncating_partitions_travels() {
    travels(
        "truncated",
        OBS,
        &[
            "INSERT INTO gis.obs VALUES ('2025-01-01', 1, 'x'), ('2026-01-01', 2, 'y'), ('2030-01-01', 1, 'z'), ('2031-01-01', 7, 'n')",
            "TRUNCATE gis.obs_25 CASCADE",
            "TRUNCATE gis.obs_later CASCADE",
            "INSERT INTO gis.obs VALUES ('2025-01-01', 1, 'x'), ('2030-01-01', 1, 'z'); INSERT INTO gis.photo VALUES ('2030-01-01', 1, 'f')",
            "TRUNCATE gis.obs CASCADE",
            "INSERT INTO gis.spread VALUES ('a'), ('b'), ('c'), ('d')",
            "TRUNCATE gis.spread, gis.by_function",
        ],
    );
}

const LATER: &str =
    "CREATE TABLE gis.obs_24 PARTITION OF gis.obs FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')";

#[test]
fn truncating_a_partition_that_was_made_later_travels() {
    for from_clone in [true, false] {
        let (central, clone) = pair("later", OBS);
        let [sender, receiver] = if from_clone {
            [&clone, &central]
        } else {
            [&central, &clone]
        };
        for database in [&central, &clone] {
            database.run(LATER);
        }
        sender.run("INSERT INTO gis.obs VALUES ('2024-01-01', 1, 'a'), ('2024-01-01', 2, 'b')");
        converge(&central, &clone);
        sender.run("TRUNCATE gis.obs_24 CASCADE");
        converge(&central, &clone);
        assert_eq!(receiver.value("SELECT count(*) FROM gis.obs"), "0");
        // In one transaction with the first rows, and by COPY.
        sender.run("CREATE TABLE gis.obs_23 PARTITION OF gis.obs FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')");
        receiver.run("CREATE TABLE gis.obs_23 PARTITION OF gis.obs FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')");
        sender.run("BEGIN; INSERT INTO gis.obs VALUES ('2023-01-01', 1, 'a'); TRUNCATE gis.obs_23 CASCADE; COMMIT;
            COPY gis.obs (day, code) FROM PROGRAM 'printf ''2023-05-05\\t9\\n2023-05-06\\t9\\n'''");
        converge(&central, &clone);
        assert_eq!(receiver.value("SELECT count(*) FROM gis.obs"), "2");
        // The receiver never wrote there itself.
        receiver.run("TRUNCATE gis.obs_23 CASCADE");
        converge(&central, &clone);
        assert_eq!(sender.value("SELECT count(*) FROM gis.obs"), "0");
        // Where triggers of mode ORIGIN do not fire, the partitioned table sees to its later partitions.
        receiver.run("INSERT INTO gis.obs (day, code) VALUES ('2023-07-07', 1)");
        converge(&central, &clone);
        receiver.run("SET session_replication_role = replica; TRUNCATE gis.obs CASCADE");
        converge(&central, &clone);
        assert_eq!(sender.value("SELECT count(*) FROM gis.obs"), "0");
        // The preparation finds nothing odd, and puts all triggers into their proper mode.
        run(
            "initialize_central_database",
            serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo()}),
        )
        .unwrap();
        assert_eq!(
            central.value("SELECT count(*) FILTER (WHERE tgenabled = 'A'), count(*) FROM pg_trigger WHERE tgname = 'lizsync_capture_truncate' AND tgrelid::regclass::text ~ 'obs_2[34]'"),
            "2|2"
        );
    }
}

/// Editors of a new partition neither wait for each other nor fail because of the trigger it needs.
#[test]
fn two_sessions_write_into_a_new_partition() {
    let (central, clone) = pair("writers", OBS);
    for database in [&central, &clone] {
        database.run(LATER);
    }
    let (mut one, mut two) = (central.connect(), central.connect());
    let mut first = one.transaction().unwrap();
    first
        .batch_execute("LOCK TABLE gis.obs_24 IN ROW EXCLUSIVE MODE")
        .unwrap();
    let mut second = two.transaction().unwrap();
    second
        .batch_execute("INSERT INTO gis.obs VALUES ('2024-01-01', 1, 'a')")
        .unwrap();
    first
        .batch_execute("INSERT INTO gis.obs VALUES ('2024-01-01', 2, 'b')")
        .unwrap();
    first.commit().unwrap();
    second.commit().unwrap();
    let guarded = |database: &Database| {
        database.value("SELECT count(*) FROM pg_trigger WHERE tgname = 'lizsync_capture_truncate' AND tgrelid = 'gis.obs_24'::regclass")
    };
    assert_eq!(guarded(&central), "0", "neither could add it");
    central.run("UPDATE gis.obs SET what = 'c' WHERE code = 1");
    assert_eq!(guarded(&central), "1");
    converge(&central, &clone);
    // Who adds it keeps others waiting only until the end of that transaction.
    clone.run("DROP TRIGGER lizsync_capture_truncate ON gis.obs_24");
    let (mut one, mut two) = (clone.connect(), clone.connect());
    let mut first = one.transaction().unwrap();
    first
        .batch_execute("UPDATE gis.obs SET what = 'd' WHERE code = 1")
        .unwrap();
    std::thread::scope(|threads| {
        let waiting =
            threads.spawn(|| two.batch_execute("UPDATE gis.obs SET what = 'e' WHERE code = 2"));
        wait_for_lock(&clone.name);
        first.commit().unwrap();
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(guarded(&clone), "1");
    clone.run("TRUNCATE gis.obs_24 CASCADE");
    converge(&central, &clone);
    assert_eq!(central.value("SELECT count(*) FROM gis.obs"), "0");
}
