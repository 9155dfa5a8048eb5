//! A run: the steps of the protocol, and what happens when one of them collides with other work.

use std::collections::BTreeMap;
use std::thread;

use uuid::Uuid;

use super::apply::{Applied, Apply, Found};
use super::aside::BySide;
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
    for attempt in 1..=TRIES {
        feedback.check()?;
        let error = match run.attempt(&locked) {
            Ok(()) => {
                feedback.progress(100.0);
                return Ok(run.outcome);
            }
            Err(error) => error,
        };
        run.central.rollback();
        run.clone.rollback();
        if !is_collision(&error) || attempt == TRIES {
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

/// What all tries of a run share.
pub(super) struct Run<'a> {
    pub(super) central: Participant,
    pub(super) clone: Participant,
    pub(super) sync_id: Uuid,
    pub(super) deployment: Uuid,
    /// Literal: the snapshot of the central when the clone was deployed.
    pub(super) deployed_at: String,
    pub(super) outcome: Outcome,
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
    /// Whether changes wait that were set aside.
    pub(super) stored: bool,
}

impl<'a> Run<'a> {
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
                "SELECT deployment, central_snapshot::text FROM lizsync.deployment WHERE central_id = $1",
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
        Ok(Self {
            deployment: row.get(0),
            deployed_at: literal(row.get::<_, &str>(1)),
            central,
            clone,
            sync_id: Uuid::new_v4(),
            outcome: Outcome::default(),
            written: Vec::new(),
            feedback,
        })
    }

    /// One try: steps 1 to 6.
    fn attempt(&mut self, locked: &[String]) -> Result<()> {
        let mut begun = self.begin(locked)?;
        self.recover(&begun)?;
        let taken = begun.received_by_central.as_ref().map(|r| r.sync_id);
        begun.stored = self.recover_aside(taken)?;
        let new = self.new_events(&begun);
        let anything =
            begun.stored | self.any("central", &new.central)? | self.any("clone", &new.clone)?;
        self.feedback.progress(10.0);
        if anything {
            self.exchange(&begun, &new)
        } else {
            self.finish(&begun, &Written::default(), &Transferred::default(), None)
        }
    }

    fn begin(&mut self, locked: &[String]) -> Result<Begun> {
        let central = self.central.begin(locked)?;
        let clone = self.clone.begin(locked)?;
        let received_by_clone = self
            .clone
            .received_from(&self.central, &central, self.deployment)?
            .ok_or_else(|| {
                Error::state("The clone's ledger (lizsync.received) does not know its central.")
                    .hint("Deploy a package to the clone again; save its edits first.")
            })?;
        let received_by_central =
            self.central
                .received_from(&self.clone, &clone, self.deployment)?;
        self.refuse_strangers(&received_by_clone, received_by_central.as_ref())?;
        Ok(Begun {
            central,
            clone,
            received_by_clone,
            received_by_central,
            stored: false,
        })
    }

    /// Step 2: what the central has taken leaves the clone's log.
    fn recover(&mut self, begun: &Begun) -> Result<()> {
        if let Some(received) = &begun.received_by_central {
            self.clone
                .connection
                .execute(
                    "DELETE FROM audit.logged_actions
                     WHERE transaction_id < txid_snapshot_xmax($1::text::txid_snapshot)
                       AND txid_visible_in_snapshot(transaction_id, $1::text::txid_snapshot)",
                    &[&received.snapshot],
                )
                .doing(|| "Clearing the clone's log of what the central has")?;
        }
        Ok(())
    }

    fn new_events(&self, begun: &Begun) -> New {
        let since = |snapshot: &str| {
            Template::new(include_str!("../../sql/sync/new_events.sql"))
                .set("snapshot", literal(snapshot))
                .sql()
        };
        // What this clone sent came from it, unless it was deployed anew since.
        let origin = format!(
            "(l.origin IS DISTINCT FROM '{}' OR txid_visible_in_snapshot(l.transaction_id, {}::txid_snapshot))",
            self.clone.id, self.deployed_at
        );
        let of_clone = begun
            .received_by_central
            .as_ref()
            .map(|received| since(&received.snapshot));
        New {
            central: format!("{} AND {origin}", since(&begun.received_by_clone.snapshot)),
            clone: format!(
                "{} AND l.origin IS NULL",
                of_clone.as_deref().unwrap_or("true")
            ),
            stored: begun.stored,
        }
    }

    fn any(&mut self, side: &str, condition: &str) -> Result<bool> {
        let connection = match side {
            "central" => &mut self.central.connection,
            _ => &mut self.clone.connection,
        };
        let sql =
            format!("SELECT EXISTS (SELECT FROM audit.logged_actions AS l WHERE {condition})");
        Ok(connection
            .query_one(&sql, &[])
            .doing(|| format!("Reading the change log of the {side}"))?
            .get(0))
    }

    /// Steps 3 to 6, where there is something to do.
    fn exchange(&mut self, begun: &Begun, new: &New) -> Result<()> {
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
        let offset = clock::offset(&mut self.central.connection, &mut self.clone.connection)?;
        if offset.abs() > 1_000_000 {
            let seconds = offset as f64 / 1e6;
            self.feedback.warning(format!(
                "The clocks of the two servers differ by {:.1} s (the clone's is {}); edit times are corrected by that.",
                seconds.abs(),
                if offset > 0 { "behind" } else { "ahead" }
            ));
        }
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
