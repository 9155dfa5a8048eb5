//! What is asked of PostGIS: which tables have places, where rows are, and what reference systems mean.

use std::collections::BTreeMap;

use ::postgres::Row;
use ::postgres::types::ToSql;

use crate::error::Result;
use crate::postgres::{Connection, Doing, Template, quote};
use crate::report::System;
use crate::sync::merge::Side;
use crate::sync::scope::Scope;
use crate::text::tr;

/// A place and its reference system.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed {
    pub(super) srid: i32,
    pub(super) at: [f64; 2],
}

/// A table with a geometry.
#[derive(Debug, Clone)]
pub(super) struct Spatial {
    /// The column, as SQL.
    column: String,
    /// What makes a geometry of it.
    cast: String,
    /// The schema of PostGIS, as SQL.
    pub(super) postgis: String,
    /// How many rows it has, roughly.
    pub(super) rows: f64,
}

/// The tables of these numbers that have a geometry on that side.
pub(super) fn spatial(
    connection: &mut Connection,
    side: Side,
    scope: &Scope,
    numbers: impl Iterator<Item = usize>,
) -> Result<BTreeMap<usize, Spatial>> {
    let oids: BTreeMap<u32, usize> = numbers
        .filter_map(|number| Some((scope.tables.get(number)?.on(side).oid, number)))
        .collect();
    if oids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let list: Vec<u32> = oids.keys().copied().collect();
    let rows = connection
        .query(include_str!("../../../sql/report/spatial.sql"), &[&list])
        .doing(|| tr!("Looking for geometries"))?;
    let tables = rows.iter().filter_map(|row| {
        let postgis: String = row.get("postgis");
        let cast = match row.get("geography") {
            true => format!("::{postgis}.geometry"),
            false => String::new(),
        };
        let table = Spatial {
            column: quote(row.get("name")),
            cast,
            postgis,
            rows: row.get("rows"),
        };
        Some((*oids.get(&row.get("oid"))?, table))
    });
    Ok(tables.collect())
}

impl Spatial {
    /// The query of places of this table: see `places.sql`.
    pub(super) fn query(
        &self,
        rows: &str,
        further: &str,
        condition: &str,
        within: &str,
        most: usize,
    ) -> String {
        Template::new(include_str!("../../../sql/report/places.sql"))
            .set("postgis", self.postgis.as_str())
            .set("column", self.column.as_str())
            .set("cast", self.cast.as_str())
            .set("rows", rows)
            .set("further", further)
            .set("condition", condition)
            .set("within", within)
            .set("most", most.to_string())
            .sql()
    }
}

/// The place in a row; None where there is none that can be shown.
pub(super) fn placed(row: &Row) -> Option<Placed> {
    let at: [Option<f64>; 2] = [row.get("x"), row.get("y")];
    let at = [at[0]?, at[1]?];
    let shown = at.iter().all(|value| value.is_finite());
    shown.then_some(Placed {
        srid: row.get("srid"),
        at,
    })
}

/// PostGIS, in a connection.
pub(super) struct Postgis<'a> {
    pub(super) connection: &'a mut Connection,
    pub(super) schema: String,
}

impl Postgis<'_> {
    fn ask(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Option<Vec<Row>> {
        let sql = Template::new(sql)
            .set("postgis", self.schema.as_str())
            .sql();
        let found = self.connection.query(&sql, parameters);
        if let Err(error) = &found {
            log::debug!("asking PostGIS for the map: {error}");
        }
        found.ok()
    }

    /// Points in another reference system; None where PostGIS knows no way.
    pub(super) fn transform(
        &mut self,
        points: &[[f64; 2]],
        from: i32,
        to: i32,
    ) -> Option<Vec<[f64; 2]>> {
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().map(|[x, y]| (*x, *y)).unzip();
        let sql = include_str!("../../../sql/report/transform.sql");
        let found = self.ask(sql, &[&x, &y, &from, &to])?;
        let points = found.iter().filter_map(|row| {
            let at: [Option<f64>; 2] = [row.get("x"), row.get("y")];
            let at = [at[0]?, at[1]?];
            at.iter().all(|value| value.is_finite()).then_some(at)
        });
        Some(points.collect())
    }

    /// What a reference system is called.
    pub(super) fn system(&mut self, srid: i32) -> System {
        let found = self.ask(include_str!("../../../sql/report/system.sql"), &[&srid]);
        match found.iter().flatten().next() {
            Some(row) => System {
                code: row.get("code"),
                name: row.get("name"),
            },
            None => System {
                code: format!("SRID {srid}"),
                name: String::new(),
            },
        }
    }

    /// Metres for one unit to the right and upwards, in the middle of a box (left, bottom, right, top).
    pub(super) fn metres(
        &mut self,
        [left, bottom, right, top]: [f64; 4],
        srid: i32,
    ) -> Option<[f64; 2]> {
        let (x, y) = (f64::midpoint(left, right), f64::midpoint(bottom, top));
        let step = ((right - left).max(top - bottom) * 0.02).max(0.001);
        let sql = include_str!("../../../sql/report/metres.sql");
        let found = self.ask(sql, &[&x, &y, &step, &srid])?;
        let row = found.first()?;
        let metres: [Option<f64>; 2] = [row.get("beside"), row.get("above")];
        let metres = [metres[0]? / step, metres[1]? / step];
        metres
            .iter()
            .all(|m| m.is_finite() && *m > 0.0)
            .then_some(metres)
    }
}
