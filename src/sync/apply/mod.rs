//! Applying what is staged: per table and set-based, in the order of the foreign keys. What the
//! receiver cannot take is marked as refused, and everything else goes through.

mod delete;
mod dependants;
mod late;
mod log;
mod narrow;
mod park;
mod readable;
mod refuse;
mod rewritten;
mod unique;
mod upsert;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::postgres::Row;
use uuid::Uuid;

use super::participant::Participant;
use super::receipt::count;
use super::refusal::{Refusal, Refusals};
use super::scope::Scope;
use super::stage::{Amount, Staged};
use super::tables::{Local, Reference};
use super::triggers;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Doing, path, quote};
use crate::text::{Text, tr};
use unique::Unique;

/// The defaults of columns.
const DEFAULTS: &str = include_str!("../../../sql/sync/defaults.sql");

/// What became of the staged changes of one side.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// Rows inserted, updated or deleted.
    pub rows: u64,
    /// Updates of rows that are not there, recorded as conflicts.
    pub missing: u64,
    /// Deletions of rows that are not there.
    pub absent: u64,
    /// Changes that were refused, and are to be set aside.
    pub refused: u64,
    /// Whether cascades changed rows otherwise than is staged: edits of this side, for the next pass.
    pub more: bool,
    /// Of the updates of rows that are not there, how many are of each table, by its number.
    pub missing_rows: BTreeMap<usize, u64>,
    /// How many rows of each table were deleted.
    pub deleted: BTreeMap<usize, u64>,
}

/// Applies the staged changes of a run to one side.
pub struct Apply<'a> {
    /// The side.
    pub receiver: &'a mut Participant,
    /// All tables.
    pub scope: &'a Scope,
    /// The foreign keys of the receiver that refer to them.
    pub references: &'a [Reference],
    /// The clone of the run.
    pub clone: Uuid,
    /// The run.
    pub sync_id: Uuid,
    /// Where messages go.
    pub feedback: &'a Feedback,
    /// The refusals of the run; those of the transfer are there already.
    pub refusals: &'a mut Refusals,
    /// What was found out by the passes so far.
    pub found: Found,
}

/// What a pass found out and the next one has to know.
#[derive(Debug, Default)]
pub struct Found {
    /// Rows that were refused: table, row, refusal.
    refused: Vec<(usize, Uuid, i32)>,
    /// Deferrable constraints to be checked at once, as SQL: so the rows that violate them are found.
    at_once: BTreeSet<String>,
    /// Whether what was refused makes another pass necessary.
    again: bool,
    /// For each table, columns that the sender does not have any more, but has edited.
    left: BTreeMap<usize, BTreeSet<Arc<str>>>,
    /// The tables that the sender has inserted rows into.
    inserts: BTreeSet<usize>,
    /// The defaults of the columns of the receiver's tables (oid, column), as SQL.
    defaults: BTreeMap<u32, BTreeMap<String, String>>,
    /// The search path of what users have made, while it may run.
    path: String,
    /// The unique indexes of tables that were looked at.
    uniques: BTreeMap<usize, Vec<Unique>>,
    /// How many rows of each table the pass has deleted.
    deleted: BTreeMap<usize, u64>,
}

impl Apply<'_> {
    /// Applies what is staged; the numbers of tables ascend from parents to children.
    ///
    /// # Errors
    /// What PostgreSQL says, naming the table, where it is not about a row or a table that was to be
    /// written; a collision is told by its SQLSTATE.
    pub fn run(mut self, staged: &Staged) -> Result<Applied> {
        let scope = self.scope;
        let mut disabled = Vec::new();
        for &number in staged.keys().filter(|number| **number < scope.tables.len()) {
            let synced = &scope.tables[number];
            if triggers::disable(self.receiver, synced, self.feedback)? {
                disabled.push(number);
            }
        }
        let with = staged.iter().filter(|(_, amount)| amount.inserts > 0);
        self.found.inserts = with.map(|(number, _)| *number).collect();
        self.hold_tables(staged)?;
        self.find_left(staged)?;
        // Functions in checks and indexes may expect to find others.
        self.found.path = path::as_in_a_session(&mut *self.receiver.connection)?;
        self.read_defaults(staged)?;
        let mut applied = loop {
            self.execute("SAVEPOINT lizsync_pass", tr!("Beginning a pass"))?;
            self.found.again = false;
            self.found.deleted.clear();
            let applied = self.pass(staged)?;
            if !self.found.again {
                self.execute("RELEASE SAVEPOINT lizsync_pass", tr!("Ending a pass"))?;
                break applied;
            }
            self.feedback.check()?;
            self.execute(
                "ROLLBACK TO SAVEPOINT lizsync_pass; RELEASE SAVEPOINT lizsync_pass",
                tr!("Beginning a pass anew"),
            )?;
            self.mark_again()?;
        };
        self.execute(
            "SELECT pg_catalog.set_config('lizsync.applying', '', true)",
            tr!("Ending the apply"),
        )?;
        self.execute(path::PLAIN, tr!("Ending the apply"))?;
        applied.more = self.drop_echoes(staged)?;
        for number in disabled {
            triggers::enable(self.receiver, &scope.tables[number])?;
        }
        let refused = staged.values().map(|amount| amount.refused).sum();
        applied.refused = self.left("reason IS NOT NULL AND op IN ('I', 'U', 'D')", refused)?;
        Ok(applied)
    }

    /// Writes everything that was not refused. Where it then refuses something that other changes
    /// were built upon, `found.again` says that another pass is needed.
    fn pass(&mut self, staged: &Staged) -> Result<Applied> {
        let mut sql = "SET CONSTRAINTS ALL DEFERRED".to_owned();
        for constraint in &self.found.at_once {
            sql.push_str(&format!("; SET CONSTRAINTS {constraint} IMMEDIATE"));
        }
        self.execute(&sql, tr!("Deferring constraints"))?;
        let known = self.scope.tables.len();
        let numbers = |what: fn(&Amount) -> u64| -> Vec<usize> {
            let of = |(number, amount): (&usize, &Amount)| {
                (*number < known && what(amount) > 0).then_some(*number)
            };
            staged.iter().filter_map(of).collect()
        };
        let upserts = numbers(|amount| amount.upserts);
        let mut deletes = numbers(|amount| amount.deletes);
        deletes.reverse();

        let mut applied = Applied::default();
        // Rows that nothing refers to go first: they may free unique values.
        let mut deleted = self.delete_free(&deletes)?;
        for &number in &upserts {
            self.feedback.check()?;
            let name = self.scope.tables[number].table.plain();
            self.feedback.info(tr!(
                "Writing {name} to the {side}.",
                name,
                side = self.receiver.side
            ));
            let written = self.upsert_all(number)?;
            applied.rows += written;
            let missing = self.record_missing(number, staged[&number].upserts, written)?;
            applied.missing += missing;
            if missing > 0 {
                applied.missing_rows.insert(number, missing);
            }
        }
        self.refuse_dependants(&upserts, staged)?;
        for &number in &upserts {
            self.write_late(number)?;
        }
        self.settle(&upserts)?;
        deleted += self.delete_free(&deletes)?;
        deleted += self.delete_rest(&deletes)?;
        if !self.found.again {
            let known = staged
                .range(..known)
                .map(|(_, amount)| amount.deletes)
                .sum();
            let deletions = self.left("reason IS NULL AND op = 'D'", known)?;
            applied.absent = deletions.saturating_sub(deleted);
            applied.rows += deleted;
            applied.deleted = std::mem::take(&mut self.found.deleted);
            self.check_deferred(&upserts)?;
        }
        Ok(applied)
    }

    /// Checks the constraints that were deferred. Where one fails, the rows that violate it are refused,
    /// and another pass does without them.
    fn check_deferred(&mut self, upserts: &[usize]) -> Result<()> {
        self.execute("SAVEPOINT lizsync_check", tr!("Setting a savepoint"))?;
        let doing = tr!("Checking the constraints");
        let Err(error) = self.execute("SET CONSTRAINTS ALL IMMEDIATE", doing) else {
            return Ok(());
        };
        if Refusal::of(&error).is_none() {
            return Err(error);
        }
        self.execute(
            "ROLLBACK TO SAVEPOINT lizsync_check",
            tr!("Going back to a savepoint"),
        )?;
        let before = self.found.refused.len();
        self.refuse_violators(upserts)?;
        if self.found.refused.len() == before {
            // It has to be checked at once, though that may refuse rows which are valid in the end.
            let constraint = self.deferrable(&error)?;
            if !self.found.at_once.insert(constraint) {
                return Err(error);
            }
        }
        self.found.again = true;
        Ok(())
    }

    /// The constraint that an error names, as SQL; all of them where it names none that there is, as
    /// triggers do.
    fn deferrable(&mut self, error: &Error) -> Result<String> {
        let said = error.said().cloned().unwrap_or_default();
        let doing = || tr!("Looking for a constraint");
        let sql = "SELECT EXISTS (SELECT FROM pg_constraint AS c JOIN pg_namespace AS n ON n.oid = c.connamespace
                   WHERE n.nspname = $1 AND c.conname = $2 AND c.condeferrable)";
        let (Some(schema), Some(name)) = (said.schema, said.constraint) else {
            return Ok("ALL".to_owned());
        };
        let row = self
            .receiver
            .connection
            .query_one(sql, &[&schema, &name])
            .doing(doing)?;
        let known: bool = row.get(0);
        Ok(match known {
            true => format!("{}.{}", quote(&schema), quote(&name)),
            false => "ALL".to_owned(),
        })
    }

    /// Refuses the staged rows that violate constraints which are checked at the end, now that
    /// everything is written.
    fn refuse_violators(&mut self, upserts: &[usize]) -> Result<()> {
        for &number in upserts {
            self.refuse_orphans(number, true)?;
            self.refuse_collisions(number, false)?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, doing: Text) -> Result<()> {
        let side = self.receiver.side;
        self.receiver
            .connection
            .batch_execute(sql)
            .doing(|| tr!("{doing} in the {side}", doing, side))
    }

    /// The number of staged rows that meet a condition; `staged` did when they were staged, which is still so where
    /// nothing was refused since.
    fn left(&mut self, condition: &str, staged: u64) -> Result<u64> {
        match self.found.refused.is_empty() {
            true => Ok(staged),
            false => self.staged_changes(condition),
        }
    }

    /// The number of staged rows that meet a condition.
    fn staged_changes(&mut self, condition: &str) -> Result<u64> {
        let row = self
            .receiver
            .connection
            .query_one(
                &format!("SELECT count(*) FROM pg_temp.lizsync_stage WHERE {condition}"),
                &[],
            )
            .doing(|| tr!("Counting what was staged"))?;
        count(row.get(0))
    }

    /// The one row that a statement about a table returns.
    fn row(&mut self, number: usize, sql: &str) -> Result<Row> {
        let doing = self.doing(number);
        self.receiver.connection.query_one(sql, &[]).doing(doing)
    }

    /// Runs a statement about rows of a table; $1: their uids.
    fn write(&mut self, number: usize, sql: &str, uids: &[Uuid]) -> Result<u64> {
        let doing = self.doing(number);
        self.receiver.connection.execute(sql, &[&uids]).doing(doing)
    }

    /// The uids that a statement about a table returns in its first column.
    fn uids(&mut self, number: usize, sql: &str) -> Result<Vec<Uuid>> {
        let doing = self.doing(number);
        let rows = self.receiver.connection.query(sql, &[]).doing(doing)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Tells the triggers that this table is written by a synchronisation, which logs it itself.
    fn announce(&mut self, oid: u32) -> Result<()> {
        self.execute(
            &format!("SELECT pg_catalog.set_config('lizsync.applying', '{oid}', true)"),
            tr!("Announcing the table"),
        )
    }

    fn doing(&self, number: usize) -> impl FnOnce() -> Text + use<> {
        let name = self.scope.tables[number].table.plain();
        let side = self.receiver.side;
        move || tr!("Writing {name} to the {side}", name, side)
    }

    /// Finds out which columns are written that the sender does not have any more: others of the receiver
    /// are not touched, for the role may lack the right.
    fn find_left(&mut self, staged: &Staged) -> Result<()> {
        let scope = self.scope;
        for (&number, synced) in staged
            .keys()
            .filter_map(|n| Some((n, scope.tables.get(*n)?)))
        {
            let left: Vec<Arc<str>> = synced.left(self.receiver.side.other()).collect();
            if left.is_empty() {
                continue;
            }
            let names: Vec<&str> = left.iter().map(|name| &**name).collect();
            let sql = format!(
                "SELECT n.name FROM unnest($1::text[]) AS n (name) WHERE EXISTS (SELECT FROM pg_temp.lizsync_stage AS s
                 WHERE s.number = {number} AND s.op IN ('I', 'U') AND s.fields OPERATOR({}.?) n.name)",
                self.receiver.identity.hstore
            );
            let doing = self.doing(number);
            let rows = self
                .receiver
                .connection
                .query(&sql, &[&names])
                .doing(doing)?;
            let found: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let found = left
                .into_iter()
                .filter(|name| found.iter().any(|f| **f == **name));
            self.found.left.insert(number, found.collect());
        }
        Ok(())
    }

    /// Reads the defaults of the tables that are written.
    fn read_defaults(&mut self, staged: &Staged) -> Result<()> {
        let known = self.scope.tables.len();
        let numbers = staged.keys().filter(|number| **number < known);
        let oids: Vec<u32> = numbers.map(|number| self.local(*number).oid).collect();
        let rows = self
            .receiver
            .connection
            .query(DEFAULTS, &[&oids])
            .doing(|| tr!("Reading the defaults of columns"))?;
        for row in rows {
            let of_table = self.found.defaults.entry(row.get(0)).or_default();
            of_table.insert(row.get(1), row.get(2));
        }
        Ok(())
    }

    /// The defaults of the columns of a table, as SQL.
    fn defaults(&self, oid: u32) -> BTreeMap<String, String> {
        self.found.defaults.get(&oid).cloned().unwrap_or_default()
    }

    /// The columns of a table that are written.
    fn columns(&self, number: usize) -> BTreeSet<Arc<str>> {
        let left = self.found.left.get(&number).into_iter().flatten();
        let columns = self.scope.tables[number].columns.iter();
        columns.chain(left).cloned().collect()
    }

    /// The table as the receiver knows it.
    fn local(&self, number: usize) -> &Local {
        self.scope.tables[number].on(self.receiver.side)
    }

    /// The rows of a table in the receiver, as SQL behind FROM and UPDATE.
    fn rows_of(&self, number: usize) -> String {
        self.scope.tables[number].rows(self.receiver.side)
    }

    /// The number of the table of the receiver with that oid.
    fn number_of(&self, oid: u32) -> Option<usize> {
        let side = self.receiver.side;
        self.scope
            .tables
            .iter()
            .position(|synced| synced.on(side).oid == oid)
    }
}
