//! Changes that the other side could not take. They wait in the clone, those of both sides, because
//! the clone commits first: whatever happens then, nothing is lost and nothing is applied twice. The
//! central has a list of its own ones.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::carry::carry;
use super::merge::Side;
use super::refusal::Refusals;
use super::run::Run;
use super::tables::Scope;
use crate::error::Result;
use crate::postgres::{Doing, literal};

const COLUMNS: &str = "owner, schema_name, table_name, uid, action, fields, edit_time, field_times, \
    user_name, sqlstate, constraint_name, message";

/// How many rows are named for each reason.
const NAMED: usize = 5;

impl Run<'_> {
    /// Forgets what was set aside, was sent by a later run, and has reached the central; `taken` is the
    /// last run that the central has. Returns whether anything waits.
    pub(super) fn recover_aside(&mut self, taken: Option<Uuid>) -> Result<bool> {
        let clone = &mut self.clone.connection;
        let doing = || "Reading what was set aside";
        let row = clone
            .query_one(
                "SELECT count(*) > 0, count(sent_in) > 0 FROM lizsync.set_aside",
                &[],
            )
            .doing(doing)?;
        let (any, sent): (bool, bool) = (row.get(0), row.get(1));
        if !sent {
            return Ok(any);
        }
        clone
            .execute(
                "DELETE FROM lizsync.set_aside WHERE sent_in = $1",
                &[&taken],
            )
            .doing(doing)?;
        clone
            .execute(
                "UPDATE lizsync.set_aside SET sent_in = NULL WHERE sent_in IS NOT NULL",
                &[],
            )
            .doing(doing)?;
        let row = clone
            .query_one("SELECT EXISTS (SELECT FROM lizsync.set_aside)", &[])
            .doing(doing)?;
        Ok(row.get(0))
    }

    /// Writes what could not be applied to both databases, and says so.
    pub(super) fn keep_aside(
        &mut self,
        scope: &Scope,
        refusals: &BySide,
        stored: bool,
    ) -> Result<()> {
        if !stored && refusals.is_empty() {
            return Ok(());
        }
        let doing = "Keeping what was set aside";
        let sql = self
            .clone
            .template(include_str!("../../sql/sync/aside.sql"))
            .sql();
        self.clone.connection.batch_execute(&sql).doing(|| doing)?;
        if let Some(query) = refused(scope, "central", &refusals.clone) {
            self.clone
                .connection
                .batch_execute(&format!(
                    "INSERT INTO pg_temp.lizsync_aside ({COLUMNS}) {query}"
                ))
                .doing(|| doing)?;
        }
        if let Some(query) = refused(scope, "clone", &refusals.central) {
            carry(
                &mut self.central.connection,
                &query,
                &mut self.clone.connection,
                "pg_temp.lizsync_aside",
                COLUMNS,
                doing,
            )?;
        }
        let sql = self
            .clone
            .template(include_str!("../../sql/sync/keep_aside.sql"))
            .set("tables", scope.values())
            .sql();
        self.clone
            .connection
            .execute(&sql, &[&self.clone.id, &self.sync_id])
            .doing(|| doing)?;
        self.list_in_central()?;
        self.tell_aside()
    }

    /// The central's list of its own changes that this clone could not take.
    fn list_in_central(&mut self) -> Result<()> {
        let doing = "Listing what was set aside in the central";
        let sql = self
            .central
            .template(include_str!("../../sql/sync/aside.sql"))
            .sql();
        self.central
            .connection
            .batch_execute(&sql)
            .doing(|| doing)?;
        let columns = format!("{COLUMNS}, first_time");
        carry(
            &mut self.clone.connection,
            &format!(
                "SELECT {columns} FROM lizsync.set_aside WHERE owner = 'central' AND clone_id = '{}'",
                self.clone.id
            ),
            &mut self.central.connection,
            "pg_temp.lizsync_aside",
            &columns,
            doing,
        )?;
        let central = &mut self.central.connection;
        central
            .execute(
                "DELETE FROM lizsync.set_aside WHERE clone_id = $1",
                &[&self.clone.id],
            )
            .doing(|| doing)?;
        central
            .execute(
                &format!(
                    "INSERT INTO lizsync.set_aside (clone_id, sync_id, {columns})
                     SELECT $1, $2, {columns} FROM pg_temp.lizsync_aside"
                ),
                &[&self.clone.id, &self.sync_id],
            )
            .doing(|| doing)?;
        Ok(())
    }

    /// Names what was set aside, by reason.
    fn tell_aside(&mut self) -> Result<()> {
        let rows = self
            .clone
            .connection
            .query(
                "SELECT owner, schema_name || '.' || table_name, message, uid::text
                 FROM pg_temp.lizsync_aside ORDER BY 1, 2, 3, 4",
                &[],
            )
            .doing(|| "Reading what was set aside")?;
        let mut reasons: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
        for row in rows {
            let key = (row.get(0), row.get(1), row.get(2));
            reasons.entry(key).or_default().push(row.get(3));
        }
        for ((owner, table, message), uids) in reasons {
            let owner = if owner == Side::Central.name() {
                Side::Central
            } else {
                Side::Clone
            };
            let more = match uids.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            self.feedback.warning(format!(
                "Set aside: {table} {}{more} of {} cannot be written to {}: {message}",
                uids[..uids.len().min(NAMED)].join(", "),
                owner.full(),
                owner.other().full()
            ));
        }
        Ok(())
    }

    /// Takes out of the clone what the central has committed. Where that fails, the next run does it.
    pub(super) fn clear_aside(&mut self) {
        let sql = "DELETE FROM lizsync.set_aside WHERE sent_in = $1";
        if let Err(error) = self.clone.connection.execute(sql, &[&self.sync_id]) {
            log::debug!("clearing what was set aside: {error}");
        }
    }
}

/// Why each side refused changes of the other one.
#[derive(Debug, Clone, Default)]
pub(super) struct BySide {
    /// Refusals of the central.
    pub(super) central: Refusals,
    /// Refusals of the clone.
    pub(super) clone: Refusals,
}

impl BySide {
    fn is_empty(&self) -> bool {
        self.central.is_empty() && self.clone.is_empty()
    }
}

/// The query of the refused changes in a staging table; None where there are none.
fn refused(scope: &Scope, owner: &str, refusals: &Refusals) -> Option<String> {
    if refusals.is_empty() {
        return None;
    }
    let rows: Vec<String> = refusals
        .iter()
        .enumerate()
        .map(|(number, refusal)| {
            let constraint = refusal.constraint.as_deref().map(literal);
            format!(
                "({number}, {}::text, {}::text, {}::text)",
                literal(&refusal.sqlstate),
                constraint.as_deref().unwrap_or("NULL"),
                literal(&refusal.message)
            )
        })
        .collect();
    Some(
        crate::postgres::Template::new(include_str!("../../sql/sync/refused.sql"))
            .set("tables", scope.values())
            .set("owner", literal(owner))
            .set("refusals", rows.join(", "))
            .sql(),
    )
}
