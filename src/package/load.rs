//! Filling a clone from a package, inside one transaction.

use std::io::Write;

use ::postgres::error::ErrorPosition;
use ::postgres::{GenericClient, Transaction};

use super::archive_reader::Package;
use super::manifest::{self, Extension, Manifest};
use super::script;
use super::tables::Sequence;
use crate::error::{Error, Result};
use crate::feedback::{Feedback, Level};
use crate::postgres::{Doing, literal, quote};
use crate::text::{Argument, Text, tr};

/// Creates the extensions that the package needs and the clone lacks.
///
/// # Errors
/// What PostgreSQL says, with how to install them; [`Kind::State`](crate::error::Kind::State) where one lives in another
/// schema than in the central.
pub(super) fn extensions(
    clone: &mut impl GenericClient,
    extensions: &[Extension],
    feedback: &Feedback,
) -> Result<()> {
    for extension in extensions {
        let Extension {
            name,
            schema,
            version,
        } = extension;
        let found = clone
            .query_opt(
                "SELECT n.nspname::text, e.extversion FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
                 WHERE e.extname = $1",
                &[name],
            )
            .doing(|| tr!("Looking for the extensions"))?;
        if let Some(row) = found {
            let (other_schema, other): (String, String) = (row.get(0), row.get(1));
            if other_schema != *schema {
                return Err(Error::state(tr!(
                    "The extension {name} is in the schema {other_schema} of the clone, but in {schema} of the central, and the packaged tables use it there.",
                    name,
                    other_schema,
                    schema
                ))
                .hint(tr!(
                    "Move it in the clone (ALTER EXTENSION {name} SET SCHEMA {schema}), or drop it there.",
                    name,
                    schema
                )));
            }
            if other != *version {
                feedback.message(
                    Level::Debug,
                    tr!(
                        "The extension {name} has version {other}, in the central {version}.",
                        name,
                        other,
                        version
                    ),
                );
            }
            continue;
        }
        feedback.info(tr!("Creating the extension {name}.", name));
        let schema = quote(schema);
        let sql = match schema.starts_with("\"pg_") {
            true => format!("CREATE EXTENSION {}", quote(name)),
            false => format!(
                "CREATE SCHEMA IF NOT EXISTS {schema}; CREATE EXTENSION {} SCHEMA {schema}",
                quote(name)
            ),
        };
        clone
            .batch_execute(&sql)
            .doing(|| tr!("Creating the extension {name}, which the package needs", name))
            .map_err(|error| {
                error.hint(tr!(
                    "Install {name} on the server of the clone (PostGIS: its postgis package; others: PostgreSQL's contrib modules), or ask an administrator to run “CREATE EXTENSION {name}” there.",
                    name
                ))
            })?;
    }
    Ok(())
}

/// Runs an SQL member made by `pg_dump`; its session settings end with it.
pub(super) fn definitions(clone: &mut impl GenericClient, sql: &str, what: Text) -> Result<()> {
    clone
        .batch_execute(&script::wrap(sql))
        .doing(|| tr!("Creating {what}", what))?;
    settle(clone)
}

/// Runs the additional SQL, with the search path that the role has in the clone.
///
/// # Errors
/// What PostgreSQL says, with the line.
pub(super) fn additional(clone: &mut impl GenericClient, sql: &str) -> Result<()> {
    let doing = || tr!("Running the additional SQL of the package (additional.sql)");
    clone.batch_execute("RESET search_path").doing(doing)?;
    let result = clone.batch_execute(&script::wrap(sql));
    let line = result.as_ref().err().and_then(|error| line(error, sql));
    result
        .doing(|| match line {
            Some(line) => tr!(
                "Running the additional SQL of the package (additional.sql), line {line}",
                line
            ),
            None => doing(),
        })
        .map_err(|error| match error.sqlstate_code() {
            Some("0A000" | "2D000") => error.hint(tr!(
                "Nothing was changed. The deployment is one transaction: the SQL must not begin or end one (BEGIN, COMMIT, ROLLBACK, SAVEPOINT)."
            )),
            _ => error.hint(tr!(
                "Nothing was changed. Correct the SQL file and make the package again."
            )),
        })?;
    settle(clone)?;
    // Constraint triggers that wait for the commit may still write.
    clone
        .batch_execute("SET CONSTRAINTS ALL IMMEDIATE")
        .doing(doing)
}

/// The line of the script that an error points to.
fn line(error: &::postgres::Error, sql: &str) -> Option<usize> {
    match error.as_db_error()?.position()? {
        ErrorPosition::Internal { position, query } if query.trim_end() == sql.trim_end() => {
            let before = query.chars().take((*position as usize).saturating_sub(1));
            Some(before.filter(|c| *c == '\n').count() + 1)
        }
        _ => None,
    }
}

/// Ends the settings that a script made, also those of the role, which RESET ALL leaves.
fn settle(clone: &mut impl GenericClient) -> Result<()> {
    clone
        .batch_execute(concat!(
            "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;",
            include_str!("../../sql/session.sql")
        ))
        .doing(|| tr!("Resetting the session"))
}

/// Loads the rows of all tables; `progress` is told how many bytes were loaded.
///
/// # Errors
/// What PostgreSQL says of a row, with the table; [`Kind::File`](crate::error::Kind::File) where the zip is no longer what it
/// was or holds another number of rows than its manifest says.
pub(super) fn rows(
    clone: &mut Transaction<'_>,
    package: &mut Package,
    feedback: &Feedback,
    progress: impl Fn(u64),
) -> Result<()> {
    let mut bytes = 0;
    for table in package.manifest.tables.clone() {
        let name = table.table().plain();
        feedback.info(tr!("Loading the table {name}.", name));
        let columns: Vec<_> = table.columns.iter().map(|column| quote(column)).collect();
        let sql = format!("COPY {} ({}) FROM STDIN", table.table(), columns.join(", "));
        let doing = || tr!("Loading the table {name}", name);
        let mut writer = clone.copy_in(&sql).doing(doing)?;
        let mut broken = None;
        let streamed = package.stream(&table.member, |chunk| {
            feedback.check()?;
            bytes += chunk.len() as u64;
            progress(bytes);
            writer.write_all(chunk).map_err(|error| {
                broken = Some(error);
                Error::internal("The server takes no more rows.")
            })
        });
        // When the server refuses a row, only the end of the COPY says why.
        let loaded = match (streamed, broken) {
            (Ok(()), _) => writer.finish().doing(doing)?,
            (Err(_), Some(error)) => match writer.finish() {
                Err(reason) if reason.as_db_error().is_some() => Err(reason).doing(doing)?,
                _ => Err(error).doing(doing)?,
            },
            (Err(error), None) => return Err(error),
        };
        if loaded != table.rows {
            return Err(Error::file(tr!(
                "The package holds {loaded} rows of {name} instead of {rows}.",
                loaded,
                name,
                rows = table.rows
            ))
            .hint(tr!(
                "Make the package again, or fetch the file again. Nothing was changed."
            )));
        }
    }
    Ok(())
}

/// Sets the sequences to where they stand in the central.
///
/// # Errors
/// [`Kind::File`](crate::error::Kind::File) where the member cannot be read.
pub(super) fn sequences(
    clone: &mut impl GenericClient,
    json: &[u8],
    manifest: &Manifest,
) -> Result<()> {
    let wrong = |what: Text| {
        let message = tr!(
            "The member {name} cannot be used: {what}.",
            name = manifest::SEQUENCES,
            what
        );
        Error::file(message).hint(tr!("Make the package again. Nothing was changed."))
    };
    let sequences: Vec<Sequence> =
        serde_json::from_slice(json).map_err(|error| wrong(error.text()))?;
    if let Some(other) = sequences
        .iter()
        .find(|s| !manifest.schemas.contains(&s.schema))
    {
        return Err(wrong(tr!(
            "the schema {schema} is not packaged",
            schema = other.schema
        )));
    }
    for some in sequences.chunks(100) {
        let calls: Vec<_> = some
            .iter()
            .map(|sequence| {
                let name = crate::postgres::Table::new(&sequence.schema, &sequence.name);
                format!(
                    "setval({}::regclass, {}, {})",
                    literal(&name.to_string()),
                    sequence.last_value,
                    sequence.is_called
                )
            })
            .collect();
        clone
            .batch_execute(&format!("SELECT {}", calls.join(", ")))
            .doing(|| tr!("Setting the sequences"))?;
    }
    Ok(())
}

/// Collects statistics, which nobody else may do on a small device.
pub(super) fn analyze(clone: &mut impl GenericClient, manifest: &Manifest) -> Result<()> {
    let tables: Vec<_> = manifest
        .tables
        .iter()
        .map(|t| t.table().to_string())
        .collect();
    if tables.is_empty() {
        return Ok(());
    }
    clone
        .batch_execute(&format!("ANALYZE {}", tables.join(", ")))
        .doing(|| tr!("Collecting statistics"))
}
