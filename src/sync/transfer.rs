//! Reading both logs, merging them, and staging what each side has to do. Everything streams: no
//! more than two rows of each side are held in memory.

use std::io::{self, Read, Write};
use std::thread;

use uuid::Uuid;

use super::change::{Change, Event, Net, Time};
use super::events::{Changes, Columns, Key, Owner, Stored};
use super::fold::Fold;
use super::lineage;
use super::merge::{Dropped, Merged, Side, latest_of, merge, take_out_seen};
use super::participant::Participant;
use super::refusal::Refusals;
use super::stage::{STAGE, Stage, Staged};
use super::tables::Scope;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing, Table, Template, literal};

/// How many rows pass between two looks at the cancel flag.
const ROWS_BETWEEN_CHECKS: u64 = 1000;

/// What was read and staged.
#[derive(Debug, Clone, Default)]
pub struct Transferred {
    /// Staged in the clone.
    pub to_clone: Staged,
    /// Staged in the central.
    pub to_central: Staged,
    /// What became of the central's events.
    pub central: Tally,
    /// What became of the clone's events.
    pub clone: Tally,
    /// Whether the clone has to forget some of its own log.
    pub anything_dropped: bool,
    /// Conflicts staged in the clone.
    pub conflicts: u64,
    /// Why the clone cannot take changes.
    pub refused_by_clone: Refusals,
    /// Why the central cannot take changes.
    pub refused_by_central: Refusals,
}

/// What became of the captured events of one side before anything was written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Events captured, and changes that were set aside before.
    pub captured: u64,
    /// Net changes staged for the other side, those that it cannot take among them.
    pub staged: u64,
    /// Events that later ones replaced, or that ask for what the other side has already.
    pub superseded: u64,
    /// Net changes of which nothing is left after a conflict.
    pub lost: u64,
}

impl Tally {
    /// Counts one row: its events, and whether its change is staged, or else lost.
    fn count(&mut self, events: u64, staged: bool, lost: bool) {
        if events == 0 {
            return;
        }
        self.captured += events;
        self.superseded += events - 1;
        match (staged, lost) {
            (true, _) => self.staged += 1,
            (false, true) => self.lost += 1,
            (false, false) => self.superseded += 1,
        }
    }
}

/// What is new for the other side, as `sql/sync/new_events.sql` has it.
pub struct New {
    /// Of the central, for the clone.
    pub central: String,
    /// Of the clone, for the central.
    pub clone: String,
    /// Whether the clone keeps changes that were set aside, or that the central has lost.
    pub stored: bool,
    /// The runs that the central lacks.
    pub missing: Vec<Uuid>,
    /// Whether it had them.
    pub lost: bool,
    /// The clone.
    pub clone_id: Uuid,
}

/// Reads, merges and stages.
///
/// Both transactions must have begun. Two more connections read the logs at the snapshots of these
/// transactions, while the staging tables are filled on the connections that will apply them.
pub fn transfer(
    central: &mut Participant,
    clone: &mut Participant,
    scope: &Scope,
    new: &New,
    clock_offset: Time,
    feedback: &Feedback,
) -> Result<Transferred> {
    for participant in [&mut *central, &mut *clone] {
        let sql = participant
            .template(include_str!("../../sql/sync/stage.sql"))
            .sql();
        participant
            .connection
            .batch_execute(&sql)
            .doing(|| "Creating the staging table")?;
    }
    let (mut from_central, mut from_clone) = thread::scope(|threads| {
        let other = threads.spawn(|| reader(clone, feedback));
        let one = reader(central, feedback);
        let other = other
            .join()
            .map_err(|_| Error::internal("A reader stopped."))?;
        Ok::<_, Error>((one?, other?))
    })?;
    let mut from_store = match new.stored {
        true => Some(reader(clone, feedback)?),
        false => None,
    };
    let copy = |new: &str| {
        Template::new(include_str!("../../sql/sync/changes.sql"))
            .set("tables", scope.arrays())
            .set("new", new)
            .sql()
    };
    let read_central = || "Reading the change log of the central";
    let read_clone = || "Reading the change log of the clone";
    let read_store = || "Reading what was set aside";
    let central_log = from_central
        .copy_out(&copy(&new.central))
        .doing(read_central)?;
    let clone_log = from_clone.copy_out(&copy(&new.clone)).doing(read_clone)?;
    let to_central = central
        .connection
        .copy_in(STAGE)
        .doing(|| "Staging in the central")?;
    let to_clone = clone
        .connection
        .copy_in(STAGE)
        .doing(|| "Staging in the clone")?;

    let columns = [scope.columns(Side::Central), scope.columns(Side::Clone)];
    let stored = match &mut from_store {
        Some(connection) => {
            let sql = Template::new(include_str!("../../sql/sync/set_aside.sql"))
                .set("tables", scope.values())
                .set("clone", literal(&new.clone_id.to_string()))
                .set("missing", lineage::list(&new.missing))
                .set(
                    "lost",
                    lineage::list(if new.lost { &new.missing } else { &[] }),
                )
                .sql();
            let stream = connection.copy_out(&sql).doing(read_store)?;
            Some(Stored::new(stream, columns.clone()))
        }
        None => None,
    };
    let [of_central, of_clone] = columns;
    let streams = Streams {
        central: Source::new(central_log, of_central, 0, read_central)?,
        clone: Source::new(clone_log, of_clone, clock_offset, read_clone)?,
        stored: Shelf::new(stored, read_store)?,
        to_central: Stage::new(to_central).doing(|| "Staging in the central")?,
        to_clone: Stage::new(to_clone).doing(|| "Staging in the clone")?,
        transferred: Transferred::default(),
    };
    let (to_central, to_clone, transferred) = streams.run(scope, feedback)?;
    to_central.finish().doing(|| "Staging in the central")?;
    to_clone.finish().doing(|| "Staging in the clone")?;
    for participant in [central, clone] {
        participant
            .connection
            .batch_execute("ANALYZE pg_temp.lizsync_stage")
            .doing(|| "Analysing the staging table")?;
    }
    Ok(transferred)
}

/// A second connection that sees what the transaction of `participant` sees.
fn reader(participant: &mut Participant, feedback: &Feedback) -> Result<Connection> {
    let name = participant.side.name();
    let snapshot: String = participant
        .connection
        .query_one("SELECT pg_export_snapshot()", &[])
        .doing(|| format!("Exporting a snapshot of the {name}"))?
        .get(0);
    let mut reader = participant.connection.another(feedback)?;
    let sql = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}",
        crate::postgres::literal(&snapshot)
    );
    reader
        .batch_execute(&sql)
        .doing(|| format!("Importing a snapshot of the {name}"))?;
    Ok(reader)
}

/// One of the two sorted streams, with its next row.
struct Source<R> {
    changes: Changes<R>,
    next: Option<(Key, Net)>,
    doing: fn() -> &'static str,
}

impl<R: Read> Source<R> {
    fn new(stream: R, columns: Columns, offset: Time, doing: fn() -> &'static str) -> Result<Self> {
        let mut changes = Changes::new(stream, columns, offset);
        let next = changes.next_net().doing(doing)?;
        Ok(Self {
            changes,
            next,
            doing,
        })
    }

    /// The row at `key`, if it is the next one.
    fn take(&mut self, key: Key) -> Result<Option<Net>> {
        if self.next.as_ref().is_none_or(|(next, _)| *next != key) {
            return Ok(None);
        }
        let following = self.changes.next_net().doing(self.doing)?;
        Ok(std::mem::replace(&mut self.next, following).map(|(_, net)| net))
    }
}

/// What waits in the clone.
struct Shelf<R> {
    stored: Option<Stored<R>>,
    next: Option<(Key, Owner, Event)>,
    doing: fn() -> &'static str,
}

impl<R: Read> Shelf<R> {
    fn new(stored: Option<Stored<R>>, doing: fn() -> &'static str) -> Result<Self> {
        let mut shelf = Self {
            stored,
            next: None,
            doing,
        };
        shelf.advance()?;
        Ok(shelf)
    }

    fn advance(&mut self) -> Result<Option<(Key, Owner, Event)>> {
        let following = match &mut self.stored {
            Some(stored) => stored.next_change().doing(self.doing)?,
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, following))
    }

    /// What waits for the row at `key`.
    fn take(&mut self, key: Key) -> Result<Waiting> {
        let mut waiting = Waiting::default();
        while self.next.as_ref().is_some_and(|(next, _, _)| *next == key) {
            match self.advance()? {
                Some((_, Owner::Central, event)) => waiting.central.push(event),
                Some((_, Owner::Clone, event)) => waiting.clone.push(event),
                Some((_, Owner::Pulled, event)) => waiting.pulled.push(event),
                None => {}
            }
        }
        Ok(waiting)
    }
}

/// What waits for one row.
#[derive(Default)]
struct Waiting {
    central: Fold,
    clone: Fold,
    pulled: Fold,
}

struct Streams<A, B, S, C: Write, D: Write> {
    central: Source<A>,
    clone: Source<B>,
    stored: Shelf<S>,
    to_central: Stage<C>,
    to_clone: Stage<D>,
    transferred: Transferred,
}

impl<A: Read, B: Read, S: Read, C: Write, D: Write> Streams<A, B, S, C, D> {
    fn run(mut self, scope: &Scope, feedback: &Feedback) -> Result<(C, D, Transferred)> {
        let mut rows: u64 = 0;
        let mut table = None;
        loop {
            let keys = [
                self.central.next.as_ref().map(|(key, _)| *key),
                self.clone.next.as_ref().map(|(key, _)| *key),
                self.stored.next.as_ref().map(|(key, _, _)| *key),
            ];
            let Some(key) = keys.into_iter().flatten().min() else {
                break;
            };
            if rows.is_multiple_of(ROWS_BETWEEN_CHECKS) {
                feedback.check()?;
            }
            rows += 1;
            if table != Some(key.0) {
                table = Some(key.0);
                let name = scope.table(number(key)?).map(Table::plain);
                feedback.info(format!(
                    "Reading the changes of {}.",
                    name.unwrap_or_default()
                ));
            }
            self.row(key, scope)?;
        }
        let (to_central, staged) = self
            .to_central
            .finish()
            .doing(|| "Staging in the central")?;
        self.transferred.to_central = staged;
        let (to_clone, staged) = self.to_clone.finish().doing(|| "Staging in the clone")?;
        self.transferred.to_clone = staged;
        Ok((to_central, to_clone, self.transferred))
    }

    /// Merges one row and stages the outcome.
    fn row(&mut self, key: Key, scope: &Scope) -> Result<()> {
        let number = number(key)?;
        let Waiting {
            mut central,
            clone: aside,
            pulled,
        } = self.stored.take(key)?;
        central.then(self.central.take(key)?.unwrap_or_default());
        let (mut central, mut pulled) = (central.finish(), pulled.finish());
        take_out_seen(&mut pulled.change, &mut central.change);
        let mut clone = aside;
        clone.then(self.clone.take(key)?.unwrap_or_default());
        let clone = latest_of(pulled, clone.finish());
        let merged = match scope.tables.get(number) {
            Some(_) => merge(central.change, clone.change),
            // Both are set aside.
            None => Merged {
                to_clone: central.change,
                to_central: clone.change,
                ..Merged::default()
            },
        };
        let Streams {
            to_central,
            to_clone,
            transferred,
            ..
        } = self;
        transferred.anything_dropped |= merged.dropped != Dropped::Nothing;
        transferred.conflicts += merged.conflicts.len() as u64;
        let lost = |side| {
            merged
                .conflicts
                .iter()
                .any(|conflict| conflict.rejected == side)
        };
        transferred.central.count(
            central.events,
            merged.to_clone.is_some(),
            lost(Side::Central),
        );
        transferred
            .clone
            .count(clone.events, merged.to_central.is_some(), lost(Side::Clone));
        let refused = |change: &Change, owner, refusals: &mut Refusals| {
            let refusal = scope.refusal(number, owner, change);
            refusal.map(|refusal| refusals.number(refusal))
        };
        if let Some(change) = &merged.to_central {
            let reason = refused(change, Side::Clone, &mut transferred.refused_by_central);
            to_central
                .change(key, change, reason)
                .doing(|| "Staging in the central")?;
        }
        let mut stage = || -> io::Result<()> {
            if let Some(change) = &merged.to_clone {
                let reason = refused(change, Side::Central, &mut transferred.refused_by_clone);
                to_clone.change(key, change, reason)?;
            }
            to_clone.dropped(key, &merged.dropped)?;
            for conflict in &merged.conflicts {
                if let Some(table) = scope.table(number) {
                    to_clone.conflict(key, table, conflict)?;
                }
            }
            Ok(())
        };
        stage().doing(|| "Staging in the clone")
    }
}

fn number(key: Key) -> Result<usize> {
    usize::try_from(key.0).map_err(|_| Error::internal("A table has a negative number."))
}
