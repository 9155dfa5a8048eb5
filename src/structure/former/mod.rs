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

use self::layout::Layout;
use self::survey::Survey;
use super::identity::{self, Installed};
use super::upgrade::unknown;
use crate::VERSION;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing};
use crate::text::{Text, tr};

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
) -> Result<Text> {
    let name = connection.describe().to_owned();
    let layout = Layout::of(version).ok_or_else(|| unknown(&name, version))?;
    let upgraded = locked_and_upgraded(connection, layout, version, run_it, feedback);
    // Somebody else may have upgraded it meanwhile: then what was looked for is elsewhere.
    match upgraded {
        Err(error) if error.sqlstate_code() == Some(NO_SUCH_TABLE) => {
            match identity::inspect(&mut **connection)? {
                Installed::Ours(_) => Ok(by_somebody_else(&name)),
                _ => Err(error),
            }
        }
        upgraded => upgraded,
    }
}

const NO_SUCH_TABLE: &str = "42P01";

fn by_somebody_else(name: &Text) -> Text {
    tr!(
        "The LizSync tables of {name} were upgraded by somebody else just now: nothing was done.",
        name
    )
}

fn locked_and_upgraded(
    connection: &mut Connection,
    layout: Layout,
    version: &str,
    run_it: bool,
    feedback: &Feedback,
) -> Result<Text> {
    let name = connection.describe().to_owned();
    let survey = Survey::of(&mut **connection, layout, version, &name)?;
    tell(connection, &survey, version, feedback)?;
    survey.refuse_others(&name)?;
    feedback.check()?;
    if !run_it {
        return Ok(tr!(
            "Nothing was done. The LizSync tables of {name} would be upgraded from version {version} of the former plugin to {ours}: {summary}.",
            name,
            version,
            ours = VERSION,
            summary = survey.summary()
        ));
    }
    let mut transaction = connection
        .transaction()
        .doing(|| tr!("Starting a transaction"))?;
    feedback.info(tr!(
        "Locking the tables: whoever edits waits until the upgrade has ended."
    ));
    lock::all(&mut transaction, &survey, feedback)?;
    // Somebody may have upgraded it meanwhile.
    match identity::inspect(&mut transaction)? {
        Installed::Older(now) if now == version => (),
        _ => return Ok(by_somebody_else(&name)),
    }
    let survey = Survey::of(&mut transaction, layout, version, &name)?;
    survey.refuse_others(&name)?;
    steps::run(&mut transaction, &survey, version, &name, feedback)?;
    feedback.check()?;
    transaction
        .commit()
        .doing(|| tr!("Upgrading {name}", name))?;
    feedback.progress(100.0);
    let next = match (survey.is_central(), survey.is_clone()) {
        (true, _) => {
            tr!("Next: upgrade each clone with its own connection, then synchronise it.")
        }
        (_, true) => tr!("Next: synchronise this clone with its upgraded central."),
        _ => tr!("Next: “Prepare the central database”."),
    };
    let done = tr!(
        "The LizSync tables of {name} were upgraded from version {version} of the former plugin to {ours}: {summary}.",
        name,
        version,
        ours = VERSION,
        summary = survey.summary()
    );
    Ok(Text::sentences([done, next]))
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
        .doing(|| tr!("Counting the events of {log}", log))?
        .get(0);
    let what = match (survey.is_central(), survey.server_id) {
        (true, _) => tr!("a central database"),
        (_, Some(id)) => tr!("the clone {id}", id),
        _ => tr!("a database without a server id"),
    };
    feedback.info(tr!(
        "Found LizSync {version} of the former plugin in {name}: {what}, with {n} event in {log}. It stays as it is."
            | "Found LizSync {version} of the former plugin in {name}: {what}, with {n} events in {log}. They stay as they are."
                % events.unsigned_abs(),
        version,
        name,
        what,
        log
    ));
    if survey.layout.schema == "lizsync" {
        feedback.info(tr!("The log moves from the schema lizsync to the schema audit; the lists of tables become lists of schemas with their tables."));
    }
    for relation in &survey.audited {
        let table = relation.table.plain();
        match relation.can_be_captured() {
            true if relation.root != relation.oid => feedback.info(tr!("{table} is a partition with audit triggers: its partitioned table gets the new ones.", table)),
            true => feedback.info(tr!("{table}: new audit triggers.", table)),
            false => {
                let why = match relation.kind.as_str() {
                    "v" | "m" => tr!("it is a view, and what is edited through it is captured in the tables below, where these are audited."),
                    _ => tr!("it is a foreign table, whose rows are elsewhere."),
                };
                feedback.warning(tr!("{table} loses its audit triggers, and gets no new ones: {why}", table, why));
            }
        }
        if let Some(columns) = &relation.left_out {
            feedback.warning(tr!("{table}: changes of these columns were not logged, and are from now on: {columns}.", table, columns));
        }
    }
    let functions: Vec<&str> = survey.functions.iter().map(|(_, f)| f.as_str()).collect();
    if !functions.is_empty() {
        feedback.info(tr!(
            "Functions of the former plugin that go: {functions}.",
            functions = Text::list(functions)
        ));
    }
    if !survey.kept.is_empty() {
        feedback.warning(tr!("Objects in the schemas audit and lizsync that LizSync does not know; they stay: {kept}.", kept = Text::list(&survey.kept)));
    }
    if survey.is_central() {
        let clones = clones::of_central(&mut **connection, survey, survey.layout.clones())?;
        clones::tell_clones(&mut **connection, survey, &clones, feedback)?;
    } else if survey.is_clone() {
        let package = clones::package(&mut **connection, survey.server_id, &log)?;
        clones::tell_central(&mut **connection, survey, package.central, feedback)?;
        if survey.foreign_server {
            feedback.info(match survey.foreign_schemas.as_slice() {
                [] => tr!("The foreign server central_server goes, with the password of the central in it."),
                schemas => tr!(
                    "The foreign server central_server goes, with the password of the central in it, and the schemas of its tables: {schemas}.",
                    schemas = Text::list(schemas)
                ),
            });
        }
    }
    Ok(())
}

impl Survey {
    /// What is done, in one clause.
    fn summary(&self) -> Text {
        let captured = self
            .audited
            .iter()
            .filter(|relation| relation.can_be_captured())
            .count();
        let mut parts =
            vec![tr!("{n} table with new audit triggers"
                | "{n} tables with new audit triggers" % captured)];
        if !self.kept.is_empty() {
            parts.push(tr!(
                "{n} object of users kept" | "{n} objects of users kept" % self.kept.len()
            ));
        }
        if self.is_clone() && self.foreign_server {
            parts.push(tr!("the foreign server central_server dropped"));
        }
        Text::list(parts)
    }
}

/// Something of users' that would be dropped or broken.
fn depends(name: &Text, what: Vec<Text>) -> Error {
    Error::state(tr!(
        "In {name}, objects of users depend on what the former plugin leaves: {what}.",
        name,
        what = Text::list(what)
    ))
    .hint(tr!(
        "Nothing was changed. Drop them, or make them anew after the upgrade."
    ))
}
