//! Both databases hold the same: every table with a uid, in the text and in the binary form of all
//! columns but generated ones and automatic keys, which the tests call `id`.
#![allow(dead_code)]

use std::io::Read;

use crate::support::{Database, clone_of, counts, prepared, synchronize};

/// Table (as SQL), its columns, and those of them that have a binary form (rasters have none).
fn tables(database: &Database) -> Vec<(String, String, String)> {
    let sql = "SELECT format('%I.%I', n.nspname, c.relname),
            string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FILTER (WHERE a.attname <> 'id' AND a.attgenerated = ''),
            string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname) FILTER (WHERE a.attname <> 'id' AND a.attgenerated = '' AND t.typsend <> 0)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND attnum > 0 AND NOT attisdropped
          AND nspname !~ '^pg_' AND nspname NOT IN ('public', 'audit', 'lizsync', 'information_schema')
        GROUP BY 1 HAVING bool_or(a.attname = 'uid') ORDER BY 1";
    let rows = database.connect().query(sql, &[]).unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

fn copied(database: &Database, table: &str, columns: &str, format: &str) -> Vec<u8> {
    let sql =
        format!("COPY (SELECT {columns} FROM {table} ORDER BY uid) TO STDOUT (FORMAT {format})");
    let mut client = database.connect();
    let mut reader = client
        .copy_out(&sql)
        .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Both hold the same rows in the same form.
pub fn same(one: &Database, other: &Database) {
    let all = tables(one);
    assert_eq!(all, tables(other));
    assert!(!all.is_empty());
    for (table, columns, in_binary) in all {
        let [left, right] = [one, other].map(|database| copied(database, &table, &columns, "text"));
        if left != right {
            let lines = |bytes: &[u8]| -> Vec<String> {
                String::from_utf8_lossy(bytes)
                    .lines()
                    .map(|line| line.chars().take(2000).collect())
                    .collect()
            };
            let (left, right) = (lines(&left), lines(&right));
            let only = |these: &[String], those: &[String]| -> Vec<String> {
                these
                    .iter()
                    .filter(|line| !those.contains(line))
                    .take(5)
                    .cloned()
                    .collect()
            };
            panic!(
                "{table} ({columns}) differs\nonly in {}: {:#?}\nonly in {}: {:#?}",
                one.name,
                only(&left, &right),
                other.name,
                only(&right, &left)
            );
        }
        let [left, right] =
            [one, other].map(|database| copied(database, &table, &in_binary, "binary"));
        assert!(
            left == right,
            "{table} ({columns}): equal as text, not in binary"
        );
    }
}

/// Synchronises; both must be equal, and a further run must find nothing to do. Returns the counts.
pub fn converge(central: &Database, clone: &Database) -> [u64; 5] {
    let counted = counts(&synchronize(central, clone));
    same(central, clone);
    assert_eq!(
        counts(&synchronize(central, clone)),
        [0, 0, 0, 0, 0],
        "an idle run works"
    );
    same(central, clone);
    counted
}

/// A central with a clone.
pub fn pair(label: &str, sql: &str) -> (Database, Database) {
    let central = prepared(label, sql);
    let clone = clone_of(&central, &format!("{label}_clone"));
    (central, clone)
}

/// Makes each edit in a clone and in a central, a run after each; every one must travel, without a conflict.
pub fn travels(label: &str, schema: &str, edits: &[&str]) {
    for from_clone in [true, false] {
        let (central, clone) = pair(label, schema);
        let sender = if from_clone { &clone } else { &central };
        for edit in edits {
            println!("{}: {edit}", sender.name);
            sender.run(edit);
            let [to_clone, to_central, conflicts, _, aside] = converge(&central, &clone);
            let (sent, back) = if from_clone {
                (to_central, to_clone)
            } else {
                (to_clone, to_central)
            };
            assert!(
                sent > 0 && back == 0 && conflicts == 0 && aside == 0,
                "{edit}: {sent}, {back}, {conflicts}, {aside}"
            );
        }
    }
}
