//! Random values of every type, made by PostgreSQL, travel both ways and come out equal in text and in
//! binary, whatever the settings of the sessions that edit. `ROUNDS` says how many histories, `SEED`
//! which is the first.
#![allow(missing_docs)]

mod types;

use std::env;

use crate::kinds::compare::{converge, pair};
use crate::support::Database;
use types::{Column, PREPARE, columns};

/// Settings of editing sessions; `LOCALE` is one of the server's, `ENCODING` one of many.
const SETTINGS: &[(&str, &[&str])] = &[
    (
        "datestyle",
        &[
            "ISO, DMY",
            "SQL, MDY",
            "SQL, DMY",
            "German",
            "Postgres, DMY",
            "Postgres, MDY",
        ],
    ),
    (
        "intervalstyle",
        &["postgres", "postgres_verbose", "sql_standard", "iso_8601"],
    ),
    (
        "timezone",
        &[
            "UTC",
            "Asia/Tokyo",
            "America/St_Johns",
            "Africa/Monrovia",
            "<+0545>-05:45",
            "Europe/Paris",
        ],
    ),
    ("bytea_output", &["hex", "escape"]),
    ("extra_float_digits", &["-15", "0", "1", "3"]),
    ("standard_conforming_strings", &["on", "off"]),
    ("escape_string_warning", &["off"]),
    (
        "client_encoding",
        &[
            "UTF8",
            "LATIN1",
            "WIN1252",
            "EUC_JP",
            "SJIS",
            "KOI8R",
            "SQL_ASCII",
        ],
    ),
    ("xmlbinary", &["base64", "hex"]),
    ("xmloption", &["content", "document"]),
    ("quote_all_identifiers", &["on", "off"]),
    (
        "search_path",
        &["gis", "", "pg_temp, gis, public", "pg_catalog", "made, gis"],
    ),
    ("array_nulls", &["on"]),
    ("jit", &["off"]),
    ("lc_monetary", LOCALES),
    ("lc_numeric", LOCALES),
    ("lc_time", LOCALES),
];
const LOCALES: &[&str] = &["C", "POSIX", "OF THE SERVER"];

struct History {
    columns: Vec<Column>,
    locales: Vec<String>,
    seed: u64,
    step: u64,
}

impl History {
    /// A number below `below`, the same for the same seed and step.
    fn dice(&mut self, below: usize) -> usize {
        self.step += 1;
        let mut state = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ self.step.wrapping_mul(0xD1B5_4A32_D192_ED03);
        state = (state ^ (state >> 32)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((state >> 33) as usize) % below
    }

    /// SQL that makes a session odd; values are made by the server, so no text of another encoding passes.
    fn settings(&mut self) -> String {
        let mut sql = String::new();
        for (name, values) in SETTINGS {
            let mut value = values[self.dice(values.len())].to_owned();
            if value == "OF THE SERVER" {
                let at = self.dice(self.locales.len());
                value = self.locales[at].clone();
            }
            if *name == "search_path" || *name == "timezone" {
                sql.push_str(&format!("SELECT set_config('{name}', '{value}', false);"));
            } else {
                sql.push_str(&format!(
                    "SELECT set_config('{name}', '{}', false);",
                    value.replace('\'', "''")
                ));
            }
        }
        sql
    }

    fn edit(&mut self, database: &Database) {
        let seed = self.dice(1_000_000) as f64 / 1_000_000.0;
        let mut sql = format!("{};SELECT setseed({seed});", self.settings());
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let names = names.join(", ");
        let random = |column: &Column| {
            format!(
                "CASE WHEN random() < 0.1 THEN NULL ELSE {} END",
                column.value()
            )
        };
        let values: Vec<String> = self.columns.iter().map(random).collect();
        sql.push_str(&format!(
            "INSERT INTO gis.t ({names}) SELECT {} FROM generate_series(1, 12);",
            values.join(", ")
        ));
        for _ in 0..8 {
            let column = self.dice(self.columns.len());
            let other = self.dice(self.columns.len());
            let pair =
                |at: usize| format!("{} = {}", self.columns[at].name, random(&self.columns[at]));
            let set = if column == other {
                pair(column)
            } else {
                format!("{}, {}", pair(column), pair(other))
            };
            sql.push_str(&format!("UPDATE gis.t SET {set} WHERE random() < 0.3;"));
        }
        sql.push_str("DELETE FROM gis.t WHERE random() < 0.05");
        database.run(&sql);
    }
}

fn history(seed: u64) {
    println!("seed {seed}: SEED={seed} ROUNDS=1 repeats it");
    let version = Database::new("version").value("SELECT current_setting('server_version_num')");
    let columns = columns(version.parse().unwrap());
    let list: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.kind))
        .collect();
    let (central, clone) = pair(
        "values",
        &format!(
            "{PREPARE} CREATE TABLE gis.t (id serial PRIMARY KEY, {})",
            list.join(", ")
        ),
    );
    let locales = central.rows("SELECT DISTINCT collcollate FROM pg_collation WHERE collprovider = 'c' AND collcollate <> '' AND collencoding IN (-1, 6) ORDER BY 1");
    // First every value that is special of its own, from both sides.
    let most = columns
        .iter()
        .map(|column| column.edges.len())
        .max()
        .unwrap();
    for row in 0..most {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in columns.iter().filter(|column| row < column.edges.len()) {
            names.push(column.name);
            values.push(column.edge(row));
        }
        let insert = format!(
            "INSERT INTO gis.t ({}) VALUES ({})",
            names.join(", "),
            values.join(", ")
        );
        if row % 2 == 0 { &clone } else { &central }.run(&insert);
    }
    let mut history = History {
        columns,
        locales,
        seed,
        step: 0,
    };
    let applied = converge(&central, &clone);
    assert_eq!(applied[0] + applied[1], most as u64);
    for _ in 0..4 {
        history.edit(&clone);
        history.edit(&central);
        let applied = converge(&central, &clone);
        assert!(
            applied[0] > 5 && applied[1] > 5 && applied[4] == 0,
            "seed {seed}: {applied:?}"
        );
    }
    // A fresh value in every column, over what is there, then back to null.
    let all: Vec<String> = history
        .columns
        .iter()
        .map(|column| format!("{} = {}", column.name, column.value()))
        .collect();
    let settings = history.settings();
    clone.run(&format!("{settings} UPDATE gis.t SET {}", all.join(", ")));
    converge(&central, &clone);
    let none: Vec<String> = history
        .columns
        .iter()
        .map(|column| format!("{} = NULL", column.name))
        .collect();
    let settings = history.settings();
    central.run(&format!("{settings} UPDATE gis.t SET {}", none.join(", ")));
    converge(&central, &clone);
}

#[test]
fn random_values_of_every_type_travel() {
    let number = |name: &str, otherwise: u64| {
        env::var(name).map_or(otherwise, |value| value.parse().unwrap())
    };
    let first = number("SEED", 1);
    for seed in first..first + number("ROUNDS", 2) {
        history(seed);
    }
}
