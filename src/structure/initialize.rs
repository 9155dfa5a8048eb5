//! Preparing a central database: server id, `uid` columns, audit triggers.

use ::postgres::GenericClient;

use super::relation::{self, Kind, Relation};
use super::uid::random_uuid;
use super::{CENTRAL_NAME, Preparation, identity, install};
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing};
use crate::secret::shown_list;
use crate::text::{Text, tr};

/// Schemas that are never prepared, whoever asks.
const NEVER: [&str; 3] = ["public", "lizsync", "audit"];

/// Prepares a central database, in one transaction; returns the sentence for the user. A second run
/// changes nothing. Warnings say what will not synchronise well.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter) for schemas that are not there,
/// [`Kind::State`](crate::error::Kind::State) for a clone, or a table whose `uid` cannot be used.
pub fn initialize(
    central: &mut Connection,
    wanted: &Preparation,
    feedback: &Feedback,
) -> Result<Text> {
    let name = central.describe().to_owned();
    let known = identity::installed(central)?;
    let mut transaction = central
        .transaction()
        .doing(|| tr!("Starting a transaction"))?;
    refuse_clone(&mut transaction, &name)?;
    let schemas = schemas(&mut transaction, &wanted.schemas, feedback)?;

    let mut done = Vec::new();
    if !known.fits {
        install::functions(&mut transaction, &known.hstore)?;
        done.push(tr!(
            "the functions were made anew for the schema that hstore is in now"
        ));
    }
    if wanted.server_id {
        done.push(match known.server_id {
            Some(_) if known.is_central() => tr!("the server id was there already"),
            _ => {
                add_server_id(&mut transaction)?;
                tr!("a server id was added")
            }
        });
    }
    let relations = match &schemas {
        Some(schemas) => relation::read(&mut transaction, schemas)?,
        None => Vec::new(),
    };
    let uuid = random_uuid(known.cluster.version);
    let mut tables = prepare(&mut transaction, relations, wanted, uuid, feedback)?;
    feedback.check()?;
    warn_of_references(&mut transaction, &tables.oids, feedback)?;
    transaction
        .commit()
        .doing(|| tr!("Preparing {name}", name))?;
    feedback.progress(100.0);

    if wanted.uid_columns {
        done.push(match tables.with_new_uid {
            0 => tr!("no table received a uid"),
            some => tr!("{n} table received a uid" | "{n} tables received a uid" % some),
        });
    }
    if wanted.audit_triggers {
        done.push(match tables.newly_audited {
            0 => tr!("no table received audit triggers"),
            some => {
                tr!("{n} table received audit triggers"
                    | "{n} tables received audit triggers" % some)
            }
        });
    }
    done.push(match tables.oids.len() {
        0 => tr!("no table in all"),
        all => tr!("{n} table in all" | "{n} tables in all" % all),
    });
    tables.oids.clear();
    Ok(tr!(
        "The central {name} is prepared: {done}.",
        name,
        done = Text::list(done)
    ))
}

fn refuse_clone(client: &mut impl GenericClient, name: &Text) -> Result<()> {
    let deployed: bool = client
        .query_one("SELECT EXISTS (SELECT FROM lizsync.deployment)", &[])
        .doing(|| tr!("Reading lizsync.deployment"))?
        .get(0);
    if deployed {
        return Err(Error::state(tr!(
            "The {name} is a clone: a package was deployed to it.",
            name
        ))
        .hint(tr!("Give the connection to the central database.")));
    }
    Ok(())
}

/// The schemas to prepare: empty for all, None where nothing is left of what was asked for.
fn schemas(
    client: &mut impl GenericClient,
    wanted: &[String],
    feedback: &Feedback,
) -> Result<Option<Vec<String>>> {
    let missing: Vec<String> = client
        .query(
            "SELECT s FROM unnest($1::text[]) AS s WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = s)",
            &[&wanted],
        )
        .doing(|| tr!("Looking for the schemas"))?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if !missing.is_empty() {
        return Err(Error::parameter(tr!(
            "Parameter SCHEMAS names schemas that do not exist: {missing}.",
            missing = shown_list(&missing)
        ))
        .hint(tr!(
            "Check the names (capitals matter) and separate them by commas."
        )));
    }
    let (never, kept): (Vec<String>, Vec<String>) = wanted
        .iter()
        .cloned()
        .partition(|schema| NEVER.contains(&schema.as_str()));
    if !never.is_empty() {
        feedback.warning(tr!(
            "These schemas are never prepared: {never}.",
            never = Text::list(never)
        ));
    }
    Ok(if kept.is_empty() && !wanted.is_empty() {
        None
    } else {
        Some(kept)
    })
}

fn add_server_id(client: &mut impl GenericClient) -> Result<()> {
    // A row that is there already keeps its id: logs and clones may know it.
    client
        .execute(
            "WITH named AS (UPDATE lizsync.server_metadata SET server_name = $1 RETURNING 1)
             INSERT INTO lizsync.server_metadata (server_name) SELECT $1 WHERE NOT EXISTS (SELECT FROM named)",
            &[&CENTRAL_NAME],
        )
        .doing(|| tr!("Adding the server id to lizsync.server_metadata"))?;
    Ok(())
}

/// What was prepared.
#[derive(Default)]
struct Prepared {
    oids: Vec<u32>,
    with_new_uid: usize,
    newly_audited: usize,
}

fn prepare(
    client: &mut impl GenericClient,
    relations: Vec<Relation>,
    wanted: &Preparation,
    uuid: &str,
    feedback: &Feedback,
) -> Result<Prepared> {
    let mut prepared = Prepared::default();
    let total = relations.len().max(1) as f64;
    for (position, mut relation) in relations.into_iter().enumerate() {
        feedback.check()?;
        feedback.progress(100.0 * position as f64 / total);
        let name = relation.table.plain();
        if relation.kind == Kind::Inheritance {
            relation = relation::again(client, relation)?;
        }
        if !relation.is_table() {
            feedback.warning(left_out(&relation));
            continue;
        }
        if let Some(child) = relation
            .foreign_child
            .as_ref()
            .filter(|_| !relation.has_uid())
        {
            feedback.warning(tr!(
                "{name}: left out, because the foreign table {child} inherits from it and would have to have a uid as well. End the inheritance, or give both a column uid of type uuid.",
                name,
                child
            ));
            continue;
        }
        if wanted.uid_columns && relation.add_uid(client, uuid)? {
            feedback.info(tr!("{name}: uid added.", name));
            prepared.with_new_uid += 1;
        }
        if wanted.audit_triggers && !relation.is_audited() {
            relation.audit(client)?;
            feedback.info(tr!("{name}: audit triggers added.", name));
            prepared.newly_audited += 1;
        }
        if !relation.has_key {
            feedback.warning(tr!(
                "{name} has no primary key: QGIS needs one to edit it, and rows are told apart by their uid alone.",
                name
            ));
        }
        if !relation.has_uid() {
            feedback.warning(tr!(
                "{name} has no uid: its rows are logged, but not synchronised.",
                name
            ));
        }
        prepared.oids.push(relation.oid);
    }
    Ok(prepared)
}

fn left_out(relation: &Relation) -> Text {
    let name = relation.table.plain();
    match relation.kind {
        Kind::View => tr!(
            "{name} is a view: left out; the tables below it are synchronised.",
            name
        ),
        _ => tr!(
            "{name} is a foreign table: left out; its rows are elsewhere.",
            name
        ),
    }
}

fn warn_of_references(
    client: &mut impl GenericClient,
    tables: &[u32],
    feedback: &Feedback,
) -> Result<()> {
    let rows = client
        .query(
            include_str!("../../sql/structure/automatic_references.sql"),
            &[&tables],
        )
        .doing(|| tr!("Looking for foreign keys on automatic keys"))?;
    for row in rows {
        let (child, parent): (&str, &str) = (row.get("child"), row.get("parent"));
        let (name, column): (&str, &str) = (row.get("name"), row.get("column"));
        feedback.warning(tr!(
            "Foreign key {name} of {child} refers to the automatic key {column} of {parent}: new rows get another number in each database, so it will point to the wrong row. Let it refer to the uid of {parent}.",
            name,
            child,
            column,
            parent
        ));
    }
    Ok(())
}
