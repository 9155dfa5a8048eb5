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

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::feedback::Feedback;

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

/// Verifies a package without deploying it; returns the rows of its tables.
pub(crate) fn verify(path: &Path, feedback: &Feedback) -> Result<u64> {
    archive_reader::open(path, feedback, |_, _| ()).map(|package| package.manifest.rows())
}

/// A manifest, read and written.
pub(crate) fn rewritten_manifest(text: &[u8]) -> Result<String> {
    manifest::Manifest::from_json(text)?.to_json()
}

/// A script as it is executed.
pub(crate) fn wrapped_script(text: &[u8]) -> Result<String> {
    script::read(text.to_vec(), &crate::text::Text::verbatim("The script"))
        .map(|text| script::wrap(&text))
}
