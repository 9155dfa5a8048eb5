//! Installing the schemas `audit` and `lizsync`.

use ::postgres::GenericClient;

use super::uid::random_uuid;
use super::{Override, identity};
use crate::VERSION;
use crate::error::{Error, Result};
use crate::feedback::{Feedback, counted};
use crate::postgres::{Connection, Doing, Table, Template, literal, quote};

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
        .doing(|| format!("Creating the schema {schema}"))?;
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
        .doing(|| format!("Describing the schema {schema}"))
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
            .doing(|| "Creating the tables of the schemas audit and lizsync")?;
    }
    Ok(())
}

const DOING: fn() -> &'static str = || "Creating the functions of the schemas audit and lizsync";

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
        .doing(|| "Recording the version in lizsync.sys_structure_metadonnee")?;
    Ok(())
}

fn fill(text: &str, hstore: &str) -> String {
    Template::new(text).set("hstore", hstore).sql()
}

/// The quoted schema of the extension hstore, which is created where it is missing.
fn extension(client: &mut impl GenericClient) -> Result<String> {
    let find = "SELECT quote_ident(n.nspname) FROM pg_extension AS e
                JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'hstore'";
    let doing = || "Looking for the extension hstore";
    if let Some(row) = client.query_opt(find, &[]).doing(doing)? {
        return Ok(row.get(0));
    }
    client.batch_execute("CREATE EXTENSION hstore SCHEMA public").doing(|| "Creating the extension hstore").map_err(
        |error| {
            error.hint("Ask an administrator of the database to run “CREATE EXTENSION hstore SCHEMA public” (on Linux it is in the package of PostgreSQL's contrib modules).")
        },
    )?;
    Ok(client.query_one(find, &[]).doing(doing)?.get(0))
}

/// Installs LizSync in a central database, in one transaction; returns the sentence for the user.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) when a schema is there and may not be dropped, naming
/// it and what it holds.
pub fn create(
    central: &mut Connection,
    overrides: Override,
    feedback: &Feedback,
) -> Result<String> {
    let name = central.describe().to_owned();
    let mut transaction = central.transaction().doing(|| "Starting a transaction")?;
    // Refuses a database that cannot be used before it tells what would be dropped.
    identity::cluster(&mut transaction).map_err(|error| error.during(format!("The {name}")))?;
    let mut dropped = Vec::new();
    let mut refused = Vec::new();
    for (schema, may_drop) in [("audit", overrides.audit), ("lizsync", overrides.lizsync)] {
        let exists: bool = transaction
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)",
                &[&schema],
            )
            .doing(|| "Looking for existing schemas")?
            .get(0);
        if exists {
            let held = holdings(&mut transaction, schema)?;
            if may_drop {
                dropped.push((schema, held));
            } else {
                refused.push(format!("schema {schema} exists and holds {held}"));
            }
        }
    }
    if !refused.is_empty() {
        return Err(Error::state(format!(
            "Nothing was installed in {name}: {}.",
            refused.join("; ")
        ))
        .hint("Keep it, or tick the option that drops it with all its data."));
    }
    for (schema, held) in &dropped {
        feedback.warning(format!("Dropping schema {schema} with {held}."));
        transaction
            .batch_execute(&format!("DROP SCHEMA {} CASCADE", quote(schema)))
            .doing(|| format!("Dropping schema {schema}"))?;
    }
    feedback.progress(30.0);
    feedback.info("Creating the schemas audit and lizsync.");
    install(&mut transaction)?;
    feedback.check()?;
    transaction.commit().doing(|| "Installing LizSync")?;
    feedback.progress(100.0);

    let mut sentence = format!("LizSync {VERSION} is installed in {name}.");
    for (schema, held) in &dropped {
        sentence.push_str(&format!(
            " The old schema {schema} was dropped with {held}."
        ));
    }
    sentence.push_str(" Next: “Prepare the central database”.");
    Ok(sentence)
}

/// Describes the tables of a schema with their rows.
fn holdings(client: &mut impl GenericClient, schema: &str) -> Result<String> {
    let rows = client
        .query(include_str!("../../sql/structure/holdings.sql"), &[&schema])
        .doing(|| format!("Counting what schema {schema} holds"))?;
    let mut tables = Vec::new();
    for row in rows {
        let table = Table::new(schema, row.get::<_, String>("name"));
        let count: i64 = client
            .query_one(&format!("SELECT count(*) FROM {table}"), &[])
            .doing(|| format!("Counting the rows of {}", table.plain()))?
            .get(0);
        tables.push(match table.name.as_str() {
            "logged_actions" if count == 1 => "1 log entry".to_owned(),
            "logged_actions" => format!("{count} log entries"),
            "conflicts" => counted(count.unsigned_abs(), "conflict"),
            name => format!("{} of {name}", counted(count.unsigned_abs(), "row")),
        });
    }
    Ok(if tables.is_empty() {
        "no tables".into()
    } else {
        tables.join(", ")
    })
}
