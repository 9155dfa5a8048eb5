//! Triggers of the user's own. The database where an edit was made has run them, and their effect is
//! in its log: on the other side they must not run again.

use std::collections::BTreeSet;

use super::participant::Participant;
use super::scope::Synced;
use super::tables::{Mode, Trigger};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Doing, quote};
use crate::text::{Text, tr};

/// Disables the user's triggers on a table until [`enable`], within the transaction: whatever
/// happens to it, they are enabled again. Foreign keys go on being checked. Returns whether it did.
pub fn disable(receiver: &mut Participant, synced: &Synced, feedback: &Feedback) -> Result<bool> {
    let local = synced.on(receiver.side);
    let running: BTreeSet<&str> = local
        .triggers
        .iter()
        .filter(|trigger| trigger.runs())
        .map(|trigger| trigger.name.as_str())
        .collect();
    if running.is_empty() {
        return Ok(false);
    }
    if !local.owned {
        let new = receiver.told.insert(synced.table.plain());
        // Once in a run, however many tries it takes.
        if !new {
            return Ok(false);
        }
        feedback.warning(tr!(
            "{table} has triggers that will run again in the {side}, because the role does not own the table: {triggers}.",
            table = synced.table.plain(),
            side = receiver.side,
            triggers = Text::list(running)
        ));
        return Ok(false);
    }
    alter(receiver, synced, |trigger| {
        trigger.runs().then_some("DISABLE")
    })?;
    Ok(true)
}

/// Gives each its mode again.
pub fn enable(receiver: &mut Participant, synced: &Synced) -> Result<()> {
    alter(receiver, synced, |trigger| {
        Some(match trigger.mode {
            Mode::Ordinary => "ENABLE",
            Mode::Always => "ENABLE ALWAYS",
            Mode::Replica => "ENABLE REPLICA",
            Mode::Disabled => "DISABLE",
        })
    })
}

/// Each trigger and each copy of it alone: partitions may have them in other modes. Releases of before
/// November 2022 change the copies with their parent in spite of ONLY; they come after it.
fn alter(
    receiver: &mut Participant,
    synced: &Synced,
    verb: impl Fn(&Trigger) -> Option<&'static str>,
) -> Result<()> {
    let local = synced.on(receiver.side);
    let statements: Vec<String> = local
        .triggers
        .iter()
        .filter_map(|trigger| {
            Some(format!(
                "ALTER TABLE ONLY {} {} {} {}",
                trigger.table,
                verb(trigger)?,
                if trigger.rule { "RULE" } else { "TRIGGER" },
                quote(&trigger.name)
            ))
        })
        .collect();
    receiver
        .connection
        .batch_execute(&statements.join("; "))
        .doing(|| tr!("Switching the triggers of {table}", table = synced.table.plain()))
        .map_err(|error| match error.sqlstate_code() {
            Some("42501") if receiver.identity.cluster.version < 130_000 => error.hint(
                tr!(
                    "Before PostgreSQL 13 only a superuser may do that on partitioned tables: create the triggers on the partitions instead, synchronise as a superuser, or upgrade the server."
                ),
            ),
            _ => error,
        })
}
