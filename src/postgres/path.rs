//! The search path. Sessions have `pg_catalog` alone, so that nothing that somebody made is taken for what
//! PostgreSQL brings; where functions of users' run, they find what they find in a session of the role.

use ::postgres::GenericClient;

use super::{Doing, literal};
use crate::error::Result;
use crate::text::tr;

/// Until the end of the transaction: `pg_catalog`, then what a session of this role in this database has by
/// default. Returns it. What is run so must name operators and functions exactly: with their schema, or for the very
/// types that `pg_catalog` has them for.
pub fn as_in_a_session(client: &mut impl GenericClient) -> Result<String> {
    let row = client
        .query_one(include_str!("../../sql/search_path.sql"), &[])
        .doing(|| tr!("Setting the search path"))?;
    Ok(row.get(0))
}

/// The statement that sets the search path until the end of the transaction.
pub fn set(path: &str) -> String {
    format!(
        "SELECT pg_catalog.set_config('search_path', {}, true)",
        literal(path)
    )
}

/// The statement that goes back to `pg_catalog` alone.
pub const PLAIN: &str = "SET LOCAL search_path = pg_catalog";
