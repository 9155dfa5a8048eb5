//! The reference “limit”: the same values moved between two databases that log nothing: binary COPY out,
//! COPY into a temporary table, one UPDATE … FROM, in each direction, over open connections.

use std::io::{BufReader, BufWriter, Write};

use postgres::Client;

use crate::support::Database;
use crate::table::{Edited, SCHEMA, fill, tidy};

const BUFFER: usize = 64 * 1024;

/// Two databases without capture.
pub struct Limit {
    _databases: [Database; 2],
    clients: [Client; 2],
}

impl Limit {
    pub fn new(rows: u64, geometry: &str) -> Self {
        let one = Database::new("bench_limit");
        one.run(&format!("{SCHEMA}; {}", fill(rows, geometry)));
        let other = one.copy("bench_limit");
        let clients = [one.connect(), other.connect()];
        let mut limit = Self {
            _databases: [one, other],
            clients,
        };
        limit.tidy();
        limit
    }

    pub fn tidy(&mut self) {
        self.clients.iter_mut().for_each(tidy);
    }

    /// Edits the rows 1 to n in the one and n + 1 to 2n in the other.
    pub fn edit(&mut self, what: Edited, edits: u64, round: usize) {
        what.edit(&mut self.clients[0], 1, edits, round);
        what.edit(&mut self.clients[1], edits + 1, 2 * edits, round);
    }

    /// Moves these edits in both directions.
    pub fn synchronize(&mut self, what: Edited, edits: u64) {
        let [one, other] = &mut self.clients;
        carry(one, other, what, 1, edits);
        carry(other, one, what, edits + 1, 2 * edits);
    }
}

fn carry(from: &mut Client, to: &mut Client, what: Edited, first: u64, last: u64) {
    let columns = what.columns().join(", ");
    let set: Vec<String> = what
        .columns()
        .iter()
        .map(|c| format!("{c} = m.{c}"))
        .collect();
    let mut transaction = to.transaction().unwrap();
    transaction
        .batch_execute(&format!(
            "CREATE TEMPORARY TABLE moved ON COMMIT DROP AS SELECT uid, {columns} FROM gis.tree WITH NO DATA"
        ))
        .unwrap();
    let copy = format!(
        "COPY (SELECT uid, {columns} FROM gis.tree WHERE id BETWEEN {first} AND {last}) TO STDOUT (FORMAT binary)"
    );
    let mut reader = BufReader::with_capacity(BUFFER, from.copy_out(&copy).unwrap());
    let copy = "COPY moved FROM STDIN (FORMAT binary)";
    let mut writer = BufWriter::with_capacity(BUFFER, transaction.copy_in(copy).unwrap());
    std::io::copy(&mut reader, &mut writer).unwrap();
    writer.flush().unwrap();
    let writer = writer.into_inner().map_err(|error| error.into_error());
    writer.map(|writer| writer.finish().unwrap()).unwrap();
    let update = format!(
        "UPDATE gis.tree AS t SET {} FROM moved AS m WHERE t.uid = m.uid",
        set.join(", ")
    );
    assert_eq!(transaction.execute(&update, &[]).unwrap(), last - first + 1);
    transaction.commit().unwrap();
}
