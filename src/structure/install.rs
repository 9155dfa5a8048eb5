//! Installing the schemas `audit` and `lizsync`.

use ::postgres::GenericClient;

use super::uid::random_uuid;
use super::{Override, identity};
use crate::VERSION;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing, Table, Template, literal, quote};
use crate::text::{Text, tr};

/// Installs schemas, tables and functions in the transaction of `client`, and records the version.
///
/// # Errors
/// [`Kind::Permission`](crate::error::Kind::Permission) without the right to create schemas, and
/// an error that names hstore where the extension is neither there nor to be had.
pub fn install(client: &mut impl GenericClient) -> Result<()> {
    let hstore = extension(client)?;
    for schema in ["audit", "lizsync"] {
        create_schema(client, schema)?;
    }
    tables(client, &hstore, ["audit", "lizsync"])?;
    functions(client, &hstore)?;
    record(client, "Installation")
}

/// Creates one of the two schemas, with its comment.
pub(super) fn create_schema(client: &mut impl GenericClient, schema: &str) -> Result<()> {
    client
        .batch_execute(&format!("CREATE SCHEMA {}", quote(schema)))
        .doing(|| tr!("Creating the schema {schema}", schema))?;
    comment_schema(client, schema)
}

/// Says what one of the two schemas is.
pub(super) fn comment_schema(client: &mut impl GenericClient, schema: &str) -> Result<()> {
    let comment = match schema {
        "audit" => "LizSync: the log of changes, written by triggers",
        _ => "LizSync: synchronisation between a central database and its clones",
    };
    client
        .batch_execute(&format!(
            "COMMENT ON SCHEMA {} IS {}",
            quote(schema),
            literal(comment)
        ))
        .doing(|| tr!("Describing the schema {schema}", schema))
}

/// Creates the tables that are not there, and comments on all, in the schemas that stand for `audit` and
/// `lizsync`.
pub(super) fn tables(
    client: &mut impl GenericClient,
    hstore: &str,
    [audit, lizsync]: [&str; 2],
) -> Result<()> {
    let version = identity::cluster(client)?.version;
    let compression = identity::compression(client)?;
    let audit = Template::new(include_str!("../../sql/structure/audit.sql"))
        .set("audit", audit)
        .set("hstore", hstore)
        .set("compression", compression.as_str())
        .sql();
    let lizsync = Template::new(include_str!("../../sql/structure/lizsync.sql"))
        .set("lizsync", lizsync)
        .set("hstore", hstore)
        .set("compression", compression.as_str())
        .set("uuid", random_uuid(version))
        .sql();
    for sql in [audit, lizsync] {
        client
            .batch_execute(&sql)
            .doing(|| tr!("Creating the tables of the schemas audit and lizsync"))?;
    }
    Ok(())
}

const DOING: fn() -> Text = || tr!("Creating the functions of the schemas audit and lizsync");

/// Creates or replaces the functions.
pub(super) fn functions(client: &mut impl GenericClient, hstore: &str) -> Result<()> {
    for text in [
        include_str!("../../sql/structure/capture.sql"),
        include_str!("../../sql/structure/access_former.sql"),
        include_str!("../../sql/structure/access_read.sql"),
        include_str!("../../sql/structure/access_write.sql"),
        include_str!("../../sql/structure/compare.sql"),
    ] {
        client.batch_execute(&fill(text, hstore)).doing(DOING)?;
    }
    for text in [
        include_str!("../../sql/structure/prune_log.sql"),
        include_str!("../../sql/structure/refuse_former.sql"),
    ] {
        client.batch_execute(text).doing(DOING)?;
    }
    Ok(())
}

/// Records that the structure now has this version.
pub(super) fn record(client: &mut impl GenericClient, description: &str) -> Result<()> {
    client
        .execute(
            "INSERT INTO lizsync.sys_structure_metadonnee (version, description) VALUES ($1, $2)",
            &[&VERSION, &description],
        )
        .doing(|| tr!("Recording the version in lizsync.sys_structure_metadonnee"))?;
    Ok(())
}

fn fill(text: &str, hstore: &str) -> String {
    Template::new(text).set("hstore", hstore).sql()
}

/// The quoted schema of the extension hstore, where it is there.
pub(super) fn hstore(client: &mut impl GenericClient) -> Result<Option<String>> {
    let row = client
        .query_opt(
            "SELECT quote_ident(n.nspname) FROM pg_extension AS e
             JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'hstore'",
            &[],
        )
        .doing(|| tr!("Looking for the extension hstore"))?;
    Ok(row.map(|row| row.get(0)))
}

/// The quoted schema of the extension hstore, which is created where it is missing.
fn extension(client: &mut impl GenericClient) -> Result<String> {
    if let Some(found) = hstore(client)? {
        return Ok(found);
    }
    client.batch_execute("CREATE EXTENSION hstore SCHEMA public").doing(|| tr!(
        "Creating the extension hstore"
    )).map_err(
        |error| {
            error.hint(tr!(
                "Ask an administrator of the database to run “CREATE EXTENSION hstore SCHEMA public” (on Linux it is in the package of PostgreSQL's contrib modules)."
            ))
        },
    )?;
    hstore(client)?
        .ok_or_else(|| Error::internal("The extension hstore was created and is not there."))
}

/// Installs LizSync in a central database, in one transaction; returns the sentence for the user.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) when a schema is there and may not be dropped, naming
/// it and what it holds.
pub fn create(central: &mut Connection, overrides: Override, feedback: &Feedback) -> Result<Text> {
    let name = central.describe().to_owned();
    let mut transaction = central
        .transaction()
        .doing(|| tr!("Starting a transaction"))?;
    // Refuses a database that cannot be used before it tells what would be dropped.
    identity::cluster(&mut transaction).map_err(|error| error.during(tr!("The {name}", name)))?;
    let mut dropped = Vec::new();
    let mut refused = Vec::new();
    for (schema, may_drop) in [("audit", overrides.audit), ("lizsync", overrides.lizsync)] {
        let exists: bool = transaction
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)",
                &[&schema],
            )
            .doing(|| tr!("Looking for existing schemas"))?
            .get(0);
        if exists {
            let held = holdings(&mut transaction, schema)?;
            if may_drop {
                dropped.push((schema, held));
            } else {
                refused.push(tr!("schema {schema} exists and holds {held}", schema, held));
            }
        }
    }
    if !refused.is_empty() {
        return Err(Error::state(tr!(
            "Nothing was installed in {name}: {refused}.",
            name,
            refused = Text::clauses(refused)
        ))
        .hint(tr!(
            "Keep it, or tick the option that drops it with all its data."
        )));
    }
    for (schema, held) in &dropped {
        feedback.warning(tr!("Dropping schema {schema} with {held}.", schema, held));
        transaction
            .batch_execute(&format!("DROP SCHEMA {} CASCADE", quote(schema)))
            .doing(|| tr!("Dropping schema {schema}", schema))?;
    }
    feedback.progress(30.0);
    feedback.info(tr!("Creating the schemas audit and lizsync."));
    install(&mut transaction)?;
    feedback.check()?;
    transaction.commit().doing(|| tr!("Installing LizSync"))?;
    feedback.progress(100.0);

    let mut sentences = vec![tr!(
        "LizSync {version} is installed in {name}.",
        version = VERSION,
        name
    )];
    for (schema, held) in &dropped {
        sentences.push(tr!(
            "The old schema {schema} was dropped with {held}.",
            schema,
            held
        ));
    }
    sentences.push(tr!("Next: “Prepare the central database”."));
    Ok(Text::sentences(sentences))
}

/// Describes the tables of a schema with their rows.
fn holdings(client: &mut impl GenericClient, schema: &str) -> Result<Text> {
    let rows = client
        .query(include_str!("../../sql/structure/holdings.sql"), &[&schema])
        .doing(|| tr!("Counting what schema {schema} holds", schema))?;
    let mut tables = Vec::new();
    for row in rows {
        let table = Table::new(schema, row.get::<_, String>("name"));
        let count: i64 = client
            .query_one(&format!("SELECT count(*) FROM {table}"), &[])
            .doing(|| tr!("Counting the rows of {table}", table = table.plain()))?
            .get(0);
        tables.push(match table.name.as_str() {
            "logged_actions" => tr!("{n} log entry" | "{n} log entries" % count.unsigned_abs()),
            "conflicts" => tr!("{n} conflict" | "{n} conflicts" % count.unsigned_abs()),
            name => tr!(
                "{rows} of {name}",
                rows = tr!("{n} row" | "{n} rows" % count.unsigned_abs()),
                name
            ),
        });
    }
    Ok(if tables.is_empty() {
        tr!("no tables")
    } else {
        Text::list(tables)
    })
}
