//! Finding the rows that a statement is refused for, so that all others go through.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Apply;
use super::late::Late;
use super::park::Room;
use super::upsert::{Verbs, fields_of, has_any};
use crate::error::Result;
use crate::postgres::{Template, quote};
use crate::sync::needs;
use crate::sync::refusal::Refusal;
use crate::sync::tables::Reference;
use crate::text::tr;

/// How many rows are tried by themselves before all rows of a table are refused for one reason.
pub(super) const PROBES: usize = 8;

/// What is written in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Rows inserted and updated, or one of the two.
    Upsert(Verbs),
    /// Columns that get their value when all tables have their rows.
    Late(Late),
    /// Rows deleted.
    Delete,
}

impl Apply<'_> {
    /// Inserts and updates all staged rows of a table but those that are refused.
    pub(super) fn upsert_all(&mut self, number: usize) -> Result<u64> {
        match self.attempt_upsert(number, "", Verbs::Both)? {
            Ok(rows) => Ok(rows),
            Err(refusal) if refusal.of_the_table() => {
                // Perhaps rows may be updated but not inserted, or the other way round.
                let mut written = 0;
                for verbs in [Verbs::Update, Verbs::Insert] {
                    let done = self.attempt_upsert(number, verbs.rows(), verbs)?;
                    written += match done {
                        Ok(rows) => rows,
                        Err(refusal) => {
                            self.upsert_groups(number, verbs, refusal.of_the_table())?
                        }
                    };
                }
                Ok(written)
            }
            Err(_) => self.upsert_groups(number, Verbs::Both, false),
        }
    }

    /// Inserts and updates rows in groups, each after what it needs.
    fn upsert_groups(&mut self, number: usize, verbs: Verbs, wide: bool) -> Result<u64> {
        self.refuse_orphans(number, false)?;
        let mut needs = self.refuse_collisions(number, true)?;
        needs.extend(self.relatives(number)?);
        let uids = self.staged_uids(number, Work::Upsert(verbs))?;
        let place: BTreeMap<Uuid, usize> =
            uids.iter().enumerate().map(|(n, uid)| (*uid, n)).collect();
        let needs: Vec<(usize, usize)> = needs
            .iter()
            .filter_map(|(row, needed)| Some((*place.get(row)?, *place.get(needed)?)))
            .collect();
        let groups = needs::groups(uids.len(), &needs);
        let groups = groups
            .into_iter()
            .map(|group| group.into_iter().map(|n| uids[n]).collect())
            .collect();
        self.in_parts(number, groups, Work::Upsert(verbs), wide)
    }

    /// Deletes the staged rows of a table that nothing refers to, but those that are refused.
    pub(super) fn delete_all(&mut self, number: usize) -> Result<u64> {
        match self.attempt(|apply| apply.delete(number, ""))? {
            Ok(rows) => Ok(rows),
            Err(refusal) => {
                let uids = self.staged_uids(number, Work::Delete)?;
                self.in_parts(number, single(uids), Work::Delete, refusal.of_the_table())
            }
        }
    }

    fn attempt_upsert(
        &mut self,
        number: usize,
        rows: &str,
        verbs: Verbs,
    ) -> Result<std::result::Result<u64, Refusal>> {
        let first = match self.attempt(|apply| apply.upsert(number, rows, verbs))? {
            Ok(written) => return Ok(Ok(written)),
            Err(refusal) => refusal,
        };
        let mut room = Room::default();
        let mut said = first.clone();
        while room.answers(&said) {
            // Where only some of the rows can make room, those that did keep it: what is staged gives them their values
            // back, and the rows are tried again in parts.
            let next = self.attempt(|apply| match apply.make_room(number, rows, &mut room)? {
                true => apply.upsert(number, rows, verbs).map(Some),
                false => Ok(None),
            })?;
            match next {
                Ok(Some(written)) => return Ok(Ok(written)),
                Ok(None) => break,
                Err(refusal) => said = refusal,
            }
        }
        Ok(Err(first))
    }

    /// Writes groups of rows in their order, as many at once as go through; refuses the groups that do
    /// not. `wide`: what was said may be about the whole table. Then some groups are tried first, and where
    /// the same is said of each, all others are refused with them.
    pub(super) fn in_parts(
        &mut self,
        number: usize,
        groups: Vec<Vec<Uuid>>,
        work: Work,
        wide: bool,
    ) -> Result<u64> {
        let mut starts = vec![0];
        for group in &groups {
            starts.push(starts[starts.len() - 1] + group.len());
        }
        self.place(number, &groups.concat(), work)?;
        let mut written = 0;
        let probes = if wide { PROBES.min(groups.len()) } else { 0 };
        let mut parts = vec![(probes, groups.len())];
        parts.extend((0..probes).rev().map(|n| (n, n + 1)));
        let mut said = Vec::new();
        while let Some((from, to)) = parts.pop() {
            if from == to {
                continue;
            }
            self.feedback.check()?;
            if probes > 0 && from == probes && said.len() == probes && alike(&said) {
                self.refuse(number, &groups[from..to].concat(), said[0].clone())?;
                continue;
            }
            let rows = format!(
                "{} AND s.place >= {} AND s.place < {}",
                work.rows(),
                starts[from],
                starts[to]
            );
            let done = match work {
                Work::Upsert(verbs) => self.attempt_upsert(number, &rows, verbs)?,
                Work::Late(late) => self.attempt(|apply| apply.late(number, &rows, late))?,
                Work::Delete => self.attempt(|apply| apply.delete(number, &rows))?,
            };
            match done {
                Ok(rows) => written += rows,
                Err(refusal) if to - from == 1 => {
                    if from < probes {
                        said.push(refusal.clone());
                    }
                    self.refuse(number, &groups[from], refusal)?;
                }
                Err(_) => {
                    let middle = from + (to - from) / 2;
                    parts.push((middle, to));
                    parts.push((from, middle));
                }
            }
        }
        Ok(written)
    }

    /// Gives staged rows their turn.
    pub(super) fn place(&mut self, number: usize, uids: &[Uuid], work: Work) -> Result<()> {
        let sql = format!(
            "UPDATE pg_temp.lizsync_stage AS s SET place = (u.place - 1)::integer
             FROM pg_catalog.unnest($1::uuid[]) WITH ORDINALITY AS u (uid, place)
             WHERE s.number = {number} AND s.uid = u.uid AND {}",
            work.condition()
        );
        self.write(number, &sql, uids)?;
        Ok(())
    }

    /// The staged rows of a work, but for updates of rows that are not there.
    pub(super) fn staged_uids(&mut self, number: usize, work: Work) -> Result<Vec<Uuid>> {
        let sql = |join: &str, rows: &str| {
            format!(
                "SELECT s.uid FROM pg_temp.lizsync_stage AS s{join}
                 WHERE s.number = {number} AND s.reason IS NULL AND {}{rows} ORDER BY s.uid",
                work.condition()
            )
        };
        let table = self.rows_of(number);
        let join = format!(" LEFT JOIN {table} AS t ON t.uid = s.uid");
        let there = format!(" AND (s.op <> 'U' OR t.uid IS NOT NULL){}", work.rows());
        match self.attempt(|apply| apply.uids(number, &sql(&join, &there)))? {
            Ok(uids) => Ok(uids),
            // Who cannot even read the table can write none of its rows.
            Err(_) => self.uids(number, &sql("", "")),
        }
    }

    /// Refuses rows that refer to a row which is not there, and will not come: its table was written
    /// before. So a thousand children of one refused parent are found by one query.
    ///
    /// `all`: everything is written; else tables that are written later are left out. References that
    /// were there before are left alone: what is staged does not make them.
    pub(super) fn refuse_orphans(&mut self, number: usize, all: bool) -> Result<()> {
        let oid = self.local(number).oid;
        let table = self.rows_of(number);
        let fields = self.question_fields(number)?;
        let mut queries = Vec::new();
        for reference in self
            .references
            .iter()
            .filter(|r| r.child == oid && (all || r.parent != oid))
        {
            let later = |parent| parent > number;
            if !all && self.number_of(reference.parent).is_some_and(later) {
                continue;
            }
            let mut given: Vec<String> = reference
                .columns
                .iter()
                .map(|(child, _)| format!("n.{} IS NOT NULL", quote(child)))
                .collect();
            if let Some(part) = &reference.child_part {
                given.push(format!(
                    "EXISTS (SELECT FROM (SELECT (i.new).*) AS own WHERE {part})"
                ));
            }
            let sql = self
                .receiver
                .template(include_str!("../../../sql/sync/orphans.sql"))
                .set("table", table.clone())
                .set("number", number.to_string())
                .set("fields", fields.clone())
                .set("parent", reference.parent_rows.clone())
                .set("given", given.join(" AND "))
                .set("matches", reference.condition("n", "p"))
                .set(
                    "changed",
                    changed(reference, all, &self.receiver.identity.hstore),
                )
                .sql();
            let refusal = Refusal::new(
                "23503",
                Some(&reference.name),
                tr!(
                    "it refers to a row of {parent_name} that is not there (foreign key “{reference}”).",
                    parent_name = reference.parent_name,
                    reference = reference.name
                ),
            );
            queries.push((sql, refusal));
        }
        for (sql, refusal) in queries {
            let uids: Vec<Uuid> = self
                .ask(number, &sql)?
                .iter()
                .map(|row| row.get(0))
                .collect();
            self.refuse(number, &uids, refusal)?;
        }
        Ok(())
    }

    /// Pairs of staged rows of a table of which the first refers to the second.
    fn relatives(&mut self, number: usize) -> Result<Vec<(Uuid, Uuid)>> {
        let oid = self.local(number).oid;
        let table = self.rows_of(number);
        let fields = self.question_fields(number)?;
        let mut pairs = Vec::new();
        let own: Vec<String> = self
            .references
            .iter()
            .filter(|r| r.child == oid && r.parent == oid)
            .map(|reference| {
                Template::new(include_str!("../../../sql/sync/relatives.sql"))
                    .set("table", table.clone())
                    .set("number", number.to_string())
                    .set("fields", fields.clone())
                    .set("matches", reference.condition("n", "p"))
                    .sql()
            })
            .collect();
        for sql in own {
            let rows = self.ask(number, &sql)?;
            pairs.extend(rows.iter().map(|row| (row.get(0), row.get(1))));
        }
        Ok(pairs)
    }
}

impl Work {
    /// The condition on staged rows (s) that they are of this work.
    fn condition(self) -> &'static str {
        match self {
            Work::Upsert(_) | Work::Late(_) => "s.op IN ('I', 'U')",
            Work::Delete => "s.op = 'D'",
        }
    }

    /// A further condition on staged rows (s) and the rows that they are about (t).
    fn rows(self) -> &'static str {
        match self {
            Work::Upsert(verbs) => verbs.rows(),
            Work::Late(_) | Work::Delete => "",
        }
    }
}

impl Verbs {
    /// A further condition on staged rows and the rows that they are about (t).
    fn rows(self) -> &'static str {
        match self {
            Verbs::Insert => " AND t.uid IS NULL",
            Verbs::Update => " AND t.uid IS NOT NULL",
            Verbs::Both => "",
        }
    }
}

/// The condition that a staged row (see orphans.sql) brings a reference; `written`: it is in the table already.
fn changed(reference: &Reference, written: bool, hstore: &str) -> String {
    let names = reference.columns.iter().map(|(child, _)| child.as_str());
    if written {
        format!("(i.op = 'I' OR {})", has_any("i", names, hstore))
    } else {
        format!(
            "(NOT i.there OR ROW({})::record OPERATOR(pg_catalog.*<>) ROW({})::record)",
            fields_of("n", names.clone()),
            fields_of("o", names)
        )
    }
}

/// Whether the same is said of different rows, and of the table.
fn alike(said: &[Refusal]) -> bool {
    said.iter()
        .all(|refusal| refusal.of_the_table() && *refusal == said[0])
}

/// Each row by itself.
pub(super) fn single(uids: Vec<Uuid>) -> Vec<Vec<Uuid>> {
    uids.into_iter().map(|uid| vec![uid]).collect()
}
