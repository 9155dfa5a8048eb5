//! Changes that the other side could not take. They wait in the clone, those of both sides, because
//! the clone commits first: whatever happens then, nothing is lost and nothing is applied twice. The
//! central has a list of its own ones.

use std::collections::BTreeMap;

use super::begin::Begun;
use super::carry::{carry, hand_over};
use super::lineage;
use super::merge::Side;
use super::receipt::count;
use super::refusal::{BySide, Refusals};
use super::run::Run;
use super::scope::Scope;
use crate::error::Result;
use crate::language::Language;
use crate::postgres::{Doing, Template, literal};
use crate::text::{Text, tr};

const COLUMNS: &str = "owner, schema_name, table_name, uid, action, fields, edit_time, field_times, \
    user_name, sqlstate, constraint_name, message";

/// How many rows are named for each reason.
const NAMED: usize = 5;

impl Run<'_> {
    /// How many changes are set aside in the clone.
    pub(super) fn waiting(&mut self) -> Result<u64> {
        let sql = "SELECT count(*) FROM lizsync.set_aside WHERE clone_id = $1";
        let row = self
            .clone
            .connection
            .query_one(sql, &[&self.clone.id])
            .doing(|| tr!("Reading what was set aside"))?;
        count(row.get(0))
    }

    /// Writes what could not be applied to both databases, and says so.
    pub(super) fn keep_aside(
        &mut self,
        scope: &Scope,
        refusals: &BySide,
        begun: &Begun,
    ) -> Result<()> {
        // What the central lists of earlier runs goes with its new ledger entry.
        if !begun.stored && refusals.is_empty() {
            return Ok(());
        }
        let doing = || tr!("Keeping what was set aside");
        let language = self.feedback.language();
        self.clone
            .connection
            .batch_execute(&format!(
                "CREATE TEMPORARY TABLE lizsync_aside ON COMMIT DROP AS
                 SELECT {COLUMNS} FROM lizsync.set_aside WITH NO DATA"
            ))
            .doing(doing)?;
        if let Some(query) = refused(scope, "central", &refusals.clone, language) {
            self.clone
                .connection
                .batch_execute(&format!(
                    "INSERT INTO pg_temp.lizsync_aside ({COLUMNS}) {query}"
                ))
                .doing(doing)?;
        }
        if let Some(query) = refused(scope, "clone", &refusals.central, language) {
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
            .set("clone", literal(&self.clone.id.to_string()))
            .set("run", literal(&self.sync_id.to_string()))
            .set("missing", lineage::list(&begun.missing))
            .sql();
        self.clone.connection.batch_execute(&sql).doing(doing)?;
        self.list_in_central()?;
        self.describe_aside()
    }

    /// The central's list of its own changes that this clone could not take.
    fn list_in_central(&mut self) -> Result<()> {
        let doing = || tr!("Listing what was set aside in the central");
        let list = format!(
            "SELECT lizsync.list_aside('{}', '{}', $1::text::jsonb)",
            self.clone.id, self.sync_id
        );
        let central = &mut self.central.connection;
        let query = self
            .clone
            .template(include_str!("../../sql/sync/waiting.sql"))
            .set("clone", literal(&self.clone.id.to_string()))
            .sql();
        hand_over(&mut self.clone.connection, &query, central, &list, doing)
    }

    /// Names what was set aside, by reason, for the end of the run.
    fn describe_aside(&mut self) -> Result<()> {
        let rows = self
            .clone
            .connection
            .query(
                "SELECT owner, schema_name || '.' || table_name, message, uid::text
                 FROM pg_temp.lizsync_aside ORDER BY 1, 2, 3, 4",
                &[],
            )
            .doing(|| tr!("Reading what was set aside"))?;
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
            let uids = match uids.len().saturating_sub(NAMED) {
                0 => Text::list(&uids),
                more => tr!(
                    "{uids} and {n} more" | "{uids} and {n} more" % more,
                    uids = Text::list(&uids[..NAMED])
                ),
            };
            self.aside.push(tr!(
                "Set aside: {table} {uids} of {owner} cannot be written to {receiver}: {message}",
                table,
                uids,
                owner = owner.full(),
                receiver = owner.other().full(),
                message
            ));
        }
        Ok(())
    }
}

/// The query of the refused changes in a staging table; None where there are none.
/// Why is kept in the language of the run: for whoever looks into the table.
fn refused(scope: &Scope, owner: &str, refusals: &Refusals, language: Language) -> Option<String> {
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
                literal(&refusal.message.in_language(language))
            )
        })
        .collect();
    Some(
        Template::new(include_str!("../../sql/sync/refused.sql"))
            .set("tables", scope.values())
            .set("owner", literal(owner))
            .set("refusals", rows.join(", "))
            .sql(),
    )
}
