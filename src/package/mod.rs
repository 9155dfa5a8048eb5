//! Packages: a central database in a zip, and its deployment to a clone.

mod archive_reader;
mod archive_writer;
mod create;
mod deploy;
mod dump;
mod guard;
mod listed;
mod load;
mod manifest;
mod script;
mod tables;

use std::path::PathBuf;

pub use create::create;
pub use deploy::deploy;

/// What to package.
#[derive(Debug, Clone)]
pub struct Request {
    /// The schemas.
    pub schemas: Vec<String>,
    /// The tables of them, each with its schema where that was given; empty for all.
    pub tables: Vec<(Option<String>, String)>,
    /// The folder of `pg_dump`.
    pub binaries: PathBuf,
    /// SQL to run in the clone after the deployment.
    pub additional_sql: Option<PathBuf>,
    /// The zip to write.
    pub zip: PathBuf,
}
