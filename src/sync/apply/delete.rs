//! Deleting rows: only such that nothing refers to, so that no cascade runs, and no deletion takes rows
//! with it that the sender does not know.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Apply;
use crate::error::Result;
use crate::postgres::{Doing, Template, quote};
use crate::sync::receipt::count;
use crate::sync::refusal::Refusal;
use crate::sync::tables::Reference;
use crate::text::tr;

/// A staged deletion: its table and row.
type Doomed = (usize, Uuid);

/// What refers to a row that is to be deleted.
struct Holder {
    held: Doomed,
    /// The row that refers to it, where that one is to be deleted as well.
    by: Option<Doomed>,
    /// The foreign key.
    reference: usize,
}

impl Apply<'_> {
    /// Deletes staged rows that nothing refers to, until there are no more. `numbers`: children first.
    pub(super) fn delete_free(&mut self, numbers: &[usize]) -> Result<u64> {
        let oids: Vec<u32> = numbers
            .iter()
            .map(|number| self.local(*number).oid)
            .collect();
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
                let rows = self.delete_all(number)?;
                self.count_deleted(number, rows);
                deleted += rows;
            }
            all += deleted;
            if deleted == 0 || !again {
                return Ok(all);
            }
        }
    }

    /// Deletes what refers to each other and is referred to by nothing else; refuses the rest. To be
    /// called when everything else is done.
    pub(super) fn delete_rest(&mut self, numbers: &[usize]) -> Result<u64> {
        let mut left = BTreeSet::new();
        for &number in numbers {
            left.extend(
                self.still_there(number)?
                    .into_iter()
                    .map(|uid| (number, uid)),
            );
        }
        if left.is_empty() {
            return Ok(0);
        }
        let holders = self.holders(&left)?;
        let mut held: BTreeMap<Doomed, usize> = BTreeMap::new();
        loop {
            let before = held.len();
            for holder in &holders {
                let by_another = |by: Doomed| by != holder.held && held.contains_key(&by);
                if holder.by.is_none_or(by_another) {
                    held.entry(holder.held).or_insert(holder.reference);
                }
            }
            if held.len() == before {
                break;
            }
        }
        let knot: BTreeSet<Doomed> = left
            .iter()
            .filter(|row| !held.contains_key(row))
            .copied()
            .collect();
        let deleted = self.cut(&knot, &holders, numbers)?;
        for (row, reference) in held {
            self.refuse_held(row, Some(reference))?;
        }
        if deleted < knot.len() as u64 {
            for &number in numbers {
                for uid in self.still_there(number)? {
                    self.refuse_held((number, uid), None)?;
                }
            }
        }
        Ok(deleted)
    }

    /// Adds to the rows of a table that were deleted.
    fn count_deleted(&mut self, number: usize, rows: u64) {
        if rows > 0 {
            *self.found.deleted.entry(number).or_default() += rows;
        }
    }

    /// Staged deletions of a table that were not carried out.
    fn still_there(&mut self, number: usize) -> Result<Vec<Uuid>> {
        let sql = format!(
            "SELECT s.uid FROM pg_temp.lizsync_stage AS s JOIN {} AS t ON t.uid = s.uid
             WHERE s.number = {number} AND s.op = 'D' AND s.reason IS NULL",
            self.rows_of(number)
        );
        // Who may not read the table could not delete from it either: those rows are refused already.
        let found = self.attempt(|apply| apply.uids(number, &sql))?;
        Ok(found.unwrap_or_default())
    }

    fn holders(&mut self, left: &BTreeSet<Doomed>) -> Result<Vec<Holder>> {
        let mut holders = Vec::new();
        let references = self.references;
        let numbers: BTreeSet<usize> = left.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            let oid = self.local(number).oid;
            let parent = self.rows_of(number);
            for (place, reference) in references
                .iter()
                .enumerate()
                .filter(|(_, r)| r.parent == oid)
            {
                let child = self.number_of(reference.child);
                // A table that is not synchronised may have no uid.
                let uid = child.map_or("NULL::uuid", |_| "c.uid");
                let sql = format!(
                    "SELECT t.uid, {uid} FROM pg_temp.lizsync_stage AS s JOIN {parent} AS t ON t.uid = s.uid
                     JOIN {} AS c ON {} WHERE s.number = {number} AND s.op = 'D' AND s.reason IS NULL",
                    reference.child_rows,
                    reference.refers("c", "t")
                );
                let doing = self.doing(number);
                let rows = self
                    .attempt(|apply| apply.receiver.connection.query(&sql, &[]).doing(doing))?
                    .unwrap_or_default();
                holders.extend(rows.iter().map(|row| {
                    let by = child.and_then(|child| Some((child, row.get::<_, Option<Uuid>>(1)?)));
                    Holder {
                        held: (number, row.get(0)),
                        by: by.filter(|by| left.contains(by)),
                        reference: place,
                    }
                }));
            }
        }
        Ok(holders)
    }

    /// Deletes rows that only refer to each other: their references are taken away first, where they may
    /// be null.
    fn cut(
        &mut self,
        knot: &BTreeSet<Doomed>,
        holders: &[Holder],
        numbers: &[usize],
    ) -> Result<u64> {
        if knot.is_empty() {
            return Ok(0);
        }
        let mut loosen: BTreeMap<usize, Vec<Uuid>> = BTreeMap::new();
        for holder in holders.iter().filter(|holder| knot.contains(&holder.held)) {
            if let Some((_, uid)) = holder.by {
                loosen.entry(holder.reference).or_default().push(uid);
            }
        }
        for (place, uids) in loosen {
            let reference = &self.references[place];
            let Some(number) = self.number_of(reference.child) else {
                continue;
            };
            let columns: Vec<String> = reference
                .columns
                .iter()
                .filter(|(child, _)| self.local(number).nullable.contains(child))
                .map(|(child, _)| format!("{} = NULL", quote(child)))
                .collect();
            if columns.is_empty() {
                continue;
            }
            self.remember_as_it_was(number, &uids)?;
            self.announce(reference.child)?;
            let sql = format!(
                "UPDATE {} SET {} WHERE uid = ANY ($1)",
                self.rows_of(number),
                columns.join(", ")
            );
            let _refused = self.attempt(|apply| apply.write(number, &sql, &uids))?;
        }
        let mut deleted = self.delete_free(numbers)?;
        // What may not be null: rows of one table that only refer to each other can go together.
        for &number in numbers {
            let left = self.still_there(number)?;
            let uids: Vec<String> = left
                .into_iter()
                .filter(|uid| knot.contains(&(number, *uid)))
                .map(|uid| format!("'{uid}'"))
                .collect();
            if uids.is_empty() {
                continue;
            }
            let rows = format!(" AND s.uid IN ({})", uids.join(", "));
            let done = self.attempt(|apply| apply.delete_where(number, "", &rows))?;
            let rows = done.unwrap_or_default();
            self.count_deleted(number, rows);
            deleted += rows;
        }
        Ok(deleted)
    }

    /// Deletes the staged rows of a table that nothing refers to; `rows` is a further condition.
    pub(super) fn delete(&mut self, number: usize, rows: &str) -> Result<u64> {
        let unreferenced = self.unreferenced(self.local(number).oid);
        self.delete_where(number, &unreferenced, rows)
    }

    fn delete_where(&mut self, number: usize, unreferenced: &str, rows: &str) -> Result<u64> {
        let scope = self.scope;
        let synced = &scope.tables[number];
        let local = synced.on(self.receiver.side);
        self.announce(local.oid)?;
        let log = self.log(
            include_str!("../../../sql/sync/delete_log.sql"),
            None,
            synced,
        );
        let sql = Template::new(include_str!("../../../sql/sync/delete.sql"))
            .set("table", self.rows_of(number))
            .set("number", number.to_string())
            .set("unreferenced", unreferenced)
            .set("rows", rows)
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
                reference.child_rows,
                reference.refers("c", "t")
            ));
        }
        sql
    }

    /// Refuses a deletion that could not be carried out.
    fn refuse_held(&mut self, (number, uid): Doomed, reference: Option<usize>) -> Result<()> {
        let refusal = match reference.map(|place| &self.references[place]) {
            Some(Reference {
                name, child_name, ..
            }) => Refusal::new(
                "23503",
                Some(name),
                tr!(
                    "rows of {child_name} refer to it (foreign key “{name}”).",
                    child_name,
                    name
                ),
            ),
            None => Refusal::new(
                "LZ002",
                None,
                tr!("a trigger or a rule of the table keeps the row from being deleted."),
            ),
        };
        self.refuse(number, &[uid], refusal)
    }
}
