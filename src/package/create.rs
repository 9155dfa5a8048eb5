//! Making a package of a central database.

use std::io::BufRead;
use std::path::Path;

use ::postgres::{GenericClient, IsolationLevel, Transaction};
use uuid::Uuid;

use super::Request;
use super::archive_writer::ArchiveWriter;
use super::dump::{PgDump, View};
use super::listed::Listed;
use super::manifest::{self, Central, Manifest};
use super::script;
use super::tables::{self, Source};
use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing, Table, quote};
use crate::secret::Secret;
use crate::structure::{self, Identity};
use crate::text::{Text, tr};

/// How often tables may change under the packaging before it gives up.
const ATTEMPTS: usize = 5;
/// Where the progress stands when the definitions are read, and when all rows are.
const DEFINED: f64 = 10.0;
const READ: f64 = 97.0;
/// How many bytes go to the zip at once.
const CHUNK: usize = 1 << 16;

/// Writes a package of the central; returns the sentence for the user.
///
/// Everything in it is read in one snapshot. The zip gets its name when it is complete; until then
/// there is only a temporary file beside it, which is deleted when anything fails.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter): schemas that do not exist.
/// [`Kind::State`](crate::error::Kind::State): not a central, or tables that are not prepared.
/// [`Kind::Program`](crate::error::Kind::Program): no `pg_dump`, or an older one than the server.
/// [`Kind::File`](crate::error::Kind::File): the zip or the additional SQL.
pub fn create(central: &mut Connection, wanted: &Request, feedback: &Feedback) -> Result<Text> {
    let identity = structure::require_central(central)?;
    let schemas = tables::schemas(&mut **central, &wanted.schemas, feedback)?;
    let listed = Listed::find(&mut **central, &schemas, &wanted.tables)?;
    if let Some(warning) = listed.warning() {
        feedback.warning(warning);
    }
    tables::refuse_unprepared(&mut **central, &schemas, &listed, feedback)?;
    let additional = wanted
        .additional_sql
        .as_deref()
        .map(additional)
        .transpose()?;
    let pg_dump = PgDump::find(&wanted.binaries, identity.cluster.version, feedback)?;
    let archive = ArchiveWriter::create(&wanted.zip)?;
    let packaging = Packaging {
        place: central.describe().to_owned(),
        environment: environment(central)?,
        identity,
        schemas,
        listed,
        additional,
        pg_dump,
        feedback,
    };
    for _ in 0..ATTEMPTS {
        feedback.check()?;
        let before = packaging.tables(&mut **central)?;
        let mut transaction = central
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()
            .doing(|| tr!("Starting a transaction"))?;
        lock(&mut transaction, &before)?;
        let tables = packaging.tables(&mut transaction)?;
        let same = before.len() == tables.len()
            && before
                .iter()
                .zip(&tables)
                .all(|(one, other)| one.is_same(other));
        if same {
            return packaging.write(transaction, &tables, archive, &wanted.zip);
        }
        feedback.info(tr!(
            "Tables were changed at this moment: looking at them again."
        ));
    }
    Err(Error::state(tr!(
        "The tables of these schemas are being changed again and again."
    ))
    .hint(tr!(
        "Run again when nobody creates, drops or alters tables."
    )))
}

fn additional(path: &Path) -> Result<String> {
    let name = tr!("The additional SQL file {path}", path = path.display());
    // Reading a pipe or a device may never end.
    let bytes = match path.exists() && !path.is_file() {
        true => Err(std::io::Error::other(tr!("it is no plain file"))),
        false => std::fs::read(path),
    };
    let bytes = bytes.map_err(|error| {
        Error::file(tr!("{name} cannot be read: {error}.", name, error))
            .hint(tr!("Check ADDITIONAL_SQL_FILE."))
    })?;
    script::read(bytes, &name)
}

/// How `pg_dump` reaches the database. It writes texts as its session reads them, and a package is read by the standard:
/// without this, backslashes would be doubled where the database or the role is set to the ways of old.
fn environment(central: &mut Connection) -> Result<Vec<(String, Secret)>> {
    const STANDARD: &str = "-c standard_conforming_strings=on";
    let old: bool = central
        .query_one(
            "SELECT s.reset_val = 'off' FROM pg_catalog.pg_settings AS s WHERE s.name = 'standard_conforming_strings'",
            &[],
        )
        .doing(|| tr!("Reading the settings of the session"))?
        .get(0);
    let mut environment = central.child_environment();
    if old {
        let given = environment.iter_mut().find(|(name, _)| name == "PGOPTIONS");
        match given {
            Some((_, options)) => {
                *options = Secret::new(format!("{} {STANDARD}", options.reveal()));
            }
            None => environment.push(("PGOPTIONS".to_owned(), Secret::new(STANDARD))),
        }
    }
    Ok(environment)
}

/// Keeps the tables from being truncated, rewritten or dropped. LOCK takes no snapshot, so the one
/// that follows shows every table as it is under the lock: a rewrite or TRUNCATE that came between
/// snapshot and COPY would make the rows vanish.
fn lock(client: &mut impl GenericClient, tables: &[Source]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = tables
        .iter()
        .map(|source| format!("ONLY {}", source.table))
        .collect();
    client
        .batch_execute(&format!(
            "LOCK TABLE {} IN ACCESS SHARE MODE",
            names.join(", ")
        ))
        .doing(|| tr!("Protecting the tables from being changed"))
}

/// What one packaging works with.
struct Packaging<'a> {
    place: Text,
    environment: Vec<(String, Secret)>,
    identity: Identity,
    schemas: Vec<String>,
    listed: Listed,
    additional: Option<String>,
    pg_dump: PgDump,
    feedback: &'a Feedback,
}

impl Packaging<'_> {
    /// The tables to package.
    fn tables(&self, client: &mut impl GenericClient) -> Result<Vec<Source>> {
        let mut sources = tables::list(client, &self.schemas)?;
        sources.retain(|source| self.listed.has(&source.table));
        Ok(sources)
    }

    /// Writes all members in the snapshot of `transaction`.
    fn write(
        &self,
        mut transaction: Transaction<'_>,
        sources: &[Source],
        mut archive: ArchiveWriter,
        zip: &Path,
    ) -> Result<Text> {
        let state = transaction
            .query_one(include_str!("../../sql/package/snapshot.sql"), &[])
            .doing(|| tr!("Taking the snapshot"))?;
        let extensions = tables::extensions(&mut transaction, &self.schemas, self.feedback)?;
        self.definitions(state.get("exported"), &mut archive)?;
        let tables = self.rows(&mut transaction, sources, &mut archive)?;
        let mut sequences = tables::sequences(&mut transaction, &self.schemas)?;
        sequences.retain(|s| self.listed.has(&Table::new(&*s.schema, &*s.name)));
        let sequences = serde_json::to_vec(&sequences).map_err(|error| {
            Error::internal(format!("The sequences cannot be written: {error}."))
        })?;
        archive.add(manifest::SEQUENCES, &sequences)?;
        if let Some(sql) = &self.additional {
            archive.add(manifest::ADDITIONAL, sql.as_bytes())?;
        }

        let package_id = Uuid::new_v4();
        let highest_event = transaction
            .query_one("SELECT lizsync.record_package($1)", &[&package_id])
            .doing(|| tr!("Recording the package in lizsync.history"))?
            .get(0);
        let central_id = self.identity.id()?;
        let manifest = Manifest {
            format: manifest::FORMAT.into(),
            format_version: manifest::FORMAT_VERSION,
            lizsync_version: crate::VERSION.into(),
            created: state.get("created"),
            package_id,
            central: Central {
                server_id: central_id,
                database: state.get("database"),
                server_version_num: self.identity.cluster.version,
                system_identifier: self.identity.cluster.system_identifier.to_string(),
                timeline: self.identity.cluster.timeline,
                highest_event,
            },
            pg_dump_version: self.pg_dump.version.clone(),
            snapshot: state.get("snapshot"),
            schemas: self.schemas.clone(),
            listed: self.listed.tables.as_deref().map(manifest::names),
            extensions,
            tables,
            members: archive.members().clone(),
        };
        archive.add(manifest::MANIFEST, manifest.to_json()?.as_bytes())?;
        let finished = archive.finish()?;
        self.feedback.check()?;
        transaction
            .commit()
            .doing(|| tr!("Recording the package in lizsync.history"))?;
        finished.publish()?;
        self.feedback.progress(100.0);
        Ok(tr!(
            "The package {zip} holds {schemas}, {tables} and {rows} of {place}.",
            zip = zip.display(),
            schemas = tr!("{n} schema" | "{n} schemas" % manifest.schemas.len() as u64),
            tables = tr!("{n} table" | "{n} tables" % manifest.tables.len() as u64),
            rows = tr!("{n} row" | "{n} rows" % manifest.rows()),
            place = self.place
        ))
    }

    /// The definitions of all objects, by `pg_dump`.
    fn definitions(&self, snapshot: &str, archive: &mut ArchiveWriter) -> Result<()> {
        let view = View {
            environment: &self.environment,
            snapshot,
            schemas: &self.schemas,
            left_out: &self.listed.left_out,
        };
        self.feedback.info(tr!(
            "Reading the definitions of {schemas}.",
            schemas = Text::list(&self.schemas)
        ));
        let sections = [
            (manifest::PRE_DATA, "pre-data"),
            (manifest::POST_DATA, "post-data"),
        ];
        for (done, (member, section)) in sections.into_iter().enumerate() {
            self.feedback.progress(DEFINED * done as f64 / 2.0);
            let dump = self.pg_dump.definitions(section, &view, self.feedback)?;
            let sql = script::portable(&dump, &self.schemas);
            if let Some(problem) = script::problem(&sql) {
                let message = tr!(
                    "pg_dump {version} wrote {what} in line {line} of its {section} section.",
                    version = self.pg_dump.version,
                    what = problem.what,
                    line = problem.line,
                    section
                );
                return Err(Error::new(Kind::Program, message).hint(
                    tr!(
                        "Set POSTGRESQL_BINARY_PATH to the folder of PostgreSQL's own pg_dump, of another version if it is that."
                    ),
                ));
            }
            archive.add(member, sql.as_bytes())?;
        }
        Ok(())
    }

    /// The rows of all tables, streamed from COPY to the zip.
    fn rows(
        &self,
        transaction: &mut Transaction<'_>,
        sources: &[Source],
        archive: &mut ArchiveWriter,
    ) -> Result<Vec<manifest::Table>> {
        let sources: Vec<_> = sources.iter().filter(|source| source.holds_rows).collect();
        // An empty table takes a moment, too.
        let weight = |source: &Source| source.bytes.max(0) as f64 + 8192.0;
        let total: f64 = sources.iter().map(|source| weight(source)).sum();
        let mut done = 0.0;
        let mut tables = Vec::with_capacity(sources.len());
        for (index, source) in sources.into_iter().enumerate() {
            let member = manifest::data_member(index);
            self.feedback.info(tr!(
                "Packaging the table {table}.",
                table = source.table.plain()
            ));
            let rows = self.table(transaction, source, &member, archive, |bytes| {
                let part = (done + (bytes as f64).min(weight(source))) / total;
                self.feedback.progress(DEFINED + (READ - DEFINED) * part);
            })?;
            done += weight(source);
            tables.push(manifest::Table {
                schema: source.table.schema.clone(),
                name: source.table.name.clone(),
                member,
                rows,
                columns: source.columns.clone(),
            });
        }
        Ok(tables)
    }

    /// The rows of one table; returns their number.
    fn table(
        &self,
        transaction: &mut Transaction<'_>,
        source: &Source,
        member: &str,
        archive: &mut ArchiveWriter,
        progress: impl Fn(u64),
    ) -> Result<u64> {
        let columns: Vec<_> = source.columns.iter().map(|name| quote(name)).collect();
        let sql = format!("COPY {} ({}) TO STDOUT", source.table, columns.join(", "));
        let doing = || tr!("Reading the table {table}", table = source.table.plain());
        let mut reader = transaction.copy_out(&sql).doing(doing)?;
        let mut writer = archive.member(member)?;
        let mut chunk = Vec::with_capacity(2 * CHUNK);
        let (mut rows, mut bytes) = (0, 0);
        loop {
            let part = reader.fill_buf().doing(doing)?;
            let length = part.len();
            chunk.extend_from_slice(part);
            reader.consume(length);
            if chunk.len() >= CHUNK || length == 0 {
                self.feedback.check()?;
                // In the text format a line is a row: a newline in a value is written as \n.
                rows += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
                bytes += chunk.len() as u64;
                writer.write(&chunk)?;
                progress(bytes);
                chunk.clear();
            }
            if length == 0 {
                break;
            }
        }
        writer.finish();
        Ok(rows)
    }
}
