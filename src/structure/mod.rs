//! The schemas `audit` and `lizsync` of a database: installing, preparing and upgrading them.

use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::Connection;

/// Which existing schemas an installation may drop.
#[derive(Debug, Clone, Copy)]
pub struct Override {
    /// Schema `audit`.
    pub audit: bool,
    /// Schema `lizsync`.
    pub lizsync: bool,
}

/// What to prepare in a central database.
#[derive(Debug, Clone)]
pub struct Preparation {
    /// Give it a server id.
    pub server_id: bool,
    /// Add `uid` columns.
    pub uid_columns: bool,
    /// Add audit triggers.
    pub audit_triggers: bool,
    /// Only in these schemas; empty for all but the system's and our own.
    pub schemas: Vec<String>,
}

pub fn create(_: &mut Connection, _: Override, _: &Feedback) -> Result<String> {
    Err(Error::internal("not yet"))
}
pub fn initialize(_: &mut Connection, _: &Preparation, _: &Feedback) -> Result<String> {
    Err(Error::internal("not yet"))
}
pub fn upgrade(_: &mut Connection, _: bool, _: &Feedback) -> Result<String> {
    Err(Error::internal("not yet"))
}
