//! What depends on a row that is refused waits with it, also where its reference finds another row here.

use uuid::Uuid;

use super::Apply;
use super::upsert::has_any;
use crate::error::Result;
use crate::postgres::{Template, literal};
use crate::sync::refusal::Refusal;
use crate::sync::stage::Staged;
use crate::sync::tables::Reference;
use crate::text::tr;

impl Apply<'_> {
    /// Refuses the rows of these tables that bring a reference to a row whose new key was refused. Some may have been
    /// written already: then another pass does without them.
    pub(super) fn refuse_dependants(&mut self, upserts: &[usize], staged: &Staged) -> Result<()> {
        loop {
            let before = self.found.refused.len();
            for &number in upserts {
                for (sql, refusal) in self.dependants(number, staged) {
                    // Who cannot even read the tables has written none of their rows.
                    let uids = self.attempt(|apply| apply.uids(number, &sql))?;
                    let uids: Vec<Uuid> = uids.unwrap_or_default();
                    if !uids.is_empty() {
                        self.refuse(number, &uids, refusal)?;
                    }
                }
            }
            if self.found.refused.len() == before {
                return Ok(());
            }
            self.found.again = true;
        }
    }

    /// The queries for such rows of a table, by foreign key.
    fn dependants(&self, number: usize, staged: &Staged) -> Vec<(String, Refusal)> {
        let oid = self.local(number).oid;
        let refused = |parent: &usize| {
            staged.get(parent).is_some_and(|amount| amount.refused > 0)
                || self.found.refused.iter().any(|(n, _, _)| n == parent)
        };
        self.references
            .iter()
            .filter(|reference| reference.child == oid)
            .filter_map(|reference| {
                let parent = self.number_of(reference.parent).filter(refused)?;
                Some((
                    self.dependants_sql(number, parent, reference),
                    refusal(reference),
                ))
            })
            .collect()
    }

    fn dependants_sql(&self, number: usize, parent: usize, reference: &Reference) -> String {
        let hstore = &self.receiver.identity.hstore;
        let columns = || reference.columns.iter();
        let children = columns().map(|(child, _)| child.as_str());
        let keys = columns().map(|(_, key)| key.as_str());
        let value = |stage: &str, row: &str, name: &str| {
            let name = format!("{}::text", literal(name));
            format!(
                "CASE WHEN {stage}.fields OPERATOR({hstore}.?) {name} THEN {stage}.fields OPERATOR({hstore}.->) {name}
                     ELSE (OPERATOR(pg_temp.@#) ({row}.*)) OPERATOR({hstore}.->) {name} END"
            )
        };
        let same: Vec<String> = columns()
            .map(|(child, key)| {
                format!(
                    "({}) OPERATOR(pg_catalog.=) ({})",
                    value("s", "t", child),
                    value("r", "p", key)
                )
            })
            .collect();
        let table = |number: usize| self.rows_of(number);
        Template::new(include_str!("../../../sql/sync/dependants.sql"))
            .set("number", number.to_string())
            .set("parent_number", parent.to_string())
            .set("table", table(number))
            .set("parent", table(parent))
            .set("brings", has_any("s", children, hstore))
            .set("renamed", has_any("r", keys, hstore))
            .set("same", same.join(" AND "))
            .sql()
    }
}

fn refusal(reference: &Reference) -> Refusal {
    Refusal::new(
        "23503",
        Some(&reference.name),
        tr!(
            "it refers to a row of {parent_name} that has to wait (foreign key “{reference}”).",
            parent_name = reference.parent_name,
            reference = reference.name
        ),
    )
}
