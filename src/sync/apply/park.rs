//! Unique values that change hands: two codes that swap, a chain of codes that move on, a code of a
//! row that can only be deleted later. The rows that are about to give a value up make room first.

use std::collections::{BTreeMap, BTreeSet};

use ::postgres::Row;
use uuid::Uuid;

use super::Apply;
use super::unique::Unique;
use super::upsert::has_any;
use crate::error::Result;
use crate::postgres::{Doing, Template, quote};
use crate::sync::refusal::Refusal;
use crate::sync::tables::Reference;
use crate::text::tr;

/// A staged row that wants a key which another row holds.
struct Collision {
    wanting: Uuid,
    holder: Uuid,
    /// Whether the holder is about to give the key up.
    changing: bool,
    /// Whether it is about to be deleted.
    deleted: bool,
}

/// What was done to make room for rows, and what is to be tried next.
#[derive(Default)]
pub(super) struct Room {
    /// For each unique index, the first of its stand-ins that may help.
    from: BTreeMap<String, usize>,
    /// The stand-ins that were taken.
    taken: BTreeMap<String, usize>,
    /// Foreign keys whose references are in the way of a key that changes.
    loose: BTreeSet<String>,
    /// How many references were taken away for them.
    loosened: u64,
}

impl Room {
    /// Goes on to what may help against a refusal, where there may be something.
    pub(super) fn answers(&mut self, refusal: &Refusal) -> bool {
        if refusal.is_held() {
            // An index of a partition has another name.
            let named = refusal.constraint.as_ref();
            let named = named.filter(|name| self.taken.contains_key(*name));
            for (name, choice) in &self.taken {
                if named.is_none_or(|named| named == name) {
                    self.from.insert(name.clone(), choice + 1);
                }
            }
            return true;
        }
        let referred = refusal.sqlstate == "23503";
        let constraint = refusal.constraint.clone().filter(|_| referred);
        constraint.is_some_and(|constraint| self.loose.insert(constraint))
    }
}

impl Apply<'_> {
    /// Makes rows give up the unique values that staged rows want, where they would give them up
    /// anyway, and staged rows the references to keys that change. Returns whether that may help; `rows` is a
    /// further condition on the staged rows.
    pub(super) fn make_room(&mut self, number: usize, rows: &str, room: &mut Room) -> Result<bool> {
        let mut loosened = 0;
        for constraint in &room.loose {
            loosened += self.loosen_changed(number, rows, constraint)?;
        }
        let mut taken = BTreeMap::new();
        let uniques = self.uniques(number)?;
        let fields = self.question_fields(number)?;
        for unique in uniques.iter().filter(|u| u.at_once) {
            let sql = self.collisions_sql(number, unique, &fields, rows);
            let collisions: Vec<Collision> = self
                .ask_once(number, &sql)?
                .unwrap_or_default()
                .iter()
                .map(Collision::of)
                .collect();
            if collisions.iter().any(|collision| !collision.changing) {
                // Whatever makes room, this row stays in the way.
                return Ok(false);
            }
            let mut holders: Vec<Uuid> = collisions.iter().map(|c| c.holder).collect();
            holders.sort_unstable();
            holders.dedup();
            if holders.is_empty() {
                continue;
            }
            let last = unique.rooms.len().saturating_sub(1);
            let from = room
                .from
                .get(&unique.name)
                .map_or(0, |from| *from.min(&last));
            let Some(choice) = self.give_up(number, unique, from, &holders)? else {
                return Ok(false);
            };
            taken.insert(unique.name.clone(), choice);
        }
        let news = taken != room.taken || loosened > room.loosened;
        (room.taken, room.loosened) = (taken, loosened);
        Ok(news)
    }

    /// Gives rows a stand-in for what they hold in a unique index: the first that they can have, of those
    /// from a certain one on. Returns which one it is.
    fn give_up(
        &mut self,
        number: usize,
        unique: &Unique,
        from: usize,
        holders: &[Uuid],
    ) -> Result<Option<usize>> {
        let table = self.rows_of(number);
        for (choice, stand_in) in unique.rooms.iter().enumerate().skip(from) {
            if self.would_unset(number, &stand_in.column, holders)? {
                continue;
            }
            // A rule may be against the stand-in, or it may be taken: the next one may do.
            let done = self.attempt(|apply| {
                let keys = |r: &Reference| r.columns.iter().any(|(_, name)| *name == stand_in.column);
                apply.loosen(number, keys, holders)?;
                apply.announce(apply.local(number).oid)?;
                apply.remember_as_it_was(number, holders)?;
                let sql = format!(
                    "WITH p AS MATERIALIZED (SELECT u.uid, row_number() OVER () AS n FROM pg_catalog.unnest($1::uuid[]) AS u (uid))
                     UPDATE {table} AS t SET {} = {} FROM p{} WHERE t.uid = p.uid",
                    quote(&stand_in.column),
                    stand_in.value,
                    stand_in.from
                );
                // The numbers of rows in these queries are not known: a nested loop takes the square of them.
                apply.execute("SET LOCAL enable_nestloop = off", tr!("Making room"))?;
                let rows = apply.write(number, &sql, holders)?;
                apply.execute("RESET enable_nestloop", tr!("Making room"))?;
                Ok(rows)
            })?;
            if done.is_ok() {
                return Ok(Some(choice));
            }
        }
        Ok(None)
    }

    /// Takes the references away from staged rows that refer, by this foreign key, to staged rows whose key may
    /// change. Returns how many.
    fn loosen_changed(&mut self, number: usize, rows: &str, constraint: &str) -> Result<u64> {
        let oid = self.local(number).oid;
        let named = |r: &Reference| r.parent == oid && r.name == constraint;
        let references = self.references.iter().filter(|r| named(r));
        let keys = references.flat_map(|r| r.columns.iter().map(|(_, key)| key.as_str()));
        let sql = format!(
            "SELECT t.uid FROM pg_temp.lizsync_stage AS s JOIN {} AS t ON t.uid = s.uid
             WHERE s.number = {number} AND s.reason IS NULL AND s.op IN ('I', 'U') AND {}{rows}",
            self.rows_of(number),
            has_any("s", keys, &self.receiver.identity.hstore)
        );
        let uids = self.uids(number, &sql)?;
        self.loosen(number, named, &uids)
    }

    /// Whether rows that will not get their references back refer to such a column of these rows by a
    /// key that empties them when it changes.
    fn would_unset(&mut self, parent: usize, column: &str, holders: &[Uuid]) -> Result<bool> {
        let oid = self.local(parent).oid;
        let references = self.references;
        for reference in references.iter().filter(|r| {
            r.parent == oid && r.unsets && r.columns.iter().any(|(_, name)| name == column)
        }) {
            let later = self.loosenable(reference, parent);
            let staged = later.map_or_else(String::new, |(child, _)| {
                format!(
                    " AND NOT EXISTS (SELECT FROM pg_temp.lizsync_stage AS s WHERE s.number = {child}
                      AND s.uid = c.uid AND s.reason IS NULL AND s.op IN ('I', 'U', 'D'))"
                )
            });
            let sql = format!(
                "SELECT FROM {} AS t JOIN {} AS c ON {} WHERE t.uid = ANY ($1){staged} LIMIT 1",
                self.rows_of(parent),
                reference.child_rows,
                reference.refers("c", "t")
            );
            if self.write(parent, &sql, holders)? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the references away from staged rows that refer to these rows by such foreign keys and are written
    /// later: what they get then is staged. Returns how many.
    fn loosen(
        &mut self,
        parent: usize,
        which: impl Fn(&Reference) -> bool,
        holders: &[Uuid],
    ) -> Result<u64> {
        let oid = self.local(parent).oid;
        let references = self.references;
        let mut all = 0;
        for reference in references.iter().filter(|r| r.parent == oid && which(r)) {
            let Some((child, loose)) = self.loosenable(reference, parent) else {
                continue;
            };
            // Rows that are staged for other fields get no reference back: the one that they have follows its row.
            let names = reference.columns.iter().map(|(name, _)| name.as_str());
            let sql = format!(
                "SELECT c.uid FROM {} AS t JOIN {} AS c ON {}
                 JOIN pg_temp.lizsync_stage AS s ON s.number = {child} AND s.uid = c.uid AND s.reason IS NULL
                     AND (s.op = 'D' OR s.op IN ('I', 'U') AND {})
                 WHERE t.uid = ANY ($1)",
                self.rows_of(parent),
                reference.child_rows,
                reference.refers("c", "t"),
                has_any("s", names, &self.receiver.identity.hstore)
            );
            let doing = self.doing(child);
            let rows = self
                .receiver
                .connection
                .query(&sql, &[&holders])
                .doing(doing)?;
            let uids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
            if uids.is_empty() {
                continue;
            }
            self.remember_as_it_was(child, &uids)?;
            self.announce(reference.child)?;
            let sql = format!(
                "UPDATE {} SET {} WHERE uid = ANY ($1)",
                self.rows_of(child),
                loose.join(", ")
            );
            all += self.write(child, &sql, &uids)?;
        }
        Ok(all)
    }

    /// The child table of a foreign key and what takes its reference away, where the reference is written
    /// with the parent or after it, so that its rows get it back then.
    fn loosenable(&self, reference: &Reference, parent: usize) -> Option<(usize, Vec<String>)> {
        let child = self.number_of(reference.child)?;
        let travel = self.columns(child);
        let names = || reference.columns.iter().map(|(name, _)| name);
        let nullable = &self.local(child).nullable;
        let loose: Vec<String> = names()
            .filter(|name| nullable.contains(*name))
            .map(|name| format!("{} = NULL", quote(name)))
            .collect();
        let later = || {
            let late = self.late_columns(child);
            child >= parent || names().all(|name| late.contains(name))
        };
        let back = names().all(|name| travel.contains(name.as_str())) && later();
        (back && !loose.is_empty()).then_some((child, loose))
    }

    /// Keeps rows as they are before they make room: the log shows them so, and what is staged is added to
    /// that.
    pub(super) fn remember_as_it_was(&mut self, number: usize, uids: &[Uuid]) -> Result<()> {
        let sql = format!(
            "UPDATE pg_temp.lizsync_stage AS s SET before = (OPERATOR(pg_temp.@#) (t.*)) FROM {} AS t
             WHERE s.number = {number} AND s.uid = t.uid AND t.uid = ANY ($1) AND s.before IS NULL
               AND s.op IN ('I', 'U', 'D')",
            self.rows_of(number)
        );
        self.write(number, &sql, uids)?;
        Ok(())
    }

    /// Refuses staged rows whose key is held by a row that keeps it. Returns pairs of staged rows of
    /// which the first wants what the second gives up.
    ///
    /// `at_once`: whether constraints are looked at that are checked with each row, or those that are
    /// checked at the end.
    pub(super) fn refuse_collisions(
        &mut self,
        number: usize,
        at_once: bool,
    ) -> Result<Vec<(Uuid, Uuid)>> {
        let mut needs = Vec::new();
        let uniques = self.uniques(number)?;
        let fields = self.question_fields(number)?;
        for unique in uniques.iter().filter(|u| u.at_once == at_once) {
            let sql = self.collisions_sql(number, unique, &fields, "");
            let collisions = self.ask(number, &sql)?;
            let collisions: Vec<Collision> = collisions.iter().map(Collision::of).collect();
            let kept: Vec<Uuid> = collisions
                .iter()
                .filter(|collision| !collision.changing)
                .map(|collision| collision.wanting)
                .collect();
            if !kept.is_empty() {
                let name = &unique.name;
                let (code, said) = match unique.exclusion {
                    true => (
                        "23P01",
                        tr!(
                            "conflicting key value violates exclusion constraint “{name}”: another row has it.",
                            name
                        ),
                    ),
                    false => (
                        "23505",
                        tr!(
                            "duplicate key value violates unique constraint “{name}”: another row has it.",
                            name
                        ),
                    ),
                };
                let refusal = Refusal::new(code, Some(&unique.name), said);
                self.refuse(number, &kept, refusal)?;
            }
            let moving = collisions
                .iter()
                .filter(|collision| collision.changing && !collision.deleted);
            needs.extend(moving.map(|collision| (collision.wanting, collision.holder)));
        }
        Ok(needs)
    }

    /// The query for staged rows that want a key which another row holds.
    fn collisions_sql(&self, number: usize, unique: &Unique, fields: &str, rows: &str) -> String {
        let keys: Vec<String> = unique
            .keys
            .iter()
            .enumerate()
            .map(|(n, (key, _))| format!("({key}) AS \"lizsync k{n}\""))
            .collect();
        let new_keys = |n: usize, _: &str| format!("o.\"lizsync k{n}\"");
        Template::new(include_str!("../../../sql/sync/held_keys.sql"))
            .set("table", self.rows_of(number))
            .set("number", number.to_string())
            .set("fields", fields)
            .set("rows", rows)
            .set("keys", keys.join(", "))
            .set("matches", unique.matches(|_, key| format!("({key})")))
            .set("still_matches", unique.matches(new_keys))
            .set("predicate", unique.predicate.clone())
            .sql()
    }
}

impl Collision {
    fn of(row: &Row) -> Self {
        Self {
            wanting: row.get(0),
            holder: row.get(1),
            changing: row.get(2),
            deleted: row.get(3),
        }
    }
}
