//! The schemas `audit` and `lizsync` of a database: installing, preparing and upgrading them.

mod captured;
mod former;
mod identity;
mod initialize;
mod install;
mod relation;
mod uid;
mod upgrade;

pub use captured::{Uncaptured, uncaptured};
pub use identity::{
    CENTRAL_NAME, Cluster, Identity, Installed, cluster, compression, inspect, require,
    require_central, require_clone,
};
pub use initialize::initialize;
pub use install::{create, install};
pub use uid::{BUILTIN_UUID_SINCE, random_uuid};
pub use upgrade::upgrade;

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
    /// Only in these schemas; empty for all but the system's, `public` and our own.
    pub schemas: Vec<String>,
}
