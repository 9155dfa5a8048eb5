//! Where the changed features are.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::sample::Sample;
use super::spatial::{Placed, placed, spatial};
use super::{action, shown};
use crate::error::Result;
use crate::postgres::{Connection, Doing};
use crate::report::{Action, Changed, PLACED, Side as Shown};
use crate::sync::merge::Side;
use crate::sync::participant::Participant;
use crate::sync::scope::Scope;
use crate::text::tr;

/// Where rows were that a pass deletes, some of them.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Doomed {
    rows: Vec<(usize, Uuid, Placed)>,
    /// Whether these are all that have a place.
    all: bool,
}

/// The places that the passes of a run found.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) found: BTreeMap<(String, Shown, Action), Vec<Placed>>,
    pub(super) all: u64,
    /// The numbers of tables that have places.
    pub(super) tables: BTreeSet<usize>,
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
                all: sample.is_whole(),
                rows: Vec::new(),
            };
            let spatial = spatial(connection, side, scope, tables.keys().copied())?;
            // The run waits for this, and may keep locks meanwhile that somebody waits for in front of us.
            connection
                .batch_execute("SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '10s'")
                .doing(|| tr!("Setting time limits"))?;
            for (number, table) in &spatial {
                let rows = scope.tables[*number].rows(side) + " AS t";
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
                synced.rows(receiver.side)
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
}
