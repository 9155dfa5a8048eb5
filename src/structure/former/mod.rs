//! Upgrading the structure of the former plugin, in place: its tables, its log and what it knew stay; its triggers
//! and functions give way to ours.
//!
//! Its log is not rewritten. Who lacks which of its events stands in the events; they are read once by each clone, in
//! its first run after its own upgrade (`sql/structure/access_former.sql`).

mod clones;
mod layout;
mod lock;
mod steps;
mod survey;

use ::postgres::Transaction;

use self::layout::Layout;
use self::survey::Survey;
use super::identity::{self, Installed};
use super::upgrade::unknown;
use crate::VERSION;
use crate::error::{Error, Result};
use crate::feedback::{Feedback, counted};
use crate::postgres::{Connection, Doing};

/// Upgrades a database of the former plugin, a central or a clone, in one transaction; returns the sentence for the
/// user. Without `run_it` it only says what would be done.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) for a version that is not known, a missing piece, or a lock that cannot be
/// had; then nothing has changed.
pub(super) fn upgrade(
    connection: &mut Connection,
    version: &str,
    run_it: bool,
    feedback: &Feedback,
) -> Result<String> {
    let name = connection.describe().to_owned();
    let layout = Layout::of(version).ok_or_else(|| unknown(&name, version))?;
    let survey = Survey::of(&mut **connection, layout, version, &name)?;
    tell(connection, &survey, version, feedback)?;
    survey.refuse_others(&name)?;
    feedback.check()?;
    if !run_it {
        return Ok(format!(
            "Nothing was done. The LizSync tables of {name} would be upgraded from version {version} of the former plugin to {VERSION}: {}.",
            survey.summary()
        ));
    }
    let mut transaction = connection
        .transaction()
        .doing(|| "Starting a transaction")?;
    feedback.info("Locking the tables: whoever edits waits until the upgrade has ended.");
    let tables = to_lock(&mut transaction, &survey)?;
    lock::tables(&mut transaction, &tables, feedback)?;
    // Somebody may have upgraded it meanwhile.
    match identity::inspect(&mut transaction)? {
        Installed::Older(now) if now == version => (),
        _ => {
            return Ok(format!(
                "The LizSync tables of {name} were upgraded by somebody else just now: nothing was done."
            ));
        }
    }
    let survey = Survey::of(&mut transaction, layout, version, &name)?;
    survey.refuse_others(&name)?;
    steps::run(&mut transaction, &survey, version, &name, feedback)?;
    feedback.check()?;
    transaction.commit().doing(|| format!("Upgrading {name}"))?;
    feedback.progress(100.0);
    Ok(format!(
        "The LizSync tables of {name} were upgraded from version {version} of the former plugin to {VERSION}: {}.{}",
        survey.summary(),
        match (survey.is_central(), survey.is_clone()) {
            (true, _) => " Next: upgrade each clone with its own connection, then synchronise it.",
            (_, true) => " Next: synchronise this clone with its upgraded central.",
            _ => " Next: “Prepare the central database”.",
        }
    ))
}

/// Says what was found, and what is done about it.
fn tell(
    connection: &mut Connection,
    survey: &Survey,
    version: &str,
    feedback: &Feedback,
) -> Result<()> {
    let name = connection.describe().to_owned();
    let log = survey.layout.log();
    let events: i64 = connection
        .query_one(&format!("SELECT count(*) FROM {log}"), &[])
        .doing(|| format!("Counting the events of {log}"))?
        .get(0);
    let what = match (survey.is_central(), survey.server_id) {
        (true, _) => "a central database".to_owned(),
        (_, Some(id)) => format!("the clone {id}"),
        _ => "a database without a server id".to_owned(),
    };
    feedback.info(format!(
        "Found LizSync {version} of the former plugin in {name}: {what}, with {} in {log}. They stay as they are.",
        counted(events.unsigned_abs(), "event")
    ));
    if survey.layout.schema == "lizsync" {
        feedback.info("The log moves from the schema lizsync to the schema audit; the lists of tables become lists of schemas with their tables.");
    }
    for relation in &survey.audited {
        let table = relation.table.plain();
        match relation.can_be_captured() {
            true if relation.root != relation.oid => feedback.info(format!(
                "{table} is a partition with audit triggers: its partitioned table gets the new ones."
            )),
            true => feedback.info(format!("{table}: new audit triggers.")),
            false => feedback.warning(format!(
                "{table} loses its audit triggers, and gets no new ones: {}",
                match relation.kind.as_str() {
                    "v" | "m" => "it is a view, and what is edited through it is captured in the tables below, where these are audited.",
                    "f" => "it is a foreign table, whose rows are elsewhere.",
                    _ => "it takes part in inheritance. Use partitions, or separate tables.",
                }
            )),
        }
        if let Some(columns) = &relation.left_out {
            feedback.warning(format!(
                "{table}: changes of these columns were not logged, and are from now on: {columns}."
            ));
        }
    }
    let functions: Vec<&str> = survey.functions.iter().map(|(_, f)| f.as_str()).collect();
    if !functions.is_empty() {
        feedback.info(format!(
            "Functions of the former plugin that go: {}.",
            functions.join(", ")
        ));
    }
    if !survey.kept.is_empty() {
        feedback.warning(format!(
            "Objects in the schemas audit and lizsync that LizSync does not know; they stay: {}.",
            survey.kept.join(", ")
        ));
    }
    if survey.is_central() {
        let clones = clones::of_central(&mut **connection, survey, survey.layout.clones())?;
        clones::tell_clones(&mut **connection, survey, &clones, feedback)?;
    } else if survey.is_clone() {
        let package = clones::package(&mut **connection, survey.server_id, &log)?;
        clones::tell_central(&mut **connection, survey, package.central, feedback)?;
        if survey.foreign_server {
            feedback.info(format!(
                "The foreign server central_server goes, with the password of the central in it{}.",
                match survey.foreign_schemas.as_slice() {
                    [] => String::new(),
                    schemas => format!(", and the schemas of its tables: {}", schemas.join(", ")),
                }
            ));
        }
    }
    Ok(())
}

/// The tables that the upgrade changes: those with triggers first, as whoever edits takes them in this order.
fn to_lock(transaction: &mut Transaction<'_>, survey: &Survey) -> Result<Vec<(String, u32)>> {
    let mut tables: Vec<(String, u32)> = survey
        .audited
        .iter()
        .filter(|relation| matches!(relation.kind.as_str(), "r" | "p"))
        .map(|relation| (relation.table.to_string(), relation.oid))
        .collect();
    let own = survey.layout.tables();
    let rows = transaction
        .query(
            "SELECT n.name, n.name::regclass::oid FROM unnest($1::text[]) AS n (name)",
            &[&own],
        )
        .doing(|| "Looking for the tables of the former plugin")?;
    tables.extend(rows.iter().map(|row| (row.get(0), row.get(1))));
    Ok(tables)
}

impl Survey {
    /// What is done, in one clause.
    fn summary(&self) -> String {
        let captured = self
            .audited
            .iter()
            .filter(|relation| relation.can_be_captured())
            .count();
        let mut parts = vec![format!(
            "{} with new audit triggers",
            counted(captured as u64, "table")
        )];
        if !self.kept.is_empty() {
            parts.push(format!(
                "{} of users kept",
                counted(self.kept.len() as u64, "object")
            ));
        }
        if self.is_clone() && self.foreign_server {
            parts.push("the foreign server central_server dropped".into());
        }
        parts.join(", ")
    }
}

/// Something of users' that would be dropped or broken.
fn depends(name: &str, what: &[String]) -> Error {
    Error::state(format!(
        "In {name}, objects of users depend on what the former plugin leaves: {}.",
        what.join(", ")
    ))
    .hint("Nothing was changed. Drop them, or make them anew after the upgrade.")
}
