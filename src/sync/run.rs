//! A run: the steps of the protocol, and what happens when one of them collides with other work.

use std::collections::BTreeMap;
use std::thread;

use uuid::Uuid;

use super::apply::{Applied, Apply, Found};
use super::aside::BySide;
use super::change::Time;
use super::clock;
use super::finish::Written;
use super::merge::Side;
use super::outcome::Outcome;
use super::participant::{Moment, Participant, Received};
use super::refusal::Refusals;
use super::stage::Staged;
use super::tables::{self, Reference, Scope};
use super::transfer::{New, Transferred, transfer};
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{self, Doing, Template, is_collision, literal};
use crate::secret::Secret;
use crate::structure::{self, Identity};

/// Tries that may collide, and then tries that lock the tables first.
const TRIES: usize = 6;
const FREE_TRIES: usize = 3;

/// Synchronises a clone with its central. `central` and `clone` are connection values, `named` the
/// connections that the caller named.
///
/// # Errors
/// Every kind but transfer and program. Nothing is half applied on a side: what was committed to
/// the clone before a failure is known to its ledger, and the next run goes on from there.
pub fn run(
    central: &str,
    clone: &str,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Outcome> {
    feedback.info("Connecting to the central database and to the clone.");
    let (central, clone) = thread::scope(|threads| {
        let other = threads.spawn(|| postgres::open(clone, named, feedback));
        let one = postgres::open(central, named, feedback);
        let other = other
            .join()
            .map_err(|_| Error::internal("A connection stopped."))?;
        Ok::<_, Error>((one?, other?))
    })?;
    let mut run = Run::prepare(central, clone, feedback)?;
    let mut locked = Vec::new();
    let mut again = false;
    for attempt in 1..=TRIES {
        feedback.check()?;
        let error = match run.attempt(&locked) {
            // What was refused may have waited for something that came after it.
            Ok(Ended::MoreAside) if !again && attempt < TRIES => {
                again = true;
                continue;
            }
            Ok(_) => return Ok(run.done()),
            Err(error) => error,
        };
        run.central.rollback();
        run.clone.rollback();
        if !is_collision(&error) {
            return Err(error);
        }
        if again {
            // All that was there at first is done; what waits is tried again by the next run.
            return Ok(run.done());
        }
        if attempt == TRIES {
            return Err(error);
        }
        feedback.info(format!(
            "Somebody else wrote the same rows ({error}) Trying again."
        ));
        if attempt >= FREE_TRIES {
            locked = run.written.clone();
        }
    }
    Err(Error::internal("A run ended without an outcome."))
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing is left to do.
    Done,
    /// More changes are set aside than before.
    MoreAside,
}

/// What all tries of a run share.
pub(super) struct Run<'a> {
    pub(super) central: Participant,
    pub(super) clone: Participant,
    pub(super) sync_id: Uuid,
    pub(super) deployment: Uuid,
    /// The package that it was deployed from.
    pub(super) package: Uuid,
    /// Literal: the snapshot of the central when the clone was deployed.
    pub(super) deployed_at: String,
    pub(super) outcome: Outcome,
    /// What of it is not in the history of the central yet.
    pub(super) unrecorded: Outcome,
    /// Whether the central has standbys, which may take over without its last commits.
    pub(super) replicated: bool,
    /// Sentences about what the last try had to set aside.
    pub(super) aside: Vec<String>,
    /// The tables that the last try meant to write, as SQL.
    pub(super) written: Vec<String>,
    pub(super) feedback: &'a Feedback,
}

/// What a try knows after it began.
pub(super) struct Begun {
    pub(super) central: Moment,
    pub(super) clone: Moment,
    pub(super) received_by_clone: Received,
    pub(super) received_by_central: Option<Received>,
    /// Whether changes wait, set aside or to be brought back.
    pub(super) stored: bool,
    /// How many were set aside.
    pub(super) waited: u64,
    /// Runs that the central lacks.
    pub(super) missing: Vec<Uuid>,
    /// Whether it had them: then what they brought goes back to it.
    pub(super) lost: bool,
}

impl<'a> Run<'a> {
    /// Says what was set aside; the outcome of the run.
    fn done(&self) -> Outcome {
        self.aside
            .iter()
            .for_each(|text| self.feedback.warning(text));
        self.feedback.progress(100.0);
        self.outcome
    }

    fn prepare(
        mut central: postgres::Connection,
        mut clone: postgres::Connection,
        feedback: &'a Feedback,
    ) -> Result<Self> {
        let cluster = |connection: &mut postgres::Connection| {
            let name = connection.describe().to_owned();
            structure::cluster(&mut **connection)
                .map_err(|error| error.during(format!("The {name}")))
        };
        if cluster(&mut central)? == cluster(&mut clone)? {
            return Err(Error::parameter(format!(
                "CONNECTION_NAME_CENTRAL and CONNECTION_NAME_CLONE are the same database: {}.",
                central.describe()
            ))
            .hint("Give the connection of the central database and that of the clone."));
        }
        let central_identity = structure::require_central(&mut central)?;
        let clone_identity = structure::require_clone(&mut clone)?;
        let participant = |side, connection, identity: Identity| -> Result<Participant> {
            let id = identity.id()?;
            Ok(Participant {
                side,
                connection,
                identity,
                id,
            })
        };
        let mut central = participant(Side::Central, central, central_identity)?;
        let mut clone = participant(Side::Clone, clone, clone_identity)?;
        postgres::lock_clone(&mut central.connection, clone.id, feedback)?;
        postgres::lock_clone(&mut clone.connection, clone.id, feedback)?;

        let row = clone
            .connection
            .query_opt(
                "SELECT deployment, central_snapshot::text, package_id FROM lizsync.deployment WHERE central_id = $1",
                &[&central.id],
            )
            .doing(|| "Reading the deployment of the clone")?;
        let Some(row) = row else {
            return Err(Error::state(format!(
                "The clone ({}) was not deployed from this central ({}).",
                clone.connection.describe(),
                central.connection.describe()
            ))
            .hint("Check the two connections, or deploy a package of this central to the clone."));
        };
        let standbys: bool = central
            .connection
            .query_one("SELECT EXISTS (SELECT FROM pg_stat_replication)", &[])
            .doing(|| "Looking for standbys of the central")?
            .get(0);
        // One that is not connected now may take over all the same.
        let before = "SELECT coalesce((SELECT standbys FROM lizsync.runs ORDER BY number DESC LIMIT 1), false)";
        let before: bool = clone
            .connection
            .query_one(before, &[])
            .doing(|| "Reading the last runs of the clone")?
            .get(0);
        Ok(Self {
            replicated: standbys || before,
            deployment: row.get(0),
            package: row.get(2),
            deployed_at: literal(row.get::<_, &str>(1)),
            central,
            clone,
            sync_id: Uuid::new_v4(),
            outcome: Outcome::default(),
            unrecorded: Outcome::default(),
            aside: Vec::new(),
            written: Vec::new(),
            feedback,
        })
    }

    /// One try: steps 1 to 6.
    fn attempt(&mut self, locked: &[String]) -> Result<Ended> {
        // Each try commits under an id of its own.
        self.sync_id = Uuid::new_v4();
        let mut begun = self.begin(locked)?;
        let taken = begun.received_by_central.as_ref().map(|r| r.sync_id);
        self.prune(taken)?;
        let (waited, sent) = self.waiting(&begun.missing)?;
        begun.waited = waited;
        begun.stored = waited + sent > 0 || begun.lost;
        let new = self.new_events(&begun);
        let anything = begun.stored
            | !begun.missing.is_empty()
            | self.any("central", &new.central)?
            | self.any("clone", &new.clone)?;
        let offset = self.clock_offset()?;
        self.feedback.progress(10.0);
        if anything {
            self.exchange(&begun, &new, offset)
        } else {
            self.finish(&begun, &Written::default(), &Transferred::default(), None)
        }
    }

    fn begin(&mut self, locked: &[String]) -> Result<Begun> {
        let central = self.central.begin(locked)?;
        let clone = self.clone.begin(locked)?;
        let mut received_by_clone = self
            .clone
            .received_from(&self.central, &central, self.deployment)?
            .ok_or_else(|| {
                Error::state("The clone's ledger (lizsync.received) does not know its central.")
                    .hint("Deploy a package to the clone again; save its edits first.")
            })?;
        let received_by_central =
            self.central
                .received_from(&self.clone, &clone, self.deployment)?;
        let (missing, lost) =
            self.find_lost(&mut received_by_clone, received_by_central.as_ref())?;
        Ok(Begun {
            central,
            clone,
            received_by_clone,
            received_by_central,
            stored: false,
            waited: 0,
            missing,
            lost,
        })
    }

    fn new_events(&self, begun: &Begun) -> New {
        let new = |received: Option<&Received>, receiver: Option<Uuid>| {
            let null = || "NULL".to_owned();
            Template::new(include_str!("../../sql/sync/new_events.sql"))
                .set(
                    "since",
                    received.map_or_else(null, |r| literal(&r.snapshot)),
                )
                .set(
                    "receiver",
                    receiver.map_or_else(null, |id| literal(&id.to_string())),
                )
                .set("deployed_at", self.deployed_at.as_str())
                .sql()
        };
        New {
            // What this clone sent came from it, unless it was deployed anew since.
            central: new(Some(&begun.received_by_clone), Some(self.clone.id)),
            clone: new(begun.received_by_central.as_ref(), None),
            stored: begun.stored,
            missing: begun.missing.clone(),
            lost: begun.lost,
            clone_id: self.clone.id,
        }
    }

    fn any(&mut self, side: &str, new: &str) -> Result<bool> {
        let connection = match side {
            "central" => &mut self.central.connection,
            _ => &mut self.clone.connection,
        };
        let sql = format!("SELECT EXISTS (SELECT FROM lizsync.new_tables({new}))");
        Ok(connection
            .query_one(&sql, &[])
            .doing(|| format!("Reading the change log of the {side}"))?
            .get(0))
    }

    /// What to add to the clone's times; a difference that somebody should mend is told.
    fn clock_offset(&mut self) -> Result<Time> {
        let offset = clock::offset(&mut self.central.connection, &mut self.clone.connection)?;
        if offset.abs() > 1_000_000 {
            let seconds = offset as f64 / 1e6;
            self.feedback.warning(format!(
                "The clocks of the two servers differ by {:.1} s (the clone's is {}); edit times are corrected by that.",
                seconds.abs(),
                if offset > 0 { "behind" } else { "ahead" }
            ));
        }
        Ok(offset)
    }

    /// Steps 3 to 6, where there is something to do.
    fn exchange(&mut self, begun: &Begun, new: &New, offset: Time) -> Result<Ended> {
        let schemas = self.schemas()?;
        let central = tables::read(&mut *self.central.connection, &schemas)?;
        let clone = tables::read(&mut *self.clone.connection, &schemas)?;
        let oids = |tables: &BTreeMap<_, tables::Local>| {
            tables.values().map(|t| t.oid).collect::<Vec<_>>()
        };
        let central_references =
            tables::references(&mut *self.central.connection, &oids(&central))?;
        let clone_references = tables::references(&mut *self.clone.connection, &oids(&clone))?;
        let mut scope = Scope::new(central, clone, &central_references, self.feedback);
        self.find_unusable(&mut scope, new, &schemas)?;
        let scope = scope;
        let transferred = transfer(
            &mut self.central,
            &mut self.clone,
            &scope,
            new,
            offset,
            self.feedback,
        )?;
        let numbers = transferred
            .to_clone
            .keys()
            .chain(transferred.to_central.keys());
        self.written = numbers
            .filter_map(|&number| Some(scope.tables.get(number)?.table.to_string()))
            .collect();
        self.written.sort();
        self.written.dedup();
        self.feedback.progress(40.0);

        // Both sides are written before either commits: a failure of one changes neither.
        let mut refusals = BySide {
            central: transferred.refused_by_central.clone(),
            clone: transferred.refused_by_clone.clone(),
        };
        let clone = self.apply(
            Side::Clone,
            &scope,
            &clone_references,
            &transferred.to_clone,
            &mut refusals.clone,
        )?;
        self.feedback.progress(70.0);
        let central = self.apply(
            Side::Central,
            &scope,
            &central_references,
            &transferred.to_central,
            &mut refusals.central,
        )?;
        let written = Written {
            clone,
            central,
            refusals,
        };
        self.finish(begun, &written, &transferred, Some(&scope))
    }

    fn apply(
        &mut self,
        side: Side,
        scope: &Scope,
        references: &[Reference],
        staged: &Staged,
        refusals: &mut Refusals,
    ) -> Result<Applied> {
        if staged.is_empty() {
            return Ok(Applied::default());
        }
        let (clone, sync_id, feedback) = (self.clone.id, self.sync_id, self.feedback);
        let receiver = match side {
            Side::Central => &mut self.central,
            Side::Clone => &mut self.clone,
        };
        Apply {
            receiver,
            scope,
            references,
            clone,
            sync_id,
            feedback,
            refusals,
            found: Found::default(),
        }
        .run(staged)
    }
}
