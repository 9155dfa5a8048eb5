//! The steps of the upgrade, in its transaction.

use std::collections::BTreeSet;

use ::postgres::{Row, Transaction};

use super::clones;
use super::depends;
use super::survey::Survey;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Doing, Template, path, quote};
use crate::structure::install;
use crate::text::{Text, tr};

/// What depends on an object that is dropped.
const DEPENDENTS: &str = "2BP01";

/// Indexes of the audit trigger of the PostgreSQL wiki, which nothing uses.
const INDEXES: &str = "DROP INDEX IF EXISTS audit.logged_actions_relid_idx, audit.logged_actions_action_tstamp_tx_stm_idx, audit.logged_actions_action_idx";

/// Events that are there are the former plugin's; those to come are not. No row is written for that.
const FORMER: &str = "ALTER TABLE audit.logged_actions ADD COLUMN former boolean NOT NULL DEFAULT true; \
    ALTER TABLE audit.logged_actions ALTER COLUMN former SET DEFAULT false";

/// All of them; the tables are locked.
pub(super) fn run(
    transaction: &mut Transaction<'_>,
    survey: &Survey,
    version: &str,
    name: &Text,
    feedback: &Feedback,
) -> Result<()> {
    let step = |percent, text: Text| -> Result<()> {
        feedback.progress(percent);
        feedback.info(text);
        feedback.check()
    };
    step(
        10.0,
        tr!("Removing the triggers and functions of the former plugin."),
    )?;
    remove(transaction, survey, name)?;
    if survey.layout.schema == "lizsync" {
        step(15.0, tr!("Moving the log to the schema audit."))?;
        move_log(transaction, survey)?;
    }
    step(20.0, tr!("Changing the tables."))?;
    tables(transaction, survey, name)?;
    step(70.0, tr!("Creating the functions."))?;
    install::functions(transaction, &survey.hstore)?;
    if survey.is_central() {
        step(75.0, tr!("Registering the clones."))?;
        let known = clones::of_central(transaction, survey, "lizsync.synchronized_schemas")?;
        clones::register(transaction, &known)?;
    }
    if survey.is_clone() {
        step(75.0, tr!("Keeping what the central has not received."))?;
        clone(transaction, survey, name)?;
    }
    step(85.0, tr!("Adding the audit triggers."))?;
    audit(transaction, survey, feedback)?;
    install::record(
        transaction,
        &format!("Upgrade from {version} of the former plugin"),
    )?;
    step(95.0, tr!("Committing."))
}

/// Drops triggers and functions.
fn remove(transaction: &mut Transaction<'_>, survey: &Survey, name: &Text) -> Result<()> {
    for relation in &survey.audited {
        for trigger in &relation.triggers {
            transaction
                .batch_execute(&format!(
                    "DROP TRIGGER {} ON {}",
                    quote(trigger),
                    relation.table
                ))
                .doing(|| {
                    tr!(
                        "Removing the trigger {trigger} of {table}",
                        trigger,
                        table = relation.table.plain()
                    )
                })?;
        }
    }
    for (kind, signature) in &survey.functions {
        let dropped = transaction
            .batch_execute(&format!("DROP {kind} {signature}"))
            .doing(|| tr!("Removing the function {signature}", signature));
        match dropped {
            Err(error) if error.sqlstate_code() == Some(DEPENDENTS) => {
                let what = tr!("something that uses the function {signature}", signature);
                return Err(depends(name, vec![what]));
            }
            dropped => dropped?,
        }
    }
    Ok(())
}

/// The log of 0.5.0 to 0.7.2 goes back to the schema audit, and the lists of tables get their new form.
fn move_log(transaction: &mut Transaction<'_>, survey: &Survey) -> Result<()> {
    let doing = || tr!("Moving the log to the schema audit");
    if !survey.audit {
        install::create_schema(transaction, "audit")?;
    }
    let grants = transaction
        .query(include_str!("../../../sql/structure/former/usage.sql"), &[])
        .doing(doing)?;
    for grant in grants {
        transaction.batch_execute(grant.get("sql")).doing(doing)?;
    }
    transaction
        .batch_execute(
            "ALTER TABLE lizsync.logged_actions SET SCHEMA audit; ALTER TABLE lizsync.logged_relations SET SCHEMA audit",
        )
        .doing(doing)?;
    transaction
        .batch_execute(
            &Template::new(include_str!("../../../sql/structure/former/lists.sql")).sql(),
        )
        .doing(|| tr!("Reading the lists of tables in lizsync.synchronized_tables"))
}

/// The tables become what a fresh installation has.
fn tables(transaction: &mut Transaction<'_>, survey: &Survey, name: &Text) -> Result<()> {
    let doing = || tr!("Changing the tables of the schemas audit and lizsync");
    transaction.batch_execute(INDEXES).doing(doing)?;
    transaction.batch_execute(FORMER).doing(doing)?;
    install::tables(transaction, &survey.hstore, ["pg_temp", "pg_temp"])?;
    let aligned = transaction
        .batch_execute(&Template::new(include_str!("../../../sql/structure/align.sql")).sql())
        .doing(doing);
    match aligned {
        Err(error) if error.sqlstate_code() == Some(DEPENDENTS) => {
            let what = error.said().map(|said| said.message.clone());
            return Err(depends(name, vec![what.unwrap_or_else(|| error.whole())]));
        }
        aligned => aligned?,
    }
    install::tables(transaction, &survey.hstore, ["audit", "lizsync"])?;
    let schemas: &[&str] = match survey.layout.schema {
        "audit" => &["audit", "lizsync"],
        _ => &["lizsync"],
    };
    for schema in schemas {
        install::comment_schema(transaction, schema)?;
    }
    Ok(())
}

/// What is a clone's: its edits that are on their way, its central, and the central's password.
fn clone(transaction: &mut Transaction<'_>, survey: &Survey, name: &Text) -> Result<()> {
    let log = "audit.logged_actions";
    let package = clones::package(transaction, survey.server_id, log)?;
    let sql = Template::new(include_str!("../../../sql/structure/former/pending.sql"))
        .set("hstore", survey.hstore.as_str())
        .sql();
    transaction
        .execute(&sql, &[&survey.server_id, &package.central])
        .doing(|| tr!("Keeping what the central has not received"))?;
    let schemas: BTreeSet<&str> = survey
        .audited
        .iter()
        .map(|relation| relation.table.schema.as_str())
        .collect();
    package.record(
        transaction,
        survey.server_id,
        &serde_json::json!(schemas).to_string(),
    )?;
    drop_foreign(transaction, survey, name)
}

fn drop_foreign(transaction: &mut Transaction<'_>, survey: &Survey, name: &Text) -> Result<()> {
    if !survey.foreign_server {
        return Ok(());
    }
    let rows = transaction
        .query(
            include_str!("../../../sql/package/dependents.sql"),
            &[&survey.foreign_schemas],
        )
        .doing(|| tr!("Looking for objects that depend on central_server"))?;
    let description = |row: &Row| Text::verbatim(row.get::<_, String>("description"));
    let dependents: Vec<Text> = rows.iter().map(description).collect();
    if !dependents.is_empty() {
        return Err(depends(name, dependents));
    }
    let mut sql: String = survey
        .foreign_schemas
        .iter()
        .map(|schema| format!("DROP SCHEMA {} CASCADE; ", quote(schema)))
        .collect();
    sql.push_str("DROP SERVER central_server CASCADE");
    transaction
        .batch_execute(&sql)
        .doing(|| tr!("Dropping the foreign server central_server"))
}

/// Captures again what was captured before.
fn audit(transaction: &mut Transaction<'_>, survey: &Survey, feedback: &Feedback) -> Result<()> {
    let mut done = BTreeSet::new();
    for relation in survey.audited.iter().filter(|r| r.can_be_captured()) {
        feedback.check()?;
        if !done.insert(relation.root) {
            continue;
        }
        let table = relation.table.plain();
        // The former plugin may have written its name without the schema.
        path::as_in_a_session(transaction)?;
        transaction
            .execute(
                "DELETE FROM audit.logged_relations AS r WHERE pg_catalog.to_regclass(r.relation_name)::pg_catalog.oid = $1",
                &[&relation.root],
            )
            .doing(|| tr!("Reading audit.logged_relations for {table}", table))?;
        transaction
            .batch_execute(path::PLAIN)
            .doing(|| tr!("Resetting the search path"))?;
        transaction
            .execute(
                "SELECT audit.audit_table($1::oid::regclass)",
                &[&relation.root],
            )
            .doing(|| tr!("Adding audit triggers to {table}", table))?;
    }
    Ok(())
}
