//! The table of the measures, and its edits.

use postgres::Client;

/// Makes the table, without capture: key, uid, text, number, date, text, geometry.
pub const SCHEMA: &str = "
    CREATE EXTENSION postgis;
    CREATE SCHEMA gis;
    CREATE TABLE gis.tree (
        id serial PRIMARY KEY,
        uid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
        name text, height numeric(8, 2), planted date, remark text, geom geometry(Geometry, 2154)
    )";

/// What the column geom holds, as an expression of the row number n.
pub const POINT: &str = "ST_SetSRID(ST_MakePoint(700000 + n, 6600000 + n % 1000), 2154)";

/// A polygon of 500 vertices.
pub const POLYGON: &str =
    "ST_SetSRID(ST_Buffer(ST_MakePoint(700000 + n, 6600000 + n % 1000), 10 + n % 7, 125), 2154)";

/// Fills it with rows 1 to `rows`.
pub fn fill(rows: u64, geometry: &str) -> String {
    format!(
        "INSERT INTO gis.tree (name, height, planted, remark, geom)
         SELECT 'tree ' || n, (n % 3000) / 100.0, date '2000-01-01' + n % 9000, 'remark about tree number ' || n, {geometry}
         FROM generate_series(1, {rows}) AS n"
    )
}

/// What is edited: two of the seven columns, or the geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    Values,
    Geometry,
}

impl Edited {
    /// The columns.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Values => &["height", "remark"],
            Self::Geometry => &["geom"],
        }
    }

    /// Edits the rows with these ids, in one statement.
    pub fn edit(self, client: &mut Client, first: u64, last: u64, round: usize) {
        let set = match self {
            Self::Values => {
                format!("height = height + 1, remark = 'visited in round {round}, row ' || id")
            }
            Self::Geometry => "geom = ST_Translate(geom, 1, 1)".to_owned(),
        };
        let sql = format!("UPDATE gis.tree SET {set} WHERE id BETWEEN {first} AND {last}");
        assert_eq!(client.execute(&sql, &[]).unwrap(), last - first + 1);
    }
}

/// The state of the disk must not differ from round to round.
pub fn tidy(client: &mut Client) {
    client.batch_execute("VACUUM (ANALYZE) gis.tree").unwrap();
    let log = "SELECT to_regclass('audit.logged_actions') IS NOT NULL";
    if client.query_one(log, &[]).unwrap().get(0) {
        client
            .batch_execute("VACUUM (ANALYZE) audit.logged_actions")
            .unwrap();
    }
    client.batch_execute("CHECKPOINT").unwrap();
}
