//! Packages: a central database in a zip, and its deployment to a clone.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::Connection;

/// What to package.
#[derive(Debug, Clone)]
pub struct Request {
    /// The schemas.
    pub schemas: Vec<String>,
    /// The folder of `pg_dump`.
    pub binaries: PathBuf,
    /// SQL to run in the clone after the deployment.
    pub additional_sql: Option<PathBuf>,
    /// The zip to write.
    pub zip: PathBuf,
}

/// Writes a package; returns the sentence for the user.
pub fn create(_: &mut Connection, _: &Request, _: &Feedback) -> Result<String> {
    Err(Error::internal("not yet"))
}

/// Deploys a package; returns the sentence for the user.
pub fn deploy(_: &mut Connection, _: &mut Connection, _: &Path, _: &Feedback) -> Result<String> {
    Err(Error::internal("not yet"))
}
