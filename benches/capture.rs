//! What the capture of changes costs those who edit.

use postgres::Client;

use crate::measure::{Report, timed};
use crate::support::{Database, prepared};
use crate::table::{POINT, SCHEMA, fill, tidy};

const ROWS: u64 = 20_000;

/// An audited table and one that is not.
struct Tables {
    _databases: [Database; 2],
    clients: [Client; 2],
}

impl Tables {
    fn new() -> Self {
        let audited = prepared("bench_audited", SCHEMA);
        let plain = Database::new("bench_plain");
        plain.run(SCHEMA);
        for database in [&audited, &plain] {
            database.run(&fill(ROWS, POINT));
        }
        let clients = [audited.connect(), plain.connect()];
        Self {
            _databases: [audited, plain],
            clients,
        }
    }

    /// Pairs of milliseconds: audited, and not.
    fn compare(
        &mut self,
        runs: usize,
        mut work: impl FnMut(&mut Client, usize),
    ) -> Vec<(f64, f64)> {
        let mut pairs = Vec::new();
        for round in 0..=runs {
            self.clients.iter_mut().for_each(tidy);
            let [ours, theirs] = &mut self.clients;
            let pair = (timed(|| work(ours, round)), timed(|| work(theirs, round)));
            if round > 0 {
                pairs.push(pair);
            }
        }
        pairs
    }
}

pub fn capture(report: &mut Report) {
    let mut tables = Tables::new();
    let reference = "not audited";
    let pairs = tables.compare(report.runs, |client, round| {
        let sql = format!(
            "UPDATE gis.tree SET height = height + 1, remark = 'round {round}, row ' || id"
        );
        assert_eq!(client.execute(&sql, &[]).unwrap(), ROWS);
    });
    report.ratio(
        "20,000 rows updated in one statement",
        reference,
        pairs,
        3.5,
    );

    let pairs = tables.compare(report.runs, |client, round| {
        client.batch_execute("BEGIN").unwrap();
        for id in 1..=1000 {
            let sql = format!(
                "UPDATE gis.tree SET height = height + 1, remark = 'single {round}' WHERE id = {id}"
            );
            client.batch_execute(&sql).unwrap();
        }
        client.batch_execute("COMMIT").unwrap();
    });
    report.ratio(
        "1,000 single-row updates in one transaction",
        reference,
        pairs,
        6.0,
    );

    let rows = format!(
        "SELECT 'copied ' || n, n / 100.0, date '2001-01-01' + n % 9000, 'remark about row ' || n, {POINT}
         FROM generate_series(1, 100000) AS n"
    );
    let mut data = Vec::new();
    let copy = format!("COPY ({rows}) TO STDOUT");
    std::io::copy(&mut tables.clients[1].copy_out(&copy).unwrap(), &mut data).unwrap();
    let pairs = tables.compare(report.runs, |client, _| {
        let copy = "COPY gis.tree (name, height, planted, remark, geom) FROM STDIN";
        let mut writer = client.copy_in(copy).unwrap();
        std::io::Write::write_all(&mut writer, &data).unwrap();
        assert_eq!(writer.finish().unwrap(), 100_000);
    });
    report.ratio("COPY of 100,000 rows", reference, pairs, 4.0);
}
