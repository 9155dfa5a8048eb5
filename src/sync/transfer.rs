//! Reading both logs at the snapshots of the run's transactions, and staging what each side has to do.

use std::collections::BTreeMap;
use std::thread;

use uuid::Uuid;

use super::change::Time;
use super::events::Stored;
use super::lineage;
use super::merge::Side;
use super::participant::Participant;
use super::refusal::BySide;
use super::report::{Doomed, Sample};
use super::scope::Scope;
use super::sides::at_once;
use super::stage::{STAGE, Stage, Staged};
use super::streams::{Shelf, Source, Streams};
use super::unread::Unread;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing, Template, literal};
use crate::structure;
use crate::text::{Text, tr};

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
    /// Why changes cannot be taken, as far as the tables alone tell.
    pub refusals: BySide,
    /// Where rows are that will be deleted, in the central and in the clone, for the report.
    pub doomed: [Option<Doomed>; 2],
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
    pub(super) fn count(&mut self, events: u64, staged: bool, lost: bool) {
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
    /// The tables that this is about, in the central.
    pub in_central: Unread,
    /// Those in the clone.
    pub in_clone: Unread,
    /// Whether the clone keeps changes that were set aside, or that the central has lost.
    pub stored: bool,
    /// The runs that the central lacks.
    pub missing: Vec<Uuid>,
    /// Whether its events since the last run that both know are read once more.
    pub lost: bool,
    /// The clone.
    pub clone_id: Uuid,
    /// The last event that it had in the package of the former plugin.
    pub package_event: Option<i64>,
}

/// Reads, merges and stages.
///
/// Both transactions must have begun. Two more connections read the logs at the snapshots of these
/// transactions, while the staging tables are filled on the connections that will apply them. `report`: whether what
/// was staged stays until it is reported.
pub fn transfer(
    central: &mut Participant,
    clone: &mut Participant,
    scope: &Scope,
    new: &New,
    clock_offset: Time,
    report: bool,
    feedback: &Feedback,
) -> Result<Transferred> {
    let (mut from_central, mut from_clone) = at_once(
        || ready(central, report, feedback),
        || ready(clone, report, feedback),
    )?;
    let mut from_store = match new.stored {
        true => Some(reader(clone, feedback)?),
        false => None,
    };
    let package_event = new
        .package_event
        .map_or_else(|| "NULL".to_owned(), |event| event.to_string());
    let copy = |sender, new: &str| {
        Template::new(include_str!("../../sql/sync/changes.sql"))
            .set("tables", scope.arrays(sender))
            .set("new", new)
            .set("package_event", package_event.as_str())
            .sql()
    };
    let read_central: fn() -> Text = || tr!("Reading the change log of the central");
    let read_clone: fn() -> Text = || tr!("Reading the change log of the clone");
    let read_store: fn() -> Text = || tr!("Reading what was set aside");
    let central_log = from_central
        .copy_out(&copy(Side::Central, &new.central))
        .doing(read_central)?;
    let clone_log = from_clone
        .copy_out(&copy(Side::Clone, &new.clone))
        .doing(read_clone)?;
    let to_central = central
        .connection
        .copy_in(STAGE)
        .doing(|| tr!("Staging in the central"))?;
    let to_clone = clone
        .connection
        .copy_in(STAGE)
        .doing(|| tr!("Staging in the clone"))?;

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
        central: Source::new(central_log, of_central, 0, new.lost, read_central)?,
        clone: Source::new(clone_log, of_clone, clock_offset, false, read_clone)?,
        stored: Shelf::new(stored, read_store)?,
        to_central: Stage::new(to_central).doing(|| tr!("Staging in the central"))?,
        to_clone: Stage::new(to_clone).doing(|| tr!("Staging in the clone"))?,
        transferred: Transferred::default(),
        gone: BTreeMap::new(),
        doomed: report.then(Default::default),
    };
    let (to_central, to_clone, mut transferred, doomed) = streams.run(scope, feedback)?;
    to_central
        .finish()
        .doing(|| tr!("Staging in the central"))?;
    to_clone.finish().doing(|| tr!("Staging in the clone"))?;
    let analyse = |participant: &mut Participant| {
        participant
            .connection
            // Rows are found and grouped by these only.
            .batch_execute("ANALYZE pg_temp.lizsync_stage (number, uid, op, reason)")
            .doing(|| tr!("Analysing the staging table"))
    };
    // These connections still see the rows that will be deleted.
    let [of_central, of_clone] = doomed.unwrap_or_default();
    let look = |mut connection: Connection, side: Side, sample: &Sample| match sample.is_empty() {
        true => None,
        false => Doomed::read(&mut connection, side, scope, sample),
    };
    // A connection takes some milliseconds to end.
    let doomed = thread::scope(|threads| {
        let central_doomed = threads.spawn(|| look(from_central, Side::Central, &of_central));
        let clone_doomed = threads.spawn(|| {
            drop(from_store);
            look(from_clone, Side::Clone, &of_clone)
        });
        at_once(|| analyse(central), || analyse(clone))?;
        // Only the report would lack something.
        Ok::<_, Error>([central_doomed, clone_doomed].map(|looking| looking.join().ok().flatten()))
    })?;
    transferred.doomed = doomed;
    Ok(transferred)
}

/// Makes the staging table of one side; returns the connection that reads its log.
fn ready(participant: &mut Participant, report: bool, feedback: &Feedback) -> Result<Connection> {
    let compression = structure::compression(&mut *participant.connection)?;
    let sql = participant
        .template(include_str!("../../sql/sync/stage.sql"))
        .set("compression", compression)
        .set("end", if report { "PRESERVE ROWS" } else { "DROP" })
        .sql();
    participant
        .connection
        .batch_execute(&sql)
        .doing(|| {
            tr!(
                "Creating a temporary table in the {side} ({connection})",
                side = participant.side,
                connection = participant.connection.describe()
            )
        })
        .map_err(|error| match error.sqlstate_code() {
            Some("42501") => error.hint(tr!(
                "The role needs the right to create temporary tables: GRANT TEMPORARY ON DATABASE … TO …."
            )),
            _ => error,
        })?;
    reader(participant, feedback)
}

/// A second connection that sees what the transaction of `participant` sees.
fn reader(participant: &mut Participant, feedback: &Feedback) -> Result<Connection> {
    let name = participant.side;
    let snapshot: String = participant
        .connection
        .query_one("SELECT pg_export_snapshot()", &[])
        .doing(|| tr!("Exporting a snapshot of the {name}", name))?
        .get(0);
    let mut reader = participant.connection.another(feedback)?;
    let sql = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}",
        crate::postgres::literal(&snapshot)
    );
    reader
        .batch_execute(&sql)
        .doing(|| tr!("Importing a snapshot of the {name}", name))?;
    Ok(reader)
}
