//! The beginning of a run and of each of its tries: who the two are, what each has of the other, and
//! what is new.

use std::collections::BTreeSet;

use ::postgres::Row;
use uuid::Uuid;

use super::change::Time;
use super::clock;
use super::former;
use super::lineage;
use super::merge::Side;
use super::outcome::Outcome;
use super::participant::{Moment, Participant, Received};
use super::run::Run;
use super::sides::at_once;
use super::transfer::New;
use super::unread::Unread;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{self, Doing, Template, literal};
use crate::structure::{self, Cluster, Identity};
use crate::text::{Text, tr};

/// What a try knows after it began.
pub(super) struct Begun {
    pub(super) central: Moment,
    pub(super) clone: Moment,
    pub(super) received_by_clone: Received,
    pub(super) received_by_central: Option<Received>,
    /// The last run that the central has, where the clone may forget those before it.
    pub(super) taken: Option<Uuid>,
    /// Runs that the central lacks.
    pub(super) missing: Vec<Uuid>,
    /// Whether it had them: then what they brought goes back to it.
    pub(super) lost: bool,
    /// How many changes are set aside.
    pub(super) waited: u64,
    /// Whether the clone keeps more than its log for this run: changes that are set aside, or that
    /// runs which the central lacks had sent or pulled.
    pub(super) stored: bool,
}

impl<'a> Run<'a> {
    /// Checks that the two belong together, and locks the clone against other runs.
    pub(super) fn prepare(
        mut central: postgres::Connection,
        mut clone: postgres::Connection,
        feedback: &'a Feedback,
    ) -> Result<Self> {
        let ((central_cluster, central_identity), (clone_cluster, clone_identity)) = at_once(
            || identify(&mut central, structure::require_central),
            || identify(&mut clone, structure::require_clone),
        )?;
        if central_cluster == clone_cluster {
            return Err(Error::parameter(tr!(
                "CONNECTION_NAME_CENTRAL and CONNECTION_NAME_CLONE are the same database: {central}.",
                central = central.describe()
            ))
            .hint(tr!("Give the connection of the central database and that of the clone.")));
        }
        let (central_identity, clone_identity) = (central_identity?, clone_identity?);
        let participant = |side, connection, identity: Identity| -> Result<Participant> {
            let id = identity.id()?;
            Ok(Participant {
                side,
                connection,
                identity,
                id,
                told: BTreeSet::new(),
            })
        };
        let mut central = participant(Side::Central, central, central_identity)?;
        let mut clone = participant(Side::Clone, clone, clone_identity)?;
        // In this order in every run: else two runs could wait for each other.
        postgres::lock_clone(&mut central.connection, clone.id, feedback)?;
        postgres::lock_clone(&mut clone.connection, clone.id, feedback)?;

        let mut row = deployment(&mut clone, central.id)?;
        if row.is_none() && former::adopt(&mut central, &mut clone)? {
            row = deployment(&mut clone, central.id)?;
        }
        let Some(row) = row else {
            return Err(Error::state(tr!(
                "The clone ({clone}) was not deployed from this central ({central}).",
                clone = clone.connection.describe(),
                central = central.connection.describe()
            ))
            .hint(tr!(
                "Check the two connections, or deploy a package of this central to the clone."
            )));
        };
        let deployment: Uuid = row.get(0);
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_replication), lizsync.superseded($1, $2)";
        let of_central = central
            .connection
            .query_one(sql, &[&clone.id, &deployment])
            .doing(|| tr!("Reading what the central knows of the clone"))?;
        if of_central.get(1) {
            return Err(lineage::superseded(&central, &clone));
        }
        let standbys: bool = of_central.get(0);
        Ok(Self {
            // One that is not connected now may take over all the same.
            replicated: standbys || row.get::<_, bool>(3),
            deployment,
            package: row.get(2),
            upgraded: row.get(4),
            package_event: row.get(5),
            deployed_at: literal(row.get::<_, &str>(1)),
            central,
            clone,
            sync_id: Uuid::new_v4(),
            outcome: Outcome::default(),
            unrecorded: Outcome::default(),
            aside: Vec::new(),
            written: Vec::new(),
            committed: false,
            unlike: BTreeSet::new(),
            report: None,
            feedback,
        })
    }

    /// Begins both transactions; finds out what each side has of the other, and what waits.
    pub(super) fn begin(&mut self, locked: &[String]) -> Result<Begun> {
        let (central, clone) = at_once(|| self.central.begin(locked), || self.clone.begin(locked))?;
        let mut received_by_clone = self
            .clone
            .received_from(&self.central, &central, self.deployment)?
            .ok_or_else(|| {
                Error::state(tr!(
                    "The clone's ledger (lizsync.received) does not know its central."
                ))
                .hint(tr!(
                    "Deploy a package to the clone again; save its edits first."
                ))
            })?;
        let mut received_by_central =
            self.central
                .received_from(&self.clone, &clone, self.deployment)?;
        if let Some(received) = &mut received_by_central {
            self.check_memory(received)?;
        }
        let (missing, lost) = self.find_lost(
            &mut received_by_clone,
            received_by_central.as_ref(),
            &central,
        )?;
        let waited = self.waiting()?;
        Ok(Begun {
            central,
            clone,
            waited,
            stored: waited > 0 || !missing.is_empty(),
            // A second pass of one run must not make the clone forget the run before.
            taken: received_by_central
                .as_ref()
                .map(|r| r.sync_id)
                .filter(|_| !self.committed),
            received_by_clone,
            received_by_central,
            missing,
            lost,
        })
    }

    /// The ledger of the central says which run it has; what that run had read of the clone, the clone
    /// knows itself, so that nobody who may write the ledger can hide edits of this clone.
    fn check_memory(&mut self, received: &mut Received) -> Result<()> {
        let sql = "SELECT clone_snapshot::text FROM lizsync.runs WHERE sync_id = $1";
        let row = self
            .clone
            .connection
            .query_opt(sql, &[&received.sync_id])
            .doing(|| tr!("Reading the last runs of the clone"))?;
        if let Some(row) = row {
            let own: String = row.get(0);
            if own != received.snapshot {
                self.feedback.warning(tr!(
                    "The ledger of the central (lizsync.received) has been changed: it does not say what this clone's last run had read. The clone goes by its own memory."
                ));
                received.snapshot = own;
            }
        }
        Ok(())
    }

    /// What is new on each side.
    pub(super) fn new_events(&mut self, begun: &Begun) -> Result<New> {
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
        // What this clone sent came from it, unless it was deployed anew since.
        let of_central = new(Some(&begun.received_by_clone), Some(self.clone.id));
        let of_clone = new(begun.received_by_central.as_ref(), None);
        let package_event = self.package_event;
        let (central, clone) = (&mut self.central, &mut self.clone);
        let (in_central, in_clone) = at_once(
            || Unread::of(central, &of_central, package_event),
            || Unread::of(clone, &of_clone, None),
        )?;
        Ok(New {
            central: of_central,
            clone: of_clone,
            in_central,
            in_clone,
            stored: begun.stored,
            missing: begun.missing.clone(),
            lost: begun.lost,
            clone_id: self.clone.id,
            package_event,
        })
    }

    /// What to add to the clone's times; a difference that somebody should mend is told.
    pub(super) fn clock_offset(&mut self) -> Result<Time> {
        let offset = clock::offset(&mut self.central.connection, &mut self.clone.connection)?;
        if offset.abs() > 1_000_000 {
            let seconds = offset as f64 / 1e6;
            let seconds = Text::decimal(seconds.abs());
            self.feedback.warning(match offset > 0 {
                true => tr!(
                    "The clocks of the two servers differ by {seconds} s (the clone's is behind); edit times are corrected by that.",
                    seconds
                ),
                false => tr!(
                    "The clocks of the two servers differ by {seconds} s (the clone's is ahead); edit times are corrected by that.",
                    seconds
                ),
            });
        }
        Ok(offset)
    }
}

/// What a clone knows of the package of that central that it was made from.
fn deployment(clone: &mut Participant, central: Uuid) -> Result<Option<Row>> {
    clone
        .connection
        .query_opt(include_str!("../../sql/sync/deployment.sql"), &[&central])
        .doing(|| tr!("Reading the deployment of the clone"))
}

/// Who a database is: the server, and who it must be.
fn identify(
    connection: &mut postgres::Connection,
    require: fn(&mut postgres::Connection) -> Result<Identity>,
) -> Result<(Cluster, Result<Identity>)> {
    let identity = require(connection);
    let cluster = match &identity {
        Ok(identity) => identity.cluster,
        Err(_) => {
            let name = connection.describe().to_owned();
            structure::cluster(&mut **connection)
                .map_err(|error| error.during(tr!("The {name}", name)))?
        }
    };
    Ok((cluster, identity))
}
