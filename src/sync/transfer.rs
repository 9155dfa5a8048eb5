//! Reading both logs, merging them, and staging what each side has to do. Everything streams: no
//! more than two rows of each side are held in memory.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use super::change::{Net, Time};
use super::events::{Changes, Key};
use super::merge::{Side, merge};
use super::participant::Participant;
use super::stage::{Stage, Staged};
use super::tables::Scope;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing, Template};

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
}

/// What became of the captured events of one side: each is staged for the other side, superseded, or
/// lost in a conflict.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Events captured.
    pub captured: u64,
    /// Net changes staged for the other side.
    pub staged: u64,
    /// Net changes of which nothing is left after a conflict.
    pub lost: u64,
}

impl Tally {
    /// Counts one row: its events, and whether its change is staged or lost; else it is superseded.
    fn count(&mut self, events: u64, staged: bool, lost: bool) {
        self.captured += events;
        self.staged += u64::from(staged);
        self.lost += u64::from(lost && !staged);
    }

    /// Events that later ones replaced, or that ask for what the other side has already.
    pub fn superseded(&self) -> u64 {
        self.captured - self.staged - self.lost
    }
}

/// What is new for the other side: a condition on `l`, an event of the log.
pub struct New {
    /// Of the central, for the clone.
    pub central: String,
    /// Of the clone, for the central.
    pub clone: String,
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
    let columns = scope.columns();
    let copy = |condition: &str| {
        Template::new(include_str!("../../sql/sync/changes.sql"))
            .set("tables", scope.values())
            .set("new", condition)
            .sql()
    };
    let read_central = || "Reading the change log of the central";
    let read_clone = || "Reading the change log of the clone";
    let stage_sql = "COPY pg_temp.lizsync_stage FROM STDIN (FORMAT binary)";
    let central_log = from_central
        .copy_out(&copy(&new.central))
        .doing(read_central)?;
    let clone_log = from_clone.copy_out(&copy(&new.clone)).doing(read_clone)?;
    let to_central = central
        .connection
        .copy_in(stage_sql)
        .doing(|| "Staging in the central")?;
    let to_clone = clone
        .connection
        .copy_in(stage_sql)
        .doing(|| "Staging in the clone")?;

    let streams = Streams {
        central: Source::new(central_log, &columns, 0, read_central)?,
        clone: Source::new(clone_log, &columns, clock_offset, read_clone)?,
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
    fn new(
        stream: R,
        columns: &Arc<Vec<BTreeSet<Arc<str>>>>,
        offset: Time,
        doing: fn() -> &'static str,
    ) -> Result<Self> {
        let mut changes = Changes::new(stream, columns.clone(), offset);
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

struct Streams<A, B, C: Write, D: Write> {
    central: Source<A>,
    clone: Source<B>,
    to_central: Stage<C>,
    to_clone: Stage<D>,
    transferred: Transferred,
}

impl<A: Read, B: Read, C: Write, D: Write> Streams<A, B, C, D> {
    fn run(mut self, scope: &Scope, feedback: &Feedback) -> Result<(C, D, Transferred)> {
        let mut rows: u64 = 0;
        let mut table = None;
        loop {
            let keys =
                [&self.central.next, &self.clone.next].map(|n| n.as_ref().map(|(key, _)| *key));
            let Some(key) = keys.into_iter().flatten().min() else {
                break;
            };
            if rows.is_multiple_of(ROWS_BETWEEN_CHECKS) {
                feedback.check()?;
            }
            rows += 1;
            if table != Some(key.0) {
                table = Some(key.0);
                feedback.info(format!(
                    "Reading the changes of {}.",
                    table_name(scope, key)
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
        let central = self.central.take(key)?.unwrap_or_default();
        let clone = self.clone.take(key)?.unwrap_or_default();
        let events = (central.events, clone.events);
        let merged = merge(central.change, clone.change);
        let Streams {
            to_central,
            to_clone,
            transferred,
            ..
        } = self;
        transferred.anything_dropped |= merged.dropped != super::merge::Dropped::Nothing;
        transferred.conflicts += merged.conflicts.len() as u64;
        let lost = |side| {
            merged
                .conflicts
                .iter()
                .any(|conflict| conflict.rejected == side)
        };
        transferred
            .central
            .count(events.0, merged.to_clone.is_some(), lost(Side::Central));
        transferred
            .clone
            .count(events.1, merged.to_central.is_some(), lost(Side::Clone));
        if let Some(change) = &merged.to_central {
            to_central
                .change(key, change)
                .doing(|| "Staging in the central")?;
        }
        let mut stage = || -> io::Result<()> {
            if let Some(change) = &merged.to_clone {
                to_clone.change(key, change)?;
            }
            to_clone.dropped(key, &merged.dropped)?;
            for conflict in &merged.conflicts {
                if let Some(synced) = usize::try_from(key.0)
                    .ok()
                    .and_then(|n| scope.tables.get(n))
                {
                    to_clone.conflict(key, &synced.table, conflict)?;
                }
            }
            Ok(())
        };
        stage().doing(|| "Staging in the clone")
    }
}

fn table_name(scope: &Scope, key: Key) -> String {
    let synced = usize::try_from(key.0)
        .ok()
        .and_then(|number| scope.tables.get(number));
    synced.map_or_else(String::new, |synced| synced.table.plain())
}
