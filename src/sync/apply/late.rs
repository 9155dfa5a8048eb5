//! What is written when all tables have their rows: columns that refer to tables which come later, and
//! references that cascades have changed since they were written.

use std::collections::{BTreeMap, BTreeSet};

use super::Apply;
use super::narrow::{Work, single};
use super::upsert::{array, assigned, fields_of};
use crate::error::Result;
use crate::postgres::Template;
use crate::sync::receipt::count;

/// How often references are written again: each time may change keys that others refer to.
const ROUNDS: usize = 20;

/// Columns that are written late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// Those that were left out at first.
    Left,
    /// Those that a cascade may have changed after they were written.
    Redirected,
}

impl Apply<'_> {
    /// The columns of a table that refer to tables which are written after it: of tables that refer
    /// to each other, where the constraint cannot wait and the column may be null.
    pub(super) fn late_columns(&self, number: usize) -> BTreeSet<String> {
        let local = self.local(number);
        let columns = self.columns(number);
        self.references
            .iter()
            .filter(|r| r.child == local.oid && !r.deferrable)
            .filter(|r| {
                self.number_of(r.parent)
                    .is_some_and(|parent| parent > number)
            })
            .map(|r| r.columns.iter().map(|(child, _)| child))
            .filter(|names| {
                names
                    .clone()
                    .all(|name| local.nullable.contains(name) && columns.contains(name.as_str()))
            })
            .flatten()
            .cloned()
            .collect()
    }

    /// For each table, the columns that a cascade may change after they were written: they refer to the same
    /// table or to one that is written later, or to such a column.
    fn redirected(&self) -> BTreeMap<usize, BTreeSet<String>> {
        let mut all: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        loop {
            let before: usize = all.values().map(BTreeSet::len).sum();
            for reference in self.references.iter().filter(|r| r.follows) {
                let numbers = (
                    self.number_of(reference.child),
                    self.number_of(reference.parent),
                );
                let (Some(child), Some(parent)) = numbers else {
                    continue;
                };
                let moves = |(_, key): &(String, String)| {
                    all.get(&parent).is_some_and(|keys| keys.contains(key))
                };
                if parent >= child || reference.columns.iter().any(moves) {
                    let names = reference.columns.iter().map(|(name, _)| name.clone());
                    all.entry(child).or_default().extend(names);
                }
            }
            if all.values().map(BTreeSet::len).sum::<usize>() == before {
                return all;
            }
        }
    }

    /// Writes the columns that refer to later tables. A row whose reference is refused is refused
    /// whole, which another pass has to see to.
    pub(super) fn write_late(&mut self, number: usize) -> Result<()> {
        if self.late_columns(number).is_empty() {
            return Ok(());
        }
        self.late_all(number, Late::Left)?;
        Ok(())
    }

    /// Writes staged references again that cascades have changed since they were written: a code that moved
    /// on took those along which already meant the row that has it now. `numbers`: parents first.
    pub(super) fn settle(&mut self, numbers: &[usize]) -> Result<()> {
        let redirected = self.redirected();
        let numbers: Vec<usize> = numbers
            .iter()
            .copied()
            .filter(|number| redirected.contains_key(number))
            .collect();
        for _ in 0..ROUNDS {
            let mut written = 0;
            for &number in &numbers {
                written += self.late_all(number, Late::Redirected)?;
            }
            if written == 0 {
                break;
            }
        }
        Ok(())
    }

    fn late_all(&mut self, number: usize, late: Late) -> Result<u64> {
        match self.attempt(|apply| apply.late(number, "", late))? {
            Ok(written) => Ok(written),
            Err(refusal) => {
                let before = self.found.refused.len();
                let work = Work::Late(late);
                let uids = self.staged_uids(number, work)?;
                let written = self.in_parts(number, single(uids), work, refusal.of_the_table())?;
                self.found.again |= self.found.refused.len() > before;
                Ok(written)
            }
        }
    }

    /// Writes these columns, where they are not as staged.
    pub(super) fn late(&mut self, number: usize, rows: &str, late: Late) -> Result<u64> {
        let travel = self.columns(number);
        let mut columns = match late {
            Late::Left => self.late_columns(number),
            Late::Redirected => self.redirected().remove(&number).unwrap_or_default(),
        };
        columns.retain(|name| travel.contains(name.as_str()));
        if columns.is_empty() {
            return Ok(0);
        }
        let hstore = &self.receiver.identity.hstore;
        let fields = match late {
            // A row that had to make room gets back what it gave up.
            Late::Left => format!("coalesce(s.before OPERATOR({hstore}.||) s.fields, s.fields)"),
            // What is not staged may have followed its key.
            Late::Redirected => format!("{hstore}.slice(s.fields, {})", array(&columns)),
        };
        // What a cascade has changed is in the log: so is then what changes it back.
        self.announce(match late {
            Late::Left => self.local(number).oid,
            Late::Redirected => 0,
        })?;
        let names = || columns.iter().map(String::as_str);
        let sql = Template::new(include_str!("../../../sql/sync/late.sql"))
            .set("table", self.rows_of(number))
            .set("fields", fields)
            .set("late", fields_of("t", names()))
            .set("new", fields_of("(i.new)", names()))
            .set("assignments", assigned(names()))
            .set("number", number.to_string())
            .set("rows", rows)
            .sql();
        let row = self.row(number, &sql)?;
        if row.get::<_, i64>(0) != row.get::<_, i64>(1) {
            return Err(self.swallowed(number));
        }
        count(row.get(1))
    }
}
