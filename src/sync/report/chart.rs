//! The map of a run, from the places that its passes found.

use std::collections::{BTreeMap, BTreeSet};

use super::places::Places;
use super::spatial::{Placed, Postgis, Spatial, placed, spatial};
use crate::error::Result;
use crate::report::{Layer, Map};
use crate::sync::merge::Side;
use crate::sync::participant::Participant;
use crate::sync::scope::Scope;

/// Tables of which features around are shown, how many of each, and from how many rows they are taken.
const AROUND: (usize, u32, f64) = (8, 500, 20_000.0);

impl Places {
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
            map.metres = extent(&map).and_then(|extent| postgis.metres(extent, srid));
        }
        map.around = around(asked, scope, &tables, &map, srid);
        Ok(Some(map))
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
            scope.tables[*number].rows(asked.side)
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
