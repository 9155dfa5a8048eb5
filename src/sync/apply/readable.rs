//! Rows that cannot be read as rows of the receiver: a text that is too long, a label that a type lacks. One
//! of them is enough for a query over all staged rows of a table to fail.

use std::collections::{BTreeMap, BTreeSet};

use ::postgres::Row;

use super::narrow::{PROBES, Work};
use super::upsert::Verbs;
use super::{Apply, DEFAULTS};
use crate::error::Result;
use crate::postgres::{Doing, Template, path};
use crate::sync::refusal::Refusal;
use crate::text::tr;

impl Apply<'_> {
    /// What a query over the staged rows of a table returns. Where it fails, it is asked again without the
    /// rows that cannot be read. None where it fails for another reason: what cannot be evaluated
    /// tells by itself when it is written.
    pub(super) fn ask(&mut self, number: usize, sql: &str) -> Result<Vec<Row>> {
        if let Some(rows) = self.ask_once(number, sql)? {
            return Ok(rows);
        }
        if self.refuse_unreadable(number)? {
            return Ok(self.ask_once(number, sql)?.unwrap_or_default());
        }
        Ok(Vec::new())
    }

    /// What such a query returns, or none where it fails.
    ///
    /// It holds expressions of indexes and bounds of partitions, as PostgreSQL prints them for a search path of
    /// `pg_catalog` alone. So it is read with that path, and a view keeps what it was read as; functions of
    /// users' that it calls then run with the path that they expect.
    pub(super) fn ask_once(&mut self, number: usize, sql: &str) -> Result<Option<Vec<Row>>> {
        let view = format!(
            "{}; CREATE TEMPORARY VIEW lizsync_question AS {sql}; {}",
            path::PLAIN,
            path::set(&self.found.path)
        );
        let doing = self.doing(number);
        let rows = self.glance(|apply| {
            let connection = &mut apply.receiver.connection;
            let rows = connection.batch_execute(&view);
            rows.and_then(|()| connection.query("SELECT * FROM pg_temp.lizsync_question", &[]))
                .doing(doing)
        })?;
        Ok(rows.ok())
    }

    /// What of a staged row is written, as SQL for such a query.
    pub(super) fn question_fields(&mut self, number: usize) -> Result<String> {
        let scope = self.scope;
        let local = scope.tables[number].on(self.receiver.side);
        let mut defaults = BTreeMap::new();
        if !local.stubborn.is_empty() {
            let doing = self.doing(number);
            self.execute(path::PLAIN, tr!("Reading the defaults"))?;
            let rows = self
                .receiver
                .connection
                .query(DEFAULTS, &[&vec![local.oid]])
                .doing(doing)?;
            self.execute(&path::set(&self.found.path), tr!("Reading the defaults"))?;
            defaults.extend(rows.iter().map(|row| (row.get(1), row.get(2))));
        }
        Ok(self.fields_with(local, &BTreeSet::new(), &defaults))
    }

    /// Refuses the staged rows that cannot be read; returns whether there are any. They are found by
    /// halving.
    fn refuse_unreadable(&mut self, number: usize) -> Result<bool> {
        let work = Work::Upsert(Verbs::Both);
        let uids = self.staged_uids(number, work)?;
        if uids.is_empty() {
            return Ok(false);
        }
        self.place(number, &uids, work)?;
        let synced = &self.scope.tables[number];
        // Read as they are written: a domain that may not be null has its default.
        let fields = self.fields(synced, &BTreeSet::new());
        let mut parts = vec![(0, uids.len())];
        let mut found = false;
        // What may be about the table rather than about a row.
        let mut said: Vec<(usize, Refusal)> = Vec::new();
        while let Some((from, to)) = parts.pop() {
            self.feedback.check()?;
            let sql = Template::new(include_str!("../../../sql/sync/unreadable.sql"))
                .set("table", self.rows_of(number))
                .set("number", number.to_string())
                .set("fields", fields.clone())
                .set("from", from.to_string())
                .set("to", to.to_string())
                .sql();
            match self.attempt(|apply| apply.row(number, &sql))? {
                Ok(_) => {}
                Err(refusal) if to - from <= 1 && refusal.of_the_table() => {
                    said.push((from, refusal));
                    let same = |(_, refusal): &(usize, Refusal)| *refusal == said[0].1;
                    if said.len() == PROBES.min(uids.len()) && said.iter().all(same) {
                        // The statement that writes says it.
                        return Ok(found);
                    }
                }
                Err(refusal) if to - from <= 1 => {
                    self.refuse(number, &uids[from..to], refusal)?;
                    found = true;
                }
                Err(_) => {
                    let middle = from + (to - from) / 2;
                    parts.push((middle, to));
                    parts.push((from, middle));
                }
            }
        }
        for (place, refusal) in said {
            self.refuse(number, &uids[place..=place], refusal)?;
            found = true;
        }
        Ok(found)
    }
}
