//! Applying what is staged: per table and set-based, in the order of the foreign keys.

use ::postgres::Row;
use uuid::Uuid;

use super::merge::Side;
use super::participant::Participant;
use super::stage::Staged;
use super::tables::{Local, Reference, Scope, Synced};
use super::triggers;
use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::postgres::{Doing, Template, literal, quote};

/// Rows that changed and staged changes that changed nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Applied {
    /// Rows inserted, updated or deleted.
    pub rows: u64,
    /// Updates of rows that are not there, recorded as conflicts.
    pub missing: u64,
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
}

impl Synced {
    /// The table as one side knows it.
    pub fn on(&self, side: Side) -> &Local {
        match side {
            Side::Central => &self.central,
            Side::Clone => &self.clone,
        }
    }
}

impl Apply<'_> {
    /// Applies what is staged; the numbers of tables ascend from parents to children.
    ///
    /// # Errors
    /// What PostgreSQL says, naming the table; a collision is told by its SQLSTATE.
    pub fn run(&mut self, staged: &Staged) -> Result<Applied> {
        let side = self.receiver.side;
        let mut applied = Applied::default();
        // Functions in check constraints and indexes may expect to find others in public.
        let sql = "SET CONSTRAINTS ALL DEFERRED; SET LOCAL search_path = pg_catalog, public";
        self.execute(sql, || "Preparing to write".into())?;
        let mut disabled = Vec::new();
        for &number in staged.keys() {
            let synced = &self.scope.tables[number];
            if triggers::disable(self.receiver, synced, self.feedback)? {
                disabled.push(number);
            }
        }
        // Rows that nothing refers to go first: they may free unique values.
        let with_deletes: Vec<usize> = staged
            .iter()
            .rev()
            .filter(|(_, amount)| amount.deletes > 0)
            .map(|(number, _)| *number)
            .collect();
        applied.rows += self.delete_free(&with_deletes)?;
        for (&number, _) in staged.iter().filter(|(_, amount)| amount.upserts > 0) {
            self.feedback.check()?;
            let name = self.scope.tables[number].table.plain();
            self.feedback
                .info(format!("Writing {name} to the {}.", side.name()));
            applied.missing += self.record_missing(number)?;
            applied.rows += self.upsert(number)?;
        }
        applied.rows += self.delete_free(&with_deletes)?;
        for &number in &with_deletes {
            self.refuse_held(number)?;
        }
        self.execute("SET CONSTRAINTS ALL IMMEDIATE", || {
            format!("Checking the constraints of the {}", side.name())
        })?;
        self.execute("SELECT set_config('lizsync.applying', '', true)", || {
            "Ending the apply".into()
        })?;
        self.drop_echoes()?;
        for number in disabled {
            triggers::enable(self.receiver, &self.scope.tables[number])?;
        }
        Ok(applied)
    }

    /// Takes out of the log what cascades did to rows whose end is staged.
    fn drop_echoes(&mut self) -> Result<()> {
        let sql = self
            .receiver
            .template(include_str!("../../sql/sync/echoes.sql"))
            .set("tables", self.scope.values())
            .sql();
        self.execute(&sql, || "Comparing cascades with what was staged".into())
    }

    fn execute(&mut self, sql: &str, doing: impl FnOnce() -> String) -> Result<()> {
        self.receiver.connection.batch_execute(sql).doing(doing)
    }

    /// The one row that a statement about a table returns.
    fn row(&mut self, number: usize, sql: &str) -> Result<Row> {
        let doing = self.doing(number);
        self.receiver.connection.query_one(sql, &[]).doing(doing)
    }

    /// Tells the triggers that this table is written by a synchronisation, which logs it itself.
    fn announce(&mut self, oid: u32) -> Result<()> {
        self.execute(
            &format!("SELECT set_config('lizsync.applying', '{oid}', true)"),
            || "Announcing the table".into(),
        )
    }

    fn doing(&self, number: usize) -> impl FnOnce() -> String + use<> {
        let name = self.scope.tables[number].table.plain();
        let side = self.receiver.side.name();
        move || format!("Writing {name} to the {side}")
    }

    fn upsert(&mut self, number: usize) -> Result<u64> {
        let scope = self.scope;
        let synced = &scope.tables[number];
        let local = synced.on(self.receiver.side);
        self.announce(local.oid)?;
        let columns: Vec<String> = synced.columns.iter().map(|name| quote(name)).collect();
        // A row that was logged before a column was added gets its default, as it did at the sender.
        let hstore = &self.receiver.identity.hstore;
        let values: Vec<String> = synced
            .columns
            .iter()
            .zip(&columns)
            .map(|(plain, name)| match local.defaults.get(&**plain) {
                Some(default) => format!(
                    "CASE WHEN i.fields OPERATOR({hstore}.?) {} THEN (i.new).{name} ELSE {default} END",
                    literal(plain)
                ),
                None => format!("(i.new).{name}"),
            })
            .collect();
        let assignments: Vec<String> = columns
            .iter()
            .filter(|column| *column != "\"uid\"")
            .map(|column| format!("{column} = (i.new).{column}"))
            .collect();
        // A table of nothing but a uid has nothing to update.
        let assignments = if assignments.is_empty() {
            "uid = (i.new).uid".to_owned()
        } else {
            assignments.join(", ")
        };
        let log = self.log(include_str!("../../sql/sync/upsert_log.sql"), synced);
        let sql = self
            .receiver
            .template(include_str!("../../sql/sync/upsert.sql"))
            .set("table", synced.table.to_string())
            .set("columns", columns.join(", "))
            .set("values", values.join(", "))
            .set("assignments", assignments)
            .set("number", number.to_string())
            .set("log", log)
            .sql();
        let row = self.row(number, &sql)?;
        count(row.get::<_, i64>(0) + row.get::<_, i64>(1))
    }

    /// Deletes staged rows that nothing refers to, until there are no more. So no cascade runs, and no
    /// deletion takes rows with it that the sender does not know. `numbers`: children first.
    fn delete_free(&mut self, numbers: &[usize]) -> Result<u64> {
        let own = |number: &usize| self.scope.tables[*number].on(self.receiver.side).oid;
        let oids: Vec<u32> = numbers.iter().map(own).collect();
        let place = |oid: u32| oids.iter().position(|other| *other == oid);
        // Only rows of one table, or of tables in a cycle, need another round.
        let again = self
            .references
            .iter()
            .any(|r| place(r.parent).is_some_and(|parent| place(r.child) >= Some(parent)));
        let mut all = 0;
        loop {
            let mut deleted = 0;
            for &number in numbers {
                deleted += self.delete(number)?;
            }
            all += deleted;
            if deleted == 0 || !again {
                return Ok(all);
            }
        }
    }

    /// Deletes the staged rows of a table that nothing refers to.
    fn delete(&mut self, number: usize) -> Result<u64> {
        let scope = self.scope;
        let synced = &scope.tables[number];
        let local = synced.on(self.receiver.side);
        self.announce(local.oid)?;
        let log = self.log(include_str!("../../sql/sync/delete_log.sql"), synced);
        let sql = self
            .receiver
            .template(include_str!("../../sql/sync/delete.sql"))
            .set("table", synced.table.to_string())
            .set("number", number.to_string())
            .set("unreferenced", self.unreferenced(local.oid))
            .set("log", log)
            .sql();
        let row = self.row(number, &sql)?;
        count(row.get(0))
    }

    /// The condition that no row refers to row `t` of a table, but perhaps itself.
    fn unreferenced(&self, oid: u32) -> String {
        let mut sql = String::new();
        for reference in self.references.iter().filter(|r| r.parent == oid) {
            let itself = if reference.child == oid {
                " AND c.uid <> t.uid"
            } else {
                ""
            };
            sql.push_str(&format!(
                " AND NOT EXISTS (SELECT FROM {} AS c WHERE {}{itself})",
                reference.child_name,
                reference.condition()
            ));
        }
        sql
    }

    /// Fails where a staged row could not be deleted, because rows refer to it.
    fn refuse_held(&mut self, number: usize) -> Result<()> {
        let scope = self.scope;
        let table = &scope.tables[number].table;
        let local = scope.tables[number].on(self.receiver.side);
        let held = format!(
            "{table} AS t JOIN pg_temp.lizsync_stage AS s ON s.uid = t.uid AND s.number = {number} AND s.op = 'D'"
        );
        let rows: i64 = self
            .row(number, &format!("SELECT count(*) FROM {held}"))?
            .get(0);
        if rows == 0 {
            return Ok(());
        }
        let mut children = Vec::new();
        for reference in self.references.iter().filter(|r| r.parent == local.oid) {
            let sql = format!(
                "SELECT EXISTS (SELECT FROM {held} JOIN {} AS c ON {})",
                reference.child_name,
                reference.condition()
            );
            let refers: bool = self.row(number, &sql)?.get(0);
            if refers {
                children.push(reference.child_name.clone());
            }
        }
        let (receiver, sender) = (self.receiver.side.name(), self.receiver.side.other().name());
        Err(Error::new(
            Kind::Database,
            format!(
                "{}: {rows} rows that the {sender} deleted cannot be deleted in the {receiver}, because rows of {} refer to them there. Nothing is lost.",
                table.plain(),
                children.join(", ")
            ),
        )
        .sqlstate("23503")
        .hint(format!(
            "In the {receiver}, delete those rows or let them refer to others, then synchronise again."
        )))
    }

    /// The sub-statement that writes the log of the central; a clone logs only its own edits.
    fn log(&self, text: &'static str, synced: &Synced) -> String {
        if self.receiver.side == Side::Clone {
            return String::new();
        }
        let uuid = |id: Uuid| format!("'{id}'::uuid");
        let template = Template::new(text)
            .set("schema_name", literal(&synced.table.schema))
            .set("table_name", literal(&synced.table.name))
            .set("oid", synced.central.oid.to_string())
            .set("origin", uuid(self.clone))
            .set("sync_id", uuid(self.sync_id));
        if text.contains("{hstore}") {
            template
                .set("hstore", self.receiver.identity.hstore.clone())
                .sql()
        } else {
            template.sql()
        }
    }

    fn record_missing(&mut self, number: usize) -> Result<u64> {
        let scope = self.scope;
        let synced = &scope.tables[number];
        // The sender's value is lost.
        let sender = self.receiver.side.other().name();
        let sql = self
            .receiver
            .template(include_str!("../../sql/sync/missing_rows.sql"))
            .set("table", synced.table.to_string())
            .set("number", number.to_string())
            .set("object_table", literal(&synced.table.plain()))
            .set("time_column", format!("{sender}_event_timestamp"))
            .set("value_column", format!("{sender}_value"))
            .set("user_column", format!("{sender}_user"))
            .sql();
        let missing = self
            .receiver
            .connection
            .execute(&sql, &[&self.clone, &self.sync_id, &sender])
            .doing(self.doing(number))?;
        if missing > 0 {
            self.feedback.warning(format!(
                "{}: {missing} edits of the {sender} are of rows that the {} does not hold; their values are kept in lizsync.conflicts.",
                synced.table.plain(),
                self.receiver.side.name()
            ));
        }
        Ok(missing)
    }
}

fn count(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::internal("A count is negative."))
}
