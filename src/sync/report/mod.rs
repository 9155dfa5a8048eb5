//! What a run gathers for its report. All is read after both databases have committed what it is about, or on
//! connections of its own: nothing here can keep a run from being done. What cannot be read is missing from
//! the report, which says so.

mod chart;
mod names;
mod places;
mod rows;
mod sample;
mod spatial;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::Local;
use uuid::Uuid;

use super::apply::Applied;
use super::change::Time;
use super::finish::Written;
use super::merge::Side;
use super::participant::Participant;
use super::receipt::{Receipt, count};
use super::run::Run;
use super::scope::Scope;
use super::stage::Staged;
use super::transfer::Transferred;
use crate::error::Result;
use crate::postgres::Doing;
use crate::report::{
    self, Account, Action, Changed, Conflict, Counts, Gap, Moment, Report, Server,
};
use crate::text::tr;
pub(super) use places::Doomed;
use places::Places;
pub(super) use sample::Sample;

/// A report is not worth waiting long for somebody who keeps a table locked.
const PATIENCE: &str = "SET lock_timeout = '2s'; SET statement_timeout = '20s'";

/// As every session begins.
const ENDLESS: &str = "SET lock_timeout = 0; SET statement_timeout = 0";

/// What the passes of a run leave for its report.
pub(super) struct Gathered {
    started: Instant,
    began: Moment,
    /// Changed in the central and in the clone, by the name of the table.
    counts: BTreeMap<String, [Changed; 2]>,
    conflicts: Vec<Conflict>,
    places: Places,
    /// What the clone's clock is behind.
    offset: Time,
    gaps: BTreeSet<Gap>,
    /// The tables of the last pass that did something.
    scope: Option<Scope>,
}

impl Gathered {
    /// Nothing yet; the run begins now.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            began: Local::now().fixed_offset(),
            counts: BTreeMap::new(),
            conflicts: Vec::new(),
            places: Places::default(),
            offset: 0,
            gaps: BTreeSet::new(),
            scope: None,
        }
    }

    /// Goes on without something that could not be read.
    fn note<T>(&mut self, gap: Gap, found: Result<T>) -> Option<T> {
        found
            .map_err(|error| {
                log::debug!("gathering the report: {error}");
                self.gaps.insert(gap);
            })
            .ok()
    }
}

impl Run<'_> {
    /// Gathers what a pass did that both databases have just committed.
    pub(super) fn gather(&mut self, scope: &Scope, written: &Written, transferred: &Transferred) {
        let Some(mut gathered) = self.report.take() else {
            return;
        };
        self.wait_for(PATIENCE);
        let sides = [
            (
                &mut self.central,
                &written.central,
                &transferred.to_central,
                &transferred.doomed[0],
            ),
            (
                &mut self.clone,
                &written.clone,
                &transferred.to_clone,
                &transferred.doomed[1],
            ),
        ];
        for (receiver, applied, staged, doomed) in sides {
            if staged.is_empty() {
                continue;
            }
            let changed = changed(receiver, applied, staged);
            let changed = gathered.note(Gap::Tables, changed).unwrap_or_default();
            for (number, changed) in &changed {
                if let Some(table) = scope.table(*number) {
                    let sum = gathered.counts.entry(table.plain()).or_default();
                    sum[place(receiver.side)].add(*changed);
                }
            }
            let missing = rows::missing(receiver, scope, applied, gathered.conflicts.len());
            let missing = gathered.note(Gap::Conflicts, missing);
            gathered.conflicts.extend(missing.unwrap_or_default());
            let placed = gathered
                .places
                .add(receiver, scope, &changed, doomed.as_ref());
            gathered.note(Gap::Map, placed);
        }
        if transferred.conflicts > 0 {
            let left = report::LISTED.saturating_sub(gathered.conflicts.len());
            let conflicts = rows::conflicts(&mut self.clone, scope, left);
            let conflicts = gathered.note(Gap::Conflicts, conflicts);
            gathered.conflicts.extend(conflicts.unwrap_or_default());
        }
        gathered.scope = Some(scope.clone());
        self.report = Some(gathered);
        self.wait_for(ENDLESS);
    }

    /// The report of the run, where one is wanted.
    pub(super) fn report(&mut self) -> Option<Report> {
        let mut gathered = self.report.take()?;
        self.wait_for(PATIENCE);
        let waiting = match (&gathered.scope, self.outcome.set_aside()) {
            (_, 0) => Ok(Vec::new()),
            (scope, _) => waiting::set_aside(&mut self.central, &mut self.clone, scope.as_ref()),
        };
        let mut waiting = gathered.note(Gap::SetAside, waiting).unwrap_or_default();
        if let Some(scope) = &gathered.scope {
            let of_conflicts = gathered
                .conflicts
                .iter_mut()
                .map(|conflict| &mut conflict.row);
            let rows = of_conflicts.chain(waiting.iter_mut().map(|waiting| &mut waiting.row));
            // Names are a help, no more.
            if let Err(error) =
                names::name(&mut self.central, &mut self.clone, scope, rows.collect())
            {
                log::debug!("gathering the names of rows: {error}");
            }
        }
        let places = std::mem::take(&mut gathered.places);
        let map = places.map(&mut self.central, &mut self.clone, gathered.scope.as_ref());
        let map = gathered.note(Gap::Map, map).flatten();
        let central = server(&mut self.central);
        let clone = server(&mut self.clone);
        self.wait_for(ENDLESS);
        let tables = gathered.counts.into_iter();
        Some(Report {
            version: crate::VERSION.to_owned(),
            run: self.sync_id.to_string(),
            began: gathered.began,
            milliseconds: u64::try_from(gathered.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            central,
            clone,
            clone_behind: gathered.offset,
            tables: tables
                .map(|(table, [in_central, in_clone])| Counts {
                    table,
                    in_clone,
                    in_central,
                })
                .collect(),
            from_central: account(self.outcome.central),
            from_clone: account(self.outcome.clone),
            all_conflicts: self.outcome.conflicts,
            conflicts: gathered.conflicts,
            set_aside: waiting,
            map,
            gaps: gathered.gaps.into_iter().collect(),
        })
    }

    /// Sets how long statements wait for locks, and how long they may take.
    fn wait_for(&mut self, limits: &str) {
        for participant in [&mut self.central, &mut self.clone] {
            // Where that fails, the connection is lost or the run was canceled.
            if let Err(error) = participant.connection.batch_execute(limits) {
                log::debug!("setting time limits: {error}");
            }
        }
    }

    /// Notes what the clone's clock is behind the central's.
    pub(super) fn note_clocks(&mut self, offset: Time) {
        if let Some(gathered) = &mut self.report {
            gathered.offset = offset;
        }
    }
}

/// The place of a side in pairs.
fn place(side: Side) -> usize {
    match side {
        Side::Central => 0,
        Side::Clone => 1,
    }
}

/// The side, as the report knows it.
fn shown(side: Side) -> report::Side {
    match side {
        Side::Central => report::Side::Central,
        Side::Clone => report::Side::Clone,
    }
}

fn account(receipt: Receipt) -> Account {
    Account {
        captured: receipt.captured,
        applied: receipt.applied,
        superseded: receipt.superseded,
        lost: receipt.lost,
        set_aside: receipt.set_aside,
    }
}

/// The number of rows that were changed, by the number of the table.
fn changed(
    receiver: &mut Participant,
    applied: &Applied,
    staged: &Staged,
) -> Result<BTreeMap<usize, Changed>> {
    let doing = || tr!("Counting what was staged");
    let mut changed: BTreeMap<usize, Changed> = BTreeMap::new();
    for (number, deleted) in &applied.deleted {
        changed.entry(*number).or_default().deleted = *deleted;
    }
    if staged.values().any(|amount| amount.upserts > 0) {
        let sql = include_str!("../../../sql/report/counts.sql");
        for row in receiver.connection.query(sql, &[]).doing(doing)? {
            let number = usize::try_from(row.get::<_, i32>("number")).unwrap_or(usize::MAX);
            let rows = count(row.get("rows"))?;
            let entry = changed.entry(number).or_default();
            match row.get::<_, &str>("op") {
                "I" => entry.inserted = rows,
                _ => entry.updated = rows.saturating_sub(missing(applied, number)),
            }
        }
    }
    changed.retain(|_, changed| changed.all() > 0);
    Ok(changed)
}

/// Updates of rows of a table that were not there.
fn missing(applied: &Applied, number: usize) -> u64 {
    applied
        .missing_rows
        .get(&number)
        .copied()
        .unwrap_or_default()
}

fn server(participant: &mut Participant) -> Server {
    let id: Uuid = participant.id;
    let sql = include_str!("../../../sql/report/clock.sql");
    let found = participant.connection.query_one(sql, &[]);
    if let Err(error) = &found {
        log::debug!(
            "reading the clock of the {}: {error}",
            participant.side.name()
        );
    }
    let found = found.ok();
    Server {
        name: participant.connection.describe().clone(),
        id: id.to_string(),
        version: found
            .as_ref()
            .map_or_else(String::new, |row| row.get("version")),
        clock: found.and_then(|row| moment(row.get("clock"))),
    }
}

/// A moment of PostgreSQL in the local time of this computer; None where it is beyond all calendars.
fn moment(time: Time) -> Option<Moment> {
    /// Microseconds from 1970 to 2000.
    const EPOCH: i64 = 946_684_800_000_000;
    let utc = chrono::DateTime::from_timestamp_micros(time.checked_add(EPOCH)?)?;
    Some(utc.with_timezone(&Local).fixed_offset())
}

impl Changed {
    fn add(&mut self, more: Changed) {
        self.inserted += more.inserted;
        self.updated += more.updated;
        self.deleted += more.deleted;
    }
}

/// What a staged operation does.
fn action(op: &str) -> Action {
    match op {
        "I" => Action::Insert,
        "D" => Action::Delete,
        _ => Action::Update,
    }
}
