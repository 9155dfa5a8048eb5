//! Deploying a package to a clone.

use std::path::Path;

use ::postgres::{GenericClient, Transaction};
use uuid::Uuid;

use super::archive_reader::{self, Package};
use super::guard::{self, Log, Target};
use super::{load, script};
use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::postgres::{self, Connection, Doing, literal, path, quote};
use crate::structure::{self, Uncaptured};
use crate::text::{Text, tr};

/// Where the progress stands when the zip is verified, when all rows are loaded, and when all is
/// built.
const VERIFIED: f64 = 25.0;
const LOADED: f64 = 80.0;
const BUILT: f64 = 95.0;

/// Deploys a package to the clone; returns the sentence for the user.
///
/// The zip is verified whole before anything else; the clone changes in one transaction, then the
/// central is told. PostgreSQL's client programs are not needed.
///
/// # Errors
/// [`Kind::File`](crate::error::Kind::File): a zip that cannot be used.
/// [`Kind::Parameter`](crate::error::Kind::Parameter): one database given twice.
/// [`Kind::State`](crate::error::Kind::State): a wrong central, or a clone that would lose something.
pub fn deploy(
    central: &mut Connection,
    clone: &mut Connection,
    zip: &Path,
    feedback: &Feedback,
) -> Result<Text> {
    guard::two_databases(central, clone)?;
    feedback.info(tr!("Verifying the package {zip}.", zip = zip.display()));
    let package = archive_reader::open(zip, feedback, |done, total| {
        feedback.progress(VERIFIED * done as f64 / total.max(1) as f64);
    })?;
    let identity = guard::central(central, &package.manifest)?;
    let target = guard::target(clone, &identity)?;
    let mut deployment = Deployment {
        id: Uuid::new_v4(),
        place: clone.describe().to_owned(),
        clone_id: target.server_id.unwrap_or_else(Uuid::new_v4),
        package,
        older: None,
        uncaptured: Vec::new(),
        feedback,
    };
    postgres::lock_clone(central, deployment.clone_id, feedback)?;
    postgres::lock_clone(clone, deployment.clone_id, feedback)?;
    let log = guard::nothing_is_lost(
        &mut **central,
        &mut **clone,
        &target,
        &deployment.package.manifest,
        &deployment.place,
    )?;
    deployment.fit_version(structure::cluster(&mut **clone)?.version);
    // Taken under the lock: what this clone sent before is visible in it.
    let snapshot: String = central
        .query_one("SELECT txid_current_snapshot()::text", &[])
        .doing(|| tr!("Reading the snapshot of the central"))?
        .get(0);
    deployment.fill(clone, &target, &log, &snapshot)?;
    deployment.register(central).map_err(|error| {
        let error = if feedback.is_canceled() {
            Error::new(Kind::Canceled, tr!("canceled."))
        } else {
            error
        };
        error
            .during(tr!(
                "The package was deployed to the clone, but the central could not be told"
            ))
            .hint(tr!(
                "The clone is complete. Synchronise it, or deploy again: either tells the central."
            ))
    })?;
    feedback.progress(100.0);
    Ok(deployment.sentence(zip))
}

/// What one deployment works with.
struct Deployment<'a> {
    id: Uuid,
    place: Text,
    clone_id: Uuid,
    package: Package,
    /// The major versions of clone and central, where the clone's is the older one.
    older: Option<(i32, i32)>,
    /// The tables whose capture the additional SQL switched off.
    uncaptured: Vec<Uncaptured>,
    feedback: &'a Feedback,
}

impl Deployment<'_> {
    /// Fits the definitions to the clone's server (a `server_version_num`); warns of an older one.
    fn fit_version(&mut self, server: i32) {
        let here = server / 10_000;
        let there = self.package.manifest.central.server_version_num / 10_000;
        if here < there {
            self.feedback.warning(tr!(
                "The server of the clone (PostgreSQL {here}) is older than the one of the package ({there}): what it does not know yet will fail, and change nothing.",
                here,
                there
            ));
            self.older = Some((here, there));
        }
        if here < structure::BUILTIN_UUID_SINCE {
            let uuid = structure::random_uuid(server);
            for sql in [&mut self.package.pre_data, &mut self.package.post_data] {
                *sql = script::before_13(sql, uuid);
            }
        }
    }

    /// Runs definitions of the package. An older server may not know what they use.
    fn definitions(&self, clone: &mut impl GenericClient, sql: &str, what: Text) -> Result<()> {
        load::definitions(clone, sql, what).map_err(|error| match (self.older, error.sqlstate_code()) {
            // Syntax, undefined things, features that are not supported.
            (Some((here, there)), Some(code)) if code.starts_with("42") && code != "42501" || code == "0A000" => error.hint(tr!(
                "Nothing was changed. The clone's server is PostgreSQL {here}, the central's {there}: if it is this that it does not know, upgrade the clone's server, or do without it in the central.",
                here,
                there
            )),
            _ => error,
        })
    }

    /// Everything in the clone, in one transaction.
    fn fill(
        &mut self,
        clone: &mut Connection,
        target: &Target,
        log: &Log,
        central_snapshot: &str,
    ) -> Result<()> {
        let mut transaction = clone
            .transaction()
            .doing(|| tr!("Starting a transaction"))?;
        self.clear(&mut transaction, target, log)?;
        let feedback = self.feedback;
        load::extensions(
            &mut transaction,
            &self.package.manifest.extensions,
            feedback,
        )?;
        structure::install(&mut transaction)?;
        let short = self.clone_id.to_string();
        let name = target
            .server_name
            .clone()
            .unwrap_or_else(|| format!("clone {}", &short[..8]));
        transaction
            .execute(
                "INSERT INTO lizsync.server_metadata (server_id, server_name) VALUES ($1, $2)",
                &[&self.clone_id, &name],
            )
            .doing(|| tr!("Writing the server id to lizsync.server_metadata"))?;

        self.step(tr!("Creating the tables."), VERIFIED)?;
        self.definitions(
            &mut transaction,
            &self.package.pre_data,
            tr!("the tables of the package"),
        )?;
        // Functions in checks may expect the search path of a session. The definitions have their own.
        path::as_in_a_session(&mut transaction)?;
        let total = self.package.manifest.bytes().max(1) as f64;
        load::rows(&mut transaction, &mut self.package, feedback, |bytes| {
            feedback.progress(VERIFIED + (LOADED - VERIFIED) * bytes as f64 / total);
        })?;
        let manifest = &self.package.manifest;
        load::sequences(&mut transaction, &self.package.sequences, manifest)?;
        self.step(tr!("Creating indexes, constraints and triggers."), LOADED)?;
        let what = tr!("the indexes, constraints and triggers of the package");
        self.definitions(&mut transaction, &self.package.post_data, what)?;
        transaction
            .execute(
                include_str!("../../sql/package/retrigger.sql"),
                &[&manifest.schemas],
            )
            .doing(|| tr!("Adding the audit triggers"))?;
        // So may those in indexes.
        path::as_in_a_session(&mut transaction)?;
        load::analyze(&mut transaction, manifest)?;
        transaction
            .batch_execute(path::PLAIN)
            .doing(|| tr!("Resetting the search path"))?;
        if let Some(sql) = &self.package.additional {
            self.step(tr!("Running the additional SQL."), BUILT)?;
            load::additional(&mut transaction, sql)?;
            self.uncaptured = structure::uncaptured(&mut transaction, &manifest.schemas)?;
        }
        // What the deployment itself wrote is no edit of this clone.
        transaction
            .batch_execute("DELETE FROM audit.logged_actions")
            .doing(|| tr!("Emptying the log of the clone"))?;
        self.record(&mut transaction, central_snapshot)?;
        self.step(tr!("Committing the clone."), BUILT)?;
        transaction.commit().doing(|| {
            tr!(
                "Deploying the package to the clone {place}",
                place = self.place
            )
        })?;
        for Uncaptured { table, wrong, .. } in &self.uncaptured {
            feedback.warning(tr!(
                "The additional SQL of the package leaves {table} of the clone without its capture ({wrong}): edits there do not reach the central. Correct that SQL and package again, or run SELECT audit.audit_table({name}) in the clone.",
                table = table.plain(),
                wrong,
                name = literal(&table.to_string())
            ));
        }
        Ok(())
    }

    fn step(&self, message: Text, percent: f64) -> Result<()> {
        self.feedback.progress(percent);
        self.feedback.info(message);
        self.feedback.check()
    }

    /// Drops what the package replaces.
    fn clear(&self, clone: &mut Transaction<'_>, target: &Target, log: &Log) -> Result<()> {
        let packaged = &self.package.manifest.schemas;
        let mut leftovers: Vec<String> = Vec::new();
        if target.installed {
            leftovers = clone
                .query(include_str!("../../sql/package/leftovers.sql"), &[])
                .doing(|| tr!("Looking for what the former plugin left"))?
                .iter()
                .map(|row| row.get("schema"))
                .collect();
        }
        let ours = ["audit", "lizsync"].map(String::from);
        let all: Vec<String> = [&packaged[..], &leftovers[..], &ours[..]].concat();
        guard::dependents(clone, &all, &self.place, self.feedback)?;
        self.drop_schemas(clone, packaged)?;
        // Nobody can edit those tables any more: an edit that came since the first look shows now.
        log.refuse_pending(clone, &self.place)?;
        self.drop_schemas(clone, &leftovers)?;
        if target.installed {
            clone
                .batch_execute("DROP SERVER IF EXISTS central_server CASCADE")
                .doing(|| tr!("Dropping the foreign server of the former plugin"))?;
            self.drop_schemas(clone, &ours)?;
        }
        Ok(())
    }

    fn drop_schemas(&self, clone: &mut Transaction<'_>, schemas: &[String]) -> Result<()> {
        for schema in schemas {
            self.feedback.check()?;
            clone
                .batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", quote(schema)))
                .doing(|| tr!("Dropping the schema {schema} of the clone", schema))?;
        }
        Ok(())
    }

    /// Writes where the clone now stands.
    fn record(&self, clone: &mut Transaction<'_>, central_snapshot: &str) -> Result<()> {
        let manifest = &self.package.manifest;
        let doing = || tr!("Recording the deployment in the clone");
        let identifier: i64 = manifest
            .central
            .system_identifier
            .parse()
            .map_err(|_| Error::internal("The manifest was not validated."))?;
        clone
            .execute(
                include_str!("../../sql/package/deployed.sql"),
                &[
                    &self.id,
                    &manifest.central.server_id,
                    &manifest.package_id,
                    &manifest.created,
                    &manifest.snapshot,
                    &central_snapshot,
                    &identifier,
                    &manifest.central.timeline,
                    &manifest.central.highest_event,
                ],
            )
            .doing(doing)?;
        clone
            .execute(
                "SELECT lizsync.register_clone($1, $2, NULL, $3, $4::text::jsonb)",
                &[
                    &self.clone_id,
                    &manifest.schemas,
                    &self.id,
                    &manifest.listed_json()?,
                ],
            )
            .doing(doing)?;
        Ok(())
    }

    /// Tells the central about the clone.
    fn register(&self, central: &mut Connection) -> Result<()> {
        central
            .execute(
                include_str!("../../sql/structure/register_clone.sql"),
                &[
                    &self.clone_id,
                    &self.package.manifest.schemas,
                    &self.package.manifest.package_id,
                    &self.id,
                    &self.package.manifest.listed_json()?,
                ],
            )
            .doing(|| tr!("Registering the clone in the central"))?;
        Ok(())
    }

    fn sentence(&self, zip: &Path) -> Text {
        let manifest = &self.package.manifest;
        tr!(
            "The package {zip} was deployed to the clone {place}: {schemas}, {tables} and {rows}.",
            zip = zip.display(),
            place = self.place,
            schemas = tr!("{n} schema" | "{n} schemas" % manifest.schemas.len() as u64),
            tables = tr!("{n} table" | "{n} tables" % manifest.tables.len() as u64),
            rows = tr!("{n} row" | "{n} rows" % manifest.rows())
        )
    }
}
