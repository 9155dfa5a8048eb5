//! Inserting and updating rows.

use std::collections::{BTreeMap, BTreeSet};

use super::Apply;
use crate::error::{Error, Kind, Result, Said};
use crate::postgres::{Doing, Template, literal, quote};
use crate::sync::merge::Side;
use crate::sync::receipt::count;
use crate::sync::refusal::Refusal;
use crate::sync::scope::Synced;
use crate::sync::tables::Local;
use crate::text::tr;

/// What a statement does: a right may be lacking for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verbs {
    /// Inserting only.
    Insert,
    /// Updating only.
    Update,
    /// Both, in one statement.
    Both,
}

/// The code of a row that vanished without an error.
const SWALLOWED: &str = "LZ002";

impl Apply<'_> {
    /// Writes the staged rows of a table; `rows` is a further condition on them.
    ///
    /// # Errors
    /// A refusal where a row is not written.
    pub(super) fn upsert(&mut self, number: usize, rows: &str, verbs: Verbs) -> Result<u64> {
        let scope = self.scope;
        let synced = &scope.tables[number];
        let local = synced.on(self.receiver.side);
        self.announce(local.oid)?;
        // Without the other half the statement needs no right to it, and PostgreSQL plans no join with it.
        let verbs = match verbs {
            Verbs::Both if !self.found.inserts.contains(&number) => Verbs::Update,
            _ => verbs,
        };
        let late = self.late_columns(number);
        let hstore = self.receiver.identity.hstore.clone();
        let names = self.columns(number);
        let columns: Vec<String> = names.iter().map(|name| quote(name)).collect();
        let defaults = self.defaults(local.oid);
        // Triggers that could not be disabled may change what is written.
        let watched = !local.triggers.is_empty() && !local.owned;
        // A row that was logged before a column was added gets its default, as it did at the sender.
        let values: Vec<String> = names
            .iter()
            .zip(&columns)
            .map(|(plain, name)| match defaults.get(&**plain) {
                Some(default) => format!(
                    "CASE WHEN i.fields OPERATOR({hstore}.?) {}::text THEN (i.new).{name} ELSE {default} END",
                    literal(plain)
                ),
                None => format!("(i.new).{name}"),
            })
            .collect();
        let mut assignments = names
            .iter()
            .map(|name| &**name)
            .filter(|name| *name != "uid" && !late.contains(*name))
            // A trigger that looks at the stored form of a row sees it as it always was.
            .map(|name| match watched {
                true => assigned(std::iter::once(name)),
                false => given(name, &hstore),
            })
            .collect::<Vec<_>>()
            .join(", ");
        // A table of nothing but a uid has nothing to update.
        if assignments.is_empty() {
            assignments = "uid = t.uid".to_owned();
        }
        let (table, own) = (&synced.table, self.rows_of(number));
        let whole = format!("(t.*)::{table}");
        let none = format!("NULL::{table}");
        let logged = self.receiver.side == Side::Central;
        // Without values that nobody edited no large one is read: they stay as they are.
        let base = if local.has_domains || watched {
            &whole
        } else {
            &none
        };
        let row = if late.is_empty() {
            "n.row".to_owned()
        } else {
            format!(
                "n.row OPERATOR({hstore}.||) {hstore}.slice(i.fields, {})",
                array(&late)
            )
        };
        let entries = Template::new(include_str!("../../../sql/sync/upsert_log.sql"))
            .set("row", row)
            .sql();
        let altered = (watched && logged).then(|| {
            let columns = names.iter().map(|name| name.to_string());
            let columns = array(&columns.filter(|name| !late.contains(name)).collect());
            self.receiver
                .template(include_str!("../../../sql/sync/altered_log.sql"))
                .set("columns", columns)
                .sql()
        });
        let log = self.log(&entries, altered.as_deref(), synced);
        let updated = match watched {
            true => "(OPERATOR(pg_temp.@#) (t.*))".to_owned(),
            false => format!("NULL::{hstore}.hstore"),
        };
        let nothing =
            || format!("SELECT NULL::uuid AS uid, NULL::{hstore}.hstore AS row WHERE false");
        let update = match verbs {
            Verbs::Insert => nothing(),
            _ => format!(
                "UPDATE {own} AS t SET {assignments} FROM input AS i WHERE i.there AND t.uid = i.uid RETURNING t.uid, {updated} AS row"
            ),
        };
        let insert = match verbs {
            Verbs::Update => nothing(),
            _ => format!(
                "INSERT INTO {table} AS t ({}) SELECT {} FROM input AS i
                 WHERE NOT i.there AND (SELECT count(*) FROM updated) >= 0
                 RETURNING t.uid, (OPERATOR(pg_temp.@#) (t.*)) AS row",
                columns.join(", "),
                values.join(", ")
            ),
        };
        let sql = Template::new(include_str!("../../../sql/sync/upsert.sql"))
            .set("table", self.rows_of(number))
            .set("update", update)
            .set("insert", insert)
            .set("old", if logged { &whole } else { &none }.as_str())
            .set("base", base.as_str())
            .set("fields", self.fields(synced, &late))
            // A trigger may give a row another uid, under which nobody would look for it.
            .set(
                "known",
                if watched {
                    " WHERE uid IN (SELECT uid FROM input)"
                } else {
                    ""
                },
            )
            .set("number", number.to_string())
            .set("rows", rows)
            .set("log", log)
            .sql();
        let row = self.row(number, &sql)?;
        let [wanted, updated, inserted]: [i64; 3] = [row.get(0), row.get(1), row.get(2)];
        if wanted != updated + inserted {
            return Err(self.swallowed(number));
        }
        count(wanted)
    }

    /// A row that vanished without an error.
    pub(super) fn swallowed(&self, number: usize) -> Error {
        let message = tr!(
            "a trigger or a rule of the table keeps the row from being written, or gives it another uid."
        );
        let (table, side) = (&self.scope.tables[number].table, self.receiver.side);
        Error::new(
            Kind::Database,
            tr!(
                "Writing {table} to the {side}: {message}",
                table = table.plain(),
                side,
                message
            ),
        )
        .sqlstate(SWALLOWED)
        .with_said(Said {
            message,
            ..Said::default()
        })
    }

    /// What of a staged row is written at first, as SQL.
    pub(super) fn fields(&self, synced: &Synced, late: &BTreeSet<String>) -> String {
        let local = synced.on(self.receiver.side);
        self.fields_with(local, late, &self.defaults(local.oid))
    }

    /// The same with defaults that were printed for another search path.
    pub(super) fn fields_with(
        &self,
        local: &Local,
        late: &BTreeSet<String>,
        defaults: &BTreeMap<String, String>,
    ) -> String {
        let hstore = &self.receiver.identity.hstore;
        // A row that had to make room gets back what it gave up.
        let mut sql = format!("coalesce(s.before OPERATOR({hstore}.||) s.fields, s.fields)");
        if !late.is_empty() {
            sql = format!("{sql} OPERATOR({hstore}.-) {}", array(late));
        }
        // populate_record lets no domain be null that may not be, also where the column gets its
        // value later.
        for name in &local.stubborn {
            if let Some(default) = defaults.get(name) {
                sql = format!(
                    "(CASE WHEN t.uid IS NULL THEN {hstore}.hstore({}::text, ({default})::text) ELSE ''::{hstore}.hstore END) OPERATOR({hstore}.||) ({sql})",
                    literal(name)
                );
            }
        }
        sql
    }

    /// Records updates of rows that are not there, or not any more when it was their turn: those that
    /// were neither refused nor among the `written` ones. `upserts` were staged.
    pub(super) fn record_missing(
        &mut self,
        number: usize,
        upserts: u64,
        written: u64,
    ) -> Result<u64> {
        let staged = format!("number = {number} AND reason IS NULL AND op IN ('I', 'U')");
        let left = self.left(&staged, upserts)?.saturating_sub(written);
        if left == 0 {
            return Ok(0);
        }
        let scope = self.scope;
        let synced = &scope.tables[number];
        // The sender's value is lost.
        let sender = self.receiver.side.other();
        let sql = self
            .receiver
            .template(include_str!("../../../sql/sync/missing_rows.sql"))
            .set("table", self.rows_of(number))
            .set("number", number.to_string())
            .set("object_table", literal(&synced.table.plain()))
            .set("sender", sender.name())
            .sql();
        let doing = self.doing(number);
        let (clone, sync_id) = (self.clone, self.sync_id);
        let recorded = self.attempt(|apply| {
            apply
                .receiver
                .connection
                .query_one(&sql, &[&clone, &sync_id])
                .doing(doing)
        })?;
        let missing = match recorded {
            Ok(row) => count(row.get(0))?,
            // Who may not read the table cannot write it either: that says so.
            Err(refusal) if refusal.is_unreadable() => 0,
            Err(refusal) => {
                self.refuse_missing(number, refusal)?;
                0
            }
        };
        if missing > 0 {
            self.feedback.warning(tr!(
                "{table}: rows that the {sender} has updated are not in the {receiver} any more; {n} edit kept in lizsync.conflicts."
                    | "{table}: rows that the {sender} has updated are not in the {receiver} any more; {n} edits kept in lizsync.conflicts." % missing,
                table = synced.table.plain(),
                sender,
                receiver = self.receiver.side
            ));
        }
        // Should fewer be found, the receipt will tell.
        Ok(missing.min(left))
    }

    /// Refuses updates of rows that are not there, because they could not be recorded.
    fn refuse_missing(&mut self, number: usize, refusal: Refusal) -> Result<()> {
        let table = self.rows_of(number);
        let sql = format!(
            "SELECT s.uid FROM pg_temp.lizsync_stage AS s
             WHERE s.number = {number} AND s.op = 'U' AND s.reason IS NULL
               AND NOT EXISTS (SELECT FROM {table} AS t WHERE t.uid = s.uid)"
        );
        // Where they cannot even be looked for, writing them says so.
        if let Ok(uids) = self.attempt(|apply| apply.uids(number, &sql))? {
            self.refuse(number, &uids, refusal)?;
        }
        Ok(())
    }
}

/// The assignment of a column that keeps its value where the staged row has none for it: a large one is not
/// written anew.
fn given(name: &str, hstore: &str) -> String {
    format!(
        "{0} = CASE WHEN i.fields OPERATOR({hstore}.?) {1}::text OR i.before OPERATOR({hstore}.?) {1}::text THEN (i.new).{0} ELSE t.{0} END",
        quote(name),
        literal(name)
    )
}

/// `column = (i.new).column` for each.
pub(super) fn assigned<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let list: Vec<String> = names
        .map(|name| format!("{0} = (i.new).{0}", quote(name)))
        .collect();
    list.join(", ")
}

/// `row.column` for each.
pub(super) fn fields_of<'n>(row: &str, names: impl Iterator<Item = &'n str>) -> String {
    let list: Vec<String> = names.map(|name| format!("{row}.{}", quote(name))).collect();
    list.join(", ")
}

/// The condition that a staged row (an alias) has a value for one of these fields.
pub(super) fn has_any<'n>(row: &str, names: impl Iterator<Item = &'n str>, hstore: &str) -> String {
    let names = names.map(str::to_owned).collect();
    format!("{row}.fields OPERATOR({hstore}.?|) {}", array(&names))
}

/// Names as an SQL array of text.
pub(super) fn array(names: &BTreeSet<String>) -> String {
    let list: Vec<String> = names.iter().map(|name| literal(name)).collect();
    format!("ARRAY[{}]::text[]", list.join(", "))
}
