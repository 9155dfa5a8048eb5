//! Triggers of the user's own. The database where an edit was made has run them, and their effect is
//! in its log: on the other side they must not run again.

use super::participant::Participant;
use super::scope::Synced;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Doing, quote};

/// Disables the user's triggers on a table until [`enable`], within the transaction: whatever
/// happens to it, they are enabled again. Foreign keys go on being checked. Returns whether it did.
pub fn disable(receiver: &mut Participant, synced: &Synced, feedback: &Feedback) -> Result<bool> {
    let local = synced.on(receiver.side);
    if local.triggers.is_empty() {
        return Ok(false);
    }
    if !local.owned {
        feedback.warning(format!(
            "{} has triggers that will run again in the {}, because the role does not own the table: {}.",
            synced.table.plain(),
            receiver.side.name(),
            local.triggers.iter().map(|trigger| trigger.name.as_str()).collect::<Vec<_>>().join(", ")
        ));
        return Ok(false);
    }
    alter(receiver, synced, |_| "DISABLE")?;
    Ok(true)
}

/// Enables them again, each in the mode that it had.
pub fn enable(receiver: &mut Participant, synced: &Synced) -> Result<()> {
    alter(receiver, synced, |always| {
        if always { "ENABLE ALWAYS" } else { "ENABLE" }
    })
}

fn alter(
    receiver: &mut Participant,
    synced: &Synced,
    verb: impl Fn(bool) -> &'static str,
) -> Result<()> {
    let local = synced.on(receiver.side);
    let statements: Vec<String> = local
        .triggers
        .iter()
        .map(|trigger| {
            format!(
                "ALTER TABLE {} {} {} {}",
                trigger.table,
                verb(trigger.always),
                if trigger.rule { "RULE" } else { "TRIGGER" },
                quote(&trigger.name)
            )
        })
        .collect();
    receiver
        .connection
        .batch_execute(&statements.join("; "))
        .doing(|| format!("Switching the triggers of {}", synced.table.plain()))
        .map_err(|error| match error.sqlstate_code() {
            Some("42501") if receiver.identity.cluster.version < 130_000 => error.hint(
                "Before PostgreSQL 13 only a superuser may do that on partitioned tables: create the triggers on the partitions instead, synchronise as a superuser, or upgrade the server.",
            ),
            _ => error,
        })
}
