//! One of the two databases of a run: its connection and what it knows of the other.

use std::collections::BTreeSet;

use ::postgres::error::SqlState;
use uuid::Uuid;

use super::merge::Side;
use crate::error::{Error, Result};
use crate::postgres::{Connection, Doing, Template};
use crate::structure::Identity;
use crate::text::{Text, tr};

/// What a database has received from a sender.
#[derive(Debug, Clone)]
pub struct Received {
    /// The sender's snapshot up to which everything was taken.
    pub snapshot: String,
    /// The run that took it.
    pub sync_id: Uuid,
    /// In a clone: the last run of which the central was known to have received something.
    pub acknowledged: Option<Uuid>,
    system_identifier: Option<i64>,
    timeline: Option<i32>,
    highest_event: Option<i64>,
}

/// Where the transaction of a run stands.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Its snapshot.
    pub snapshot: String,
    /// The highest event number given out.
    pub highest_event: i64,
}

/// What a ledger entry says of the run that wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The run.
    pub sync_id: Uuid,
    /// The deployment of the clone.
    pub deployment: Uuid,
    /// See [`Received::acknowledged`].
    pub acknowledged: Option<Uuid>,
}

/// A database that takes part in a run.
pub struct Participant {
    /// Which of the two it is.
    pub side: Side,
    /// The connection that holds the lock and the transaction.
    pub connection: Connection,
    /// Who it is.
    pub identity: Identity,
    /// Its server id.
    pub id: Uuid,
    /// The tables of which the user was told that their triggers run again.
    pub told: BTreeSet<String>,
}

impl Participant {
    /// Begins the transaction of a run. With `locked` tables, writers to them wait until it ends, so
    /// that it cannot collide with them; LOCK takes no snapshot.
    pub fn begin(&mut self, locked: &[String]) -> Result<Moment> {
        let name = self.side;
        let mut sql = "BEGIN ISOLATION LEVEL REPEATABLE READ".to_owned();
        if !locked.is_empty() {
            sql.push_str(&format!(
                "; LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
                locked.join(", ")
            ));
        }
        self.connection
            .batch_execute(&sql)
            .doing(|| tr!("Starting a transaction in the {name}", name))?;
        let row = self
            .connection
            .query_one(include_str!("../../sql/sync/moment.sql"), &[])
            .doing(|| tr!("Taking a snapshot of the {name}", name))?;
        Ok(Moment {
            snapshot: row.get("snapshot"),
            highest_event: row.get("highest_event"),
        })
    }

    /// Commits.
    pub fn commit(&mut self) -> Result<()> {
        let name = self.side;
        self.connection
            .batch_execute("COMMIT")
            .doing(|| tr!("Committing to the {name}", name))
    }

    /// Rolls back, if there is anything to roll back.
    pub fn rollback(&mut self) {
        if let Err(error) = self.connection.batch_execute("ROLLBACK")
            && error.code() != Some(&SqlState::NO_ACTIVE_SQL_TRANSACTION)
        {
            log::debug!("rolling back the {}: {error}", self.side.name());
        }
    }

    /// What it has received from `sender` in this deployment of the clone (what it knows of an earlier
    /// deployment does not count), checked against who the sender is now.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State) when the sender is another database than the one
    /// that the ledger speaks of: its transaction numbers then mean nothing.
    pub fn received_from(
        &mut self,
        sender: &Participant,
        at: &Moment,
        deployment: Uuid,
    ) -> Result<Option<Received>> {
        let name = self.side;
        let row = self
            .connection
            .query_opt(include_str!("../../sql/sync/ledger.sql"), &[&sender.id])
            .doing(|| tr!("Reading the ledger of the {name}", name))?;
        let row = row.filter(|row| row.get::<_, Option<Uuid>>("deployment") == Some(deployment));
        let Some(row) = row else {
            return Ok(None);
        };
        let received = Received {
            snapshot: row.get("snapshot"),
            sync_id: row.get("sync_id"),
            acknowledged: row.get("acknowledged"),
            system_identifier: row.get("system_identifier"),
            timeline: row.get("timeline"),
            highest_event: row.get("highest_event"),
        };
        received.verify(sender)?;
        // What the central has shall tell whether the clone may go by it: see `lineage`.
        if sender.side == Side::Clone {
            received.verify_events(sender, at)?;
        }
        Ok(Some(received))
    }

    /// Records that everything visible at `at` in `sender` has been taken.
    pub fn receive(&mut self, sender: &Participant, at: &Moment, stamp: &Stamp) -> Result<()> {
        let name = self.side;
        let cluster = &sender.identity.cluster;
        self.connection
            .execute(
                include_str!("../../sql/sync/receive.sql"),
                &[
                    &sender.id,
                    &at.snapshot,
                    &stamp.sync_id,
                    &stamp.deployment,
                    &cluster.system_identifier,
                    &cluster.timeline,
                    &at.highest_event,
                    &stamp.acknowledged,
                ],
            )
            .doing(|| tr!("Writing the ledger of the {name}", name))?;
        Ok(())
    }

    /// A template with the schema of hstore of this database filled in.
    pub fn template<'a>(&self, text: &'a str) -> Template<'a> {
        Template::new(text).set("hstore", self.identity.hstore.clone())
    }
}

impl Received {
    /// Whether the sender is on another timeline than it was.
    pub fn moved_from(&self, timeline: i32) -> bool {
        self.timeline.is_some_and(|known| known != timeline)
    }

    fn verify(&self, sender: &Participant) -> Result<()> {
        let cluster = &sender.identity.cluster;
        let differs = |known: Option<i64>, now: i64| known.is_some_and(|known| known != now);
        let moved = self.moved_from(cluster.timeline);
        let (side, place) = (sender.side, sender.connection.describe());
        let what = if differs(self.system_identifier, cluster.system_identifier) {
            tr!(
                "The {side} ({place}) is on another server than at the last run.",
                side,
                place
            )
        } else if moved && sender.side == Side::Clone {
            tr!(
                "The {side} ({place}) was recovered from a backup or failed over to a standby since the last run.",
                side,
                place
            )
        } else if moved && self.timeline > Some(cluster.timeline) {
            let what = tr!(
                "The {side} ({place}) is a former primary: another server has taken its place since the last run.",
                side,
                place
            );
            let way_out = tr!("Give the connection to the server that is the primary now.");
            return Err(stranger(what).hint(way_out));
        } else {
            return Ok(());
        };
        Err(stranger(what).hint(anew(sender.side)))
    }

    /// Whether the sender has all events that it had at the last run.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State) where it has not.
    pub fn verify_events(&self, sender: &Participant, at: &Moment) -> Result<()> {
        let moved = self.moved_from(sender.identity.cluster.timeline);
        if moved
            || self
                .highest_event
                .is_none_or(|known| at.highest_event >= known)
        {
            return Ok(());
        }
        let what = tr!(
            "The {side} ({place}) holds fewer events than at the last run: it was restored from a backup.",
            side = sender.side,
            place = sender.connection.describe()
        );
        Err(stranger(what).hint(anew(sender.side)))
    }
}

/// A sender that is not what it was.
fn stranger(what: Text) -> Error {
    let so = tr!(
        "What the databases know of each other does not hold any more, so nothing was synchronised."
    );
    Error::state(Text::sentences([what, so]))
}

/// How to begin anew with a sender.
fn anew(side: Side) -> Text {
    match side {
        Side::Central => tr!(
            "Package the central database again and deploy the package to the clone; save the clone's edits first."
        ),
        Side::Clone => tr!("Deploy a package to it again; save its edits first."),
    }
}
