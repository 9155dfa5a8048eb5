//! Tables that somebody rewrites while a run reads.

use std::collections::BTreeSet;

use super::Apply;
use crate::error::{Error, Kind, Result};
use crate::postgres::Doing;
use crate::sync::stage::Staged;
use crate::text::tr;

impl Apply<'_> {
    /// Holds the tables that are written, and those that refer to them or that they refer to, as they are.
    ///
    /// `ALTER TABLE` may rewrite a table (another type of a column, a new column with a default that is
    /// computed). To a transaction that began before, it then looks empty: updates would find no row,
    /// and deletions nothing that refers to theirs.
    ///
    /// # Errors
    /// A collision, where one was rewritten since the transaction began.
    pub(super) fn hold_tables(&mut self, staged: &Staged) -> Result<()> {
        let tables = &self.scope.tables;
        let written: BTreeSet<u32> = staged
            .keys()
            .filter_map(|number| Some(tables.get(*number)?.on(self.receiver.side).oid))
            .collect();
        let related = self
            .references
            .iter()
            .filter(|r| written.contains(&r.child) || written.contains(&r.parent))
            .flat_map(|r| [r.child, r.parent]);
        let oids: Vec<u32> = written.iter().copied().chain(related).collect();
        let side = self.receiver.side;
        let doing = || tr!("Locking the tables of the {side}", side);
        let names: Option<String> = self
            .receiver
            .connection
            .query_one(include_str!("../../../sql/sync/readable.sql"), &[&oids])
            .doing(doing)?
            .get(0);
        let Some(names) = names else {
            return Ok(());
        };
        let lock = format!("LOCK TABLE {names} IN ACCESS SHARE MODE");
        // What is gone by now is refused when it is its turn.
        if self
            .attempt(|apply| apply.execute(&lock, tr!("Locking the tables")))?
            .is_err()
        {
            return Ok(());
        }
        let rewritten = self
            .receiver
            .connection
            .query_opt(include_str!("../../../sql/sync/rewritten.sql"), &[&oids])
            .doing(doing)?;
        match rewritten {
            None => Ok(()),
            Some(row) => Err(Error::new(
                Kind::Database,
                tr!(
                    "The table {table} was rewritten in the {side} while the run was reading.",
                    table = row.get::<_, String>(0),
                    side
                ),
            )
            .sqlstate("40001")),
        }
    }
}
