//! What a deployment refuses, before it changes anything.

use std::collections::BTreeSet;

use ::postgres::GenericClient;
use uuid::Uuid;

use super::manifest::Manifest;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing, Template};
use crate::structure::{self, CENTRAL_NAME, Identity, Installed};
use crate::text::{Text, tr};

/// What the clone is before the deployment.
pub(super) struct Target {
    pub server_id: Option<Uuid>,
    pub server_name: Option<String>,
    /// Whether some LizSync is there.
    pub installed: bool,
}

/// Refuses one database given twice.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter).
pub(super) fn two_databases(central: &mut Connection, clone: &mut Connection) -> Result<()> {
    let mut instances = Vec::new();
    for connection in [&mut *central, &mut *clone] {
        let row = connection
            .query_one(include_str!("../../sql/package/instance.sql"), &[])
            .doing(|| tr!("Reading the identity of the server"))?;
        instances.push(row.get::<_, String>(0));
    }
    if instances[0] == instances[1] {
        return Err(Error::parameter(tr!(
            "The central and the clone are one database: {central}.",
            central = central.describe()
        ))
        .hint(tr!("Give the connection to another database as the clone.")));
    }
    Ok(())
}

/// The central must be the one that made the package, and still the same server.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State).
pub(super) fn central(central: &mut Connection, manifest: &Manifest) -> Result<Identity> {
    let identity = structure::require_central(central)?;
    let place = central.describe().to_owned();
    if identity.server_id != Some(manifest.central.server_id) {
        return Err(Error::state(tr!(
            "The package was made of another central (database “{database}”), not of {place}.",
            database = manifest.central.database,
            place
        ))
        .hint(tr!(
            "Give the connection to that central, or make a package of this one."
        )));
    }
    let row = central
        .query_one(
            include_str!("../../sql/package/possible.sql"),
            &[&manifest.created, &manifest.snapshot],
        )
        .doing(|| tr!("Comparing the manifest of the package with the central"))?;
    let impossible = match () {
        () if row.get("future") => Some(tr!(
            "The package cannot be used: by its manifest, it was made in the future."
        )),
        () if row.get("beyond") => Some(tr!(
            "The package cannot be used: by its manifest, it has a snapshot which the central has not reached."
        )),
        () if manifest.central.timeline > identity.cluster.timeline => Some(tr!(
            "The package cannot be used: by its manifest, it has a timeline which the central has not reached."
        )),
        () => None,
    };
    if let Some(impossible) = impossible {
        return Err(Error::file(impossible)
        .hint(tr!(
            "Check the clock of the central's server, make a new package and deploy that. Nothing was changed."
        )));
    }
    let known: bool = central
        .query_one("SELECT lizsync.knows_package($1)", &[&manifest.package_id])
        .doing(|| tr!("Reading lizsync.history"))?
        .get(0);
    let same_server =
        identity.cluster.system_identifier.to_string() == manifest.central.system_identifier;
    if !known || !same_server {
        return Err(Error::state(match same_server {
                true => tr!(
                    "The central {place} is no longer the one that the package was made of: it does not know the package, so it was restored from an earlier backup, or its history was deleted.",
                    place
                ),
                false => tr!(
                    "The central {place} is no longer the one that the package was made of: it was moved to another server or restored from a backup.",
                    place
                ),
            })
        .hint(tr!("Make a new package and deploy that.")));
    }
    let held: bool = central
        .query_one(
            "SELECT lizsync.holds_log_since($1::text::txid_snapshot)",
            &[&manifest.snapshot],
        )
        .doing(|| tr!("Reading lizsync.pruned"))?
        .get(0);
    if !held {
        return Err(Error::state(tr!(
            "The package is too old: the central {place} has removed events from its log that came after it.",
            place
        ))
        .hint(tr!("Make a new package and deploy that.")));
    }
    Ok(identity)
}

/// What the clone is; refuses a central.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) for a central,
/// [`Kind::Parameter`](crate::error::Kind::Parameter) when it has the central's id.
pub(super) fn target(clone: &mut Connection, central: &Identity) -> Result<Target> {
    let place = clone.describe().to_owned();
    let installed = structure::inspect(&mut **clone)
        .map_err(|error| error.during(tr!("The {place}", place)))?;
    let installed = !matches!(installed, Installed::Nothing);
    let mut target = Target {
        server_id: None,
        server_name: None,
        installed,
    };
    if installed {
        let row = clone
            .query_one(include_str!("../../sql/structure/server.sql"), &[])
            .doing(|| tr!("Reading lizsync.server_metadata"))?;
        target.server_id = row.get("server_id");
        target.server_name = row.get("server_name");
    }
    if target.server_name.as_deref() == Some(CENTRAL_NAME) {
        return Err(Error::state(tr!(
            "The {place} is a central database: a package is never deployed over one.",
            place
        ))
        .hint(tr!("Check whether the two connections are swapped.")));
    }
    if target.server_id.is_some() && target.server_id == central.server_id {
        return Err(Error::parameter(tr!(
            "The clone {place} has the server id of the central.",
            place
        ))
        .hint(tr!(
            "Give the connection to another database, or delete the row of lizsync.server_metadata in the clone."
        )));
    }
    Ok(target)
}

/// The log of a clone, and what of it the central has.
pub(super) enum Log {
    /// There is none.
    None,
    /// Those of the former plugin: nobody knows what the central has of them.
    Former(Vec<String>),
    /// Ours: the central has taken what is visible in this snapshot; none for nothing.
    Ours(Option<String>),
    /// Ours, but the ledger of the central names a run that the clone does not know: nobody knows what it has taken.
    Unknown,
}

impl Log {
    /// Refuses edits of the clone that the central has not taken.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State), naming tables and counts.
    pub fn refuse_pending(&self, clone: &mut impl GenericClient, place: &Text) -> Result<()> {
        match self {
            Log::None => Ok(()),
            Log::Former(logs) => logs.iter().try_for_each(|log| {
                let sql = Template::new(include_str!("../../sql/package/pending_old.sql"))
                    .set("log", log)
                    .sql();
                refuse_pending(clone, &sql, &[], place, tr!("Run “Upgrade LizSync tools in the central database” with the connection of the clone, then “Two-way database synchronization”, then deploy."))
            }),
            Log::Ours(taken) => {
                let sql = include_str!("../../sql/package/pending.sql");
                refuse_pending(clone, sql, &[taken], place, tr!("Run “Two-way database synchronization” first, then deploy."))
            }
            Log::Unknown => {
                let sql = include_str!("../../sql/package/pending.sql");
                refuse_pending(clone, sql, &[&None::<String>], place, tr!("The central speaks of a synchronisation that this clone does not know, so it may have them or not. Save them, run “DELETE FROM audit.logged_actions” in the clone, then deploy."))
            }
        }
    }
}

/// Refuses to overwrite what only this clone has.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State), naming tables and counts.
pub(super) fn nothing_is_lost(
    central: &mut impl GenericClient,
    clone: &mut impl GenericClient,
    target: &Target,
    manifest: &Manifest,
    place: &Text,
) -> Result<Log> {
    if !target.installed {
        foreign(clone, manifest, place)?;
        return Ok(Log::None);
    }
    let layout = clone
        .query_one(include_str!("../../sql/package/log_layout.sql"), &[])
        .doing(|| tr!("Looking at the log of the clone"))?;
    let log = if layout.get("ours") {
        let deployment = deployment(clone, manifest, place)?;
        taken(central, clone, target, deployment)?
    } else {
        let logs = ["audit", "lizsync"].into_iter();
        Log::Former(
            logs.filter(|schema| layout.get(*schema))
                .map(|schema| format!("{schema}.logged_actions"))
                .collect(),
        )
    };
    log.refuse_pending(clone, place)?;
    if layout.get("ours") {
        refuse_conflicts(clone, place)?;
    }
    local_tables(clone, manifest, place)?;
    Ok(log)
}

/// The deployment that the clone is of; refuses one that is newer than the package.
fn deployment(
    clone: &mut impl GenericClient,
    manifest: &Manifest,
    place: &Text,
) -> Result<Option<Uuid>> {
    let row = clone
        .query_opt(
            "SELECT deployment, package_time > $1::text::timestamptz AS newer, package_time::text AS time
             FROM lizsync.deployment",
            &[&manifest.created],
        )
        .doing(|| tr!("Reading lizsync.deployment"))?;
    let Some(row) = row else { return Ok(None) };
    if row.get("newer") {
        return Err(Error::state(tr!(
            "The clone {place} was deployed from a newer package (of {newer}) than this one (of {created}).",
            place,
            newer = row.get::<_, String>("time"),
            created = manifest.created
        ))
        .hint(tr!("Make a new package of the central and deploy that.")));
    }
    Ok(Some(row.get("deployment")))
}

fn refuse_conflicts(clone: &mut impl GenericClient, place: &Text) -> Result<()> {
    let conflicts: i64 = clone
        .query_one("SELECT count(*) FROM lizsync.conflicts AS c
             WHERE NOT EXISTS (SELECT FROM lizsync.runs AS r WHERE r.sync_id = c.sync_id AND r.confirmed)", &[])
        .doing(|| tr!("Reading lizsync.conflicts"))?
        .get(0);
    if conflicts == 0 {
        return Ok(());
    }
    Err(Error::state(tr!(
        "The clone {place} holds {conflicts} that the central has not received.",
        place,
        conflicts = tr!("{n} conflict" | "{n} conflicts" % conflicts.unsigned_abs())
    ))
    .hint(tr!(
        "Run “Two-way database synchronization” first, then deploy."
    )))
}

/// What the central has taken of the clone's log. Its ledger says which run it has; what that run had read, the clone knows
/// itself, so that nobody who may write the ledger can have edits of this clone thrown away.
fn taken(
    central: &mut impl GenericClient,
    clone: &mut impl GenericClient,
    target: &Target,
    deployment: Option<Uuid>,
) -> Result<Log> {
    let cluster = structure::cluster(clone)?;
    let row = central
        .query_opt(
            include_str!("../../sql/package/taken.sql"),
            &[
                &target.server_id,
                &deployment,
                &cluster.system_identifier,
                &cluster.timeline,
            ],
        )
        .doing(|| tr!("Reading lizsync.received"))?;
    let Some(row) = row else {
        return Ok(Log::Ours(None));
    };
    let known = clone
        .query_opt(
            "SELECT clone_snapshot::text FROM lizsync.runs WHERE sync_id = $1",
            &[&row.get::<_, Uuid>(0)],
        )
        .doing(|| tr!("Reading the last runs of the clone"))?;
    Ok(known.map_or(Log::Unknown, |row| Log::Ours(Some(row.get(0)))))
}

fn refuse_pending(
    clone: &mut impl GenericClient,
    sql: &str,
    parameters: &[&(dyn ::postgres::types::ToSql + Sync)],
    place: &Text,
    way_out: Text,
) -> Result<()> {
    let rows = clone
        .query(sql, parameters)
        .doing(|| tr!("Looking for edits that are not synchronised"))?;
    if rows.is_empty() {
        return Ok(());
    }
    let tables: Vec<_> = rows
        .iter()
        .map(|row| {
            tr!(
                "{table} ({count})",
                table = row.get::<_, &str>("name"),
                count = row.get::<_, i64>("events")
            )
        })
        .collect();
    let total: i64 = rows.iter().map(|row| row.get::<_, i64>("events")).sum();
    Err(Error::state(tr!(
        "The clone {place} holds {edits} that the central has not received: {tables}.",
        place,
        edits = tr!("{n} edit" | "{n} edits" % total.unsigned_abs()),
        tables = Text::list(tables)
    ))
    .hint(way_out))
}

/// A database without LizSync must not hold anything under the names that the package brings.
fn foreign(clone: &mut impl GenericClient, manifest: &Manifest, place: &Text) -> Result<()> {
    let schemas: Vec<String> = clone
        .query(
            include_str!("../../sql/package/holders.sql"),
            &[&manifest.schemas],
        )
        .doing(|| tr!("Looking for existing schemas"))?
        .iter()
        .map(|row| row.get("schema"))
        .collect();
    if schemas.is_empty() {
        return Ok(());
    }
    Err(Error::state(tr!(
        "The {place} is no LizSync clone, but has schemas that the deployment would overwrite: {schemas}.",
        place,
        schemas = schemas.join(", ")
    ))
    .hint(tr!(
        "Check the connection; deploy to another database, or rename or drop those schemas."
    )))
}

/// Tables that somebody made in the clone itself, in a packaged schema.
fn local_tables(clone: &mut impl GenericClient, manifest: &Manifest, place: &Text) -> Result<()> {
    let tables = || manifest.tables.iter();
    let schemas: Vec<&str> = tables().map(|table| table.schema.as_str()).collect();
    let names: Vec<&str> = tables().map(|table| table.name.as_str()).collect();
    let local: Vec<String> = clone
        .query(
            include_str!("../../sql/package/local_tables.sql"),
            &[&manifest.schemas, &schemas, &names],
        )
        .doing(|| tr!("Looking for tables of the clone alone"))?
        .iter()
        .map(|row| row.get("name"))
        .collect();
    if local.is_empty() {
        return Ok(());
    }
    Err(Error::state(tr!(
        "The clone {place} has tables that LizSync does not know and the deployment would drop: {tables}.",
        place,
        tables = Text::list(local)
    ))
    .hint(tr!("Move them to a schema that is not packaged, or drop them.")))
}

/// Refuses to take objects outside of the schemas down with them; warns of tables that only lose
/// their audit triggers.
pub(super) fn dependents(
    clone: &mut impl GenericClient,
    schemas: &[String],
    place: &Text,
    feedback: &Feedback,
) -> Result<()> {
    let rows = clone
        .query(
            include_str!("../../sql/package/dependents.sql"),
            &[&schemas],
        )
        .doing(|| tr!("Looking for objects that depend on the schemas"))?;
    let (mut dependents, mut audited) = (Vec::new(), BTreeSet::new());
    for row in rows {
        match row.get::<_, Option<String>>("audits") {
            Some(table) => drop(audited.insert(table)),
            None => dependents.push(row.get::<_, String>("description")),
        }
    }
    if !dependents.is_empty() {
        return Err(Error::state(tr!(
            "In the clone {place}, objects outside of the packaged schemas depend on them and would be dropped: {dependents}.",
            place,
            dependents = dependents.join(", ")
        ))
        .hint(tr!("Drop them, or put them into a packaged schema of the central.")));
    }
    let audited: Vec<_> = audited.into_iter().collect();
    if !audited.is_empty() {
        feedback.warning(tr!(
            "These tables are not in the package: they stay in the clone, but are no longer synchronised: {audited}.",
            audited = audited.join(", ")
        ));
    }
    Ok(())
}
