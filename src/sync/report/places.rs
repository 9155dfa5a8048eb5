//! Where the changed features are.

use std::collections::{BTreeMap, BTreeSet};

use ::postgres::Row;
use uuid::Uuid;

use super::{action, shown};
use crate::error::Result;
use crate::postgres::{Connection, Doing, Template, quote};
use crate::report::{Action, Changed, Layer, Map, PLACED, Side as Shown, System};
use crate::sync::merge::Side;
use crate::sync::participant::Participant;
use crate::sync::scope::Scope;
use crate::text::tr;

/// Tables of which features around are shown, how many of each, and from how many rows they are taken.
const AROUND: (usize, u32, f64) = (8, 500, 20_000.0);

/// Some of the rows of a stream, spread evenly, and never more than [`PLACED`].
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Sample {
    rows: Vec<(usize, Uuid)>,
    /// One row of how many is kept: two to that power.
    rarity: u32,
}

impl Sample {
    /// Offers a row.
    pub(in crate::sync) fn offer(&mut self, number: usize, uid: Uuid) {
        if !self.takes(uid) {
            return;
        }
        self.rows.push((number, uid));
        while self.rows.len() > PLACED && self.rarity < 60 {
            self.rarity += 1;
            let rows = std::mem::take(&mut self.rows);
            self.rows = rows
                .into_iter()
                .filter(|(_, uid)| self.takes(*uid))
                .collect();
        }
    }

    /// Whether no row was offered.
    pub(in crate::sync) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn takes(&self, uid: Uuid) -> bool {
        // Ids that are counted up differ in their last digits, random ones everywhere.
        let (high, low) = uid.as_u64_pair();
        (high ^ low) & ((1 << self.rarity) - 1) == 0
    }
}

/// Where rows were that a pass deletes, some of them.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Doomed {
    rows: Vec<(usize, Uuid, Placed)>,
    /// Whether these are all that have a place.
    all: bool,
}

/// A place and its reference system.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Placed {
    srid: i32,
    at: [f64; 2],
}

/// A table with a geometry.
#[derive(Debug, Clone)]
struct Spatial {
    /// The column, as SQL.
    column: String,
    /// What makes a geometry of it.
    cast: String,
    /// The schema of PostGIS, as SQL.
    postgis: String,
    /// How many rows it has, roughly.
    rows: f64,
}

/// The places that the passes of a run found.
#[derive(Debug, Default)]
pub(super) struct Places {
    found: BTreeMap<(String, Shown, Action), Vec<Placed>>,
    all: u64,
    /// The numbers of tables that have places.
    tables: BTreeSet<usize>,
}

impl Doomed {
    /// Reads where the rows are, in a transaction that sees them still. What goes wrong costs the places only.
    pub(in crate::sync) fn read(
        connection: &mut Connection,
        side: Side,
        scope: &Scope,
        sample: &Sample,
    ) -> Option<Self> {
        let mut read = || -> Result<Self> {
            let mut tables: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
            for (number, uid) in &sample.rows {
                if *number < scope.tables.len() {
                    tables.entry(*number).or_default().push(*uid);
                }
            }
            let mut doomed = Self {
                all: sample.rarity == 0,
                rows: Vec::new(),
            };
            let spatial = spatial(connection, side, scope, tables.keys().copied())?;
            // The run waits for this, and may keep locks meanwhile that somebody waits for in front of us.
            connection
                .batch_execute("SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s'")
                .doing(|| tr!("Setting time limits"))?;
            for (number, table) in &spatial {
                let rows = scope.tables[*number].table.to_string() + " AS t";
                let sql = table.query(&rows, ", t.uid", "t.uid = ANY ($1)", "true", PLACED);
                let found = connection
                    .query(&sql, &[&tables[number]])
                    .doing(|| tr!("Reading where rows are that will be deleted"))?;
                let found = found.iter();
                doomed
                    .rows
                    .extend(found.filter_map(|row| Some((*number, row.get("uid"), placed(row)?))));
            }
            Ok(doomed)
        };
        let read = read();
        if let Err(error) = &read {
            log::debug!("gathering the report: {error}");
        }
        read.ok()
    }
}

impl Places {
    /// Adds what a pass has changed on one side. `changed`: how many rows, by table.
    pub(super) fn add(
        &mut self,
        receiver: &mut Participant,
        scope: &Scope,
        changed: &BTreeMap<usize, Changed>,
        doomed: Option<&Doomed>,
    ) -> Result<()> {
        let usable = changed
            .keys()
            .copied()
            .filter(|number| *number < scope.tables.len());
        let spatial = spatial(&mut receiver.connection, receiver.side, scope, usable)?;
        self.tables.extend(spatial.keys());
        let written = |number: &usize| {
            let changed = changed.get(number).copied().unwrap_or_default();
            changed.inserted + changed.updated
        };
        let all: u64 = spatial.keys().map(written).sum();
        let step = all.div_ceil(PLACED as u64).max(1);
        for (number, table) in spatial.iter().filter(|(number, _)| written(number) > 0) {
            let synced = &scope.tables[*number];
            let rows = format!(
                "pg_temp.lizsync_stage AS s JOIN {} AS t ON t.uid = s.uid",
                synced.table
            );
            let condition = format!(
                "s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U') AND pg_catalog.mod(pg_catalog.uuid_hash(s.uid)::bigint, {step}) = 0"
            );
            let sql = table.query(&rows, ", s.op::text AS op", &condition, "true", 2 * PLACED);
            let found = receiver.connection.query(&sql, &[]).doing(|| {
                tr!(
                    "Reading where the changed rows of {table} are",
                    table = synced.table.plain()
                )
            })?;
            self.all += match step {
                1 => found.len() as u64,
                _ => written(number),
            };
            for row in &found {
                let key = (
                    synced.table.plain(),
                    shown(receiver.side),
                    action(row.get("op")),
                );
                self.found.entry(key).or_default().extend(placed(row));
            }
        }
        if let Some(doomed) = doomed.filter(|doomed| !doomed.rows.is_empty()) {
            self.add_deleted(receiver, scope, changed, doomed)?;
        }
        Ok(())
    }

    fn add_deleted(
        &mut self,
        receiver: &mut Participant,
        scope: &Scope,
        changed: &BTreeMap<usize, Changed>,
        doomed: &Doomed,
    ) -> Result<()> {
        let refused = receiver
            .connection
            .query(include_str!("../../../sql/report/refused.sql"), &[])
            .doing(|| tr!("Reading which rows could not be deleted"))?;
        let refused: BTreeSet<(i32, Uuid)> =
            refused.iter().map(|row| (row.get(0), row.get(1))).collect();
        let stayed = |number: usize, uid: Uuid| {
            i32::try_from(number).is_ok_and(|number| refused.contains(&(number, uid)))
        };
        let mut tables = BTreeSet::new();
        for (number, uid, placed) in &doomed.rows {
            let Some(synced) = scope.tables.get(*number).filter(|_| !stayed(*number, *uid)) else {
                continue;
            };
            tables.insert(*number);
            let key = (synced.table.plain(), shown(receiver.side), Action::Delete);
            self.found.entry(key).or_default().push(*placed);
            self.all += u64::from(doomed.all);
        }
        if !doomed.all {
            let deleted = |number| changed.get(number).map_or(0, |changed| changed.deleted);
            self.all += tables.iter().map(deleted).sum::<u64>();
        }
        Ok(())
    }

    /// The map of all of it, in one reference system; None where nothing has a place.
    pub(super) fn map(
        self,
        central: &mut Participant,
        clone: &mut Participant,
        scope: Option<&Scope>,
    ) -> Result<Option<Map>> {
        let Some(scope) = scope.filter(|_| self.found.values().any(|places| !places.is_empty()))
        else {
            return Ok(None);
        };
        // Either has PostGIS; the clone, which is nearer, is asked first.
        let mut tables = spatial(
            &mut clone.connection,
            Side::Clone,
            scope,
            self.tables.iter().copied(),
        )?;
        let mut asked = &mut *clone;
        if tables.is_empty() {
            asked = central;
            tables = spatial(
                &mut asked.connection,
                Side::Central,
                scope,
                self.tables.iter().copied(),
            )?;
        }
        let srid = most_frequent(self.found.values().flatten());
        let mut map = Map {
            all: self.all,
            ..Map::default()
        };
        let postgis = tables.values().map(|table| table.postgis.clone()).next();
        let mut postgis = postgis.map(|schema| Postgis {
            connection: &mut asked.connection,
            schema,
        });
        let mut lost: BTreeMap<i32, u64> = BTreeMap::new();
        for ((table, changed, action), places) in self.found {
            let mut points = Vec::new();
            let systems: BTreeSet<i32> = places.iter().map(|placed| placed.srid).collect();
            for other in systems {
                let here: Vec<[f64; 2]> = places
                    .iter()
                    .filter(|p| p.srid == other)
                    .map(|p| p.at)
                    .collect();
                let count = here.len();
                let moved = match (&mut postgis, other == srid) {
                    (_, true) => Some(here),
                    (Some(postgis), false) if other != 0 && srid != 0 => {
                        postgis.transform(&here, other, srid)
                    }
                    _ => None,
                };
                let moved = moved.unwrap_or_default();
                *lost.entry(other).or_default() += (count - moved.len()) as u64;
                points.extend(moved);
            }
            if !points.is_empty() {
                map.layers.push(Layer {
                    table,
                    changed,
                    action,
                    points,
                });
            }
        }
        map.left_out = lost
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(srid, count)| (count, (srid != 0).then(|| format!("EPSG:{srid}"))))
            .collect();
        if let Some(postgis) = postgis.as_mut().filter(|_| srid != 0) {
            map.system = Some(postgis.system(srid));
            map.metres = postgis.metres(&map, srid);
        }
        map.around = around(asked, scope, &tables, &map, srid);
        Ok(Some(map))
    }
}

/// PostGIS, in a connection.
struct Postgis<'a> {
    connection: &'a mut Connection,
    schema: String,
}

impl Postgis<'_> {
    fn ask(
        &mut self,
        sql: &str,
        parameters: &[&(dyn ::postgres::types::ToSql + Sync)],
    ) -> Option<Vec<Row>> {
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
    fn transform(&mut self, points: &[[f64; 2]], from: i32, to: i32) -> Option<Vec<[f64; 2]>> {
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
    fn system(&mut self, srid: i32) -> System {
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

    /// Metres for one unit to the right and upwards, in the middle of the map.
    fn metres(&mut self, map: &Map, srid: i32) -> Option<[f64; 2]> {
        let [left, bottom, right, top] = extent(map)?;
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

/// Where other features are, in the part of the world that the map shows.
fn around(
    asked: &mut Participant,
    scope: &Scope,
    tables: &BTreeMap<usize, Spatial>,
    map: &Map,
    srid: i32,
) -> Vec<[f64; 2]> {
    let Some([left, bottom, right, top]) = extent(map) else {
        return Vec::new();
    };
    let (wide, high) = (right - left, top - bottom);
    let (wide, high) = (wide.max(high / 2.0) * 0.6, high.max(wide / 2.0) * 0.6);
    let within = format!(
        "p.srid = {srid} AND p.x BETWEEN {:e} AND {:e} AND p.y BETWEEN {:e} AND {:e}",
        left - wide,
        right + wide,
        bottom - high,
        top + high
    );
    let (most, each, rows) = AROUND;
    let mut around = Vec::new();
    for (number, table) in tables.iter().take(most) {
        let percent = (100.0 * rows / table.rows.max(1.0)).clamp(0.001, 100.0);
        let from = format!(
            "{} AS t TABLESAMPLE SYSTEM ({percent:.3}) REPEATABLE (1)",
            scope.tables[*number].table
        );
        let sql = table.query(&from, "", "true", &within, each as usize);
        match asked.connection.query(&sql, &[]) {
            Ok(found) => around.extend(found.iter().filter_map(placed).map(|placed| placed.at)),
            Err(error) => log::debug!("reading what is around: {error}"),
        }
    }
    around
}

/// The reference system of most places; unknown ones (0) count only where there are no others.
fn most_frequent<'p>(places: impl Iterator<Item = &'p Placed>) -> i32 {
    let mut counts: BTreeMap<i32, u64> = BTreeMap::new();
    for placed in places {
        *counts.entry(placed.srid).or_default() += 1;
    }
    let best = counts
        .iter()
        .max_by_key(|(srid, count)| (**srid != 0, **count));
    best.map_or(0, |(srid, _)| *srid)
}

/// The box around all points.
fn extent(map: &Map) -> Option<[f64; 4]> {
    let mut points = map.layers.iter().flat_map(|layer| &layer.points);
    let [x, y] = points.next()?;
    Some(
        points.fold([*x, *y, *x, *y], |[left, bottom, right, top], [x, y]| {
            [left.min(*x), bottom.min(*y), right.max(*x), top.max(*y)]
        }),
    )
}

/// The tables of these numbers that have a geometry on that side.
fn spatial(
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
    fn query(
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
fn placed(row: &Row) -> Option<Placed> {
    let at: [Option<f64>; 2] = [row.get("x"), row.get("y")];
    let at = [at[0]?, at[1]?];
    let shown = at.iter().all(|value| value.is_finite());
    shown.then_some(Placed {
        srid: row.get("srid"),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_small_and_spread() {
        let mut sample = Sample::default();
        for number in 0..100_000u128 {
            sample.offer(0, Uuid::from_u128(number));
        }
        assert!(
            (PLACED / 2..=PLACED).contains(&sample.rows.len()),
            "{}",
            sample.rows.len()
        );
        assert!(sample.rows.iter().any(|(_, uid)| uid.as_u128() > 90_000));
        let mut few = Sample::default();
        few.offer(3, Uuid::nil());
        assert_eq!((few.rows.len(), few.rarity), (1, 0));
    }
}
