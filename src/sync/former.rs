//! The first run of a clone that the former plugin deployed.
//!
//! What the former plugin logged of a TRUNCATE is that it happened, and no row. Before that run, it becomes the
//! deletion of the rows that the other side still has.

use std::collections::HashSet;

use ::postgres::Row;
use uuid::Uuid;

use super::merge::Side;
use super::participant::Participant;
use super::run::Run;
use crate::error::Result;
use crate::postgres::{Doing, Table, Template, literal};
use crate::text::tr;

/// How many rows are compared at a time.
const PAGE: i64 = 20_000;

/// The oid of a table, and its rows as SQL.
type Found = (u32, String);

/// A table that was emptied.
struct Emptied {
    table: Table,
    at: String,
}

impl Emptied {
    fn of(row: &Row) -> Self {
        Self {
            table: Table::new(row.get::<_, String>(0), row.get::<_, String>(1)),
            at: row.get("at"),
        }
    }
}

impl Run<'_> {
    /// Does that for both sides, where the clone was upgraded and has not synchronised since.
    pub(super) fn settle_truncates(&mut self) -> Result<()> {
        if !self.upgraded {
            return Ok(());
        }
        let wanted = self.wanted()?;
        let doing = || tr!("Looking for tables that were emptied under the former plugin");
        let central = self.central.connection.query(
            "SELECT schema_name, table_name, at::text AS at FROM lizsync.former_truncates('1:1:', $1, $2)",
            &[&self.clone.id, &self.package_event],
        );
        let central: Vec<Emptied> = central.doing(doing)?.iter().map(Emptied::of).collect();
        let clone = self.clone.connection.query(
            include_str!("../../sql/sync/former_truncates_here.sql"),
            &[&self.clone.id, &self.central.id],
        );
        let clone: Vec<Emptied> = clone.doing(doing)?.iter().map(Emptied::of).collect();
        let synchronised = |emptied: &&Emptied| {
            wanted.schemas.contains(&emptied.table.schema) && wanted.has(&emptied.table)
        };
        for emptied in central.iter().filter(synchronised) {
            self.emptied_in_central(emptied)?;
        }
        for emptied in clone.iter().filter(synchronised) {
            self.emptied_in_clone(emptied)?;
        }
        Ok(())
    }

    fn emptied_in_central(&mut self, emptied: &Emptied) -> Result<()> {
        let (Some((oid, own)), Some((_, others))) = self.find(&emptied.table)? else {
            return Ok(());
        };
        let Emptied { table, at } = emptied;
        let sql = Template::new(include_str!("../../sql/sync/former_deleted.sql"))
            .set("table", own)
            .sql();
        let mut deleted = 0;
        let mut last = None;
        loop {
            self.feedback.check()?;
            let page = page(&mut self.clone, table, &others, true, last)?;
            last = page.last().copied();
            if last.is_none() {
                break;
            }
            let row = self
                .central
                .connection
                .query_one(
                    &sql,
                    &[
                        &page,
                        &table.schema,
                        &table.name,
                        &oid,
                        &self.central.id,
                        &self.sync_id,
                        at,
                    ],
                )
                .doing(|| {
                    tr!(
                        "Logging what TRUNCATE deleted of {table}",
                        table = table.plain()
                    )
                })?;
            deleted += row.get::<_, i64>(0);
        }
        self.tell_emptied(emptied, Side::Central, deleted);
        Ok(())
    }

    fn emptied_in_clone(&mut self, emptied: &Emptied) -> Result<()> {
        let (Some((_, others)), Some((oid, own))) = self.find(&emptied.table)? else {
            return Ok(());
        };
        let Emptied { table, at } = emptied;
        let doing = || {
            tr!(
                "Logging what TRUNCATE deleted of {table}",
                table = table.plain()
            )
        };
        // What the clone has not seen it cannot have deleted.
        let unseen = self.central.connection.query(
            "SELECT c.uid FROM lizsync.changes('1:1:', $1, '1:1:', '{0}', ARRAY[$2::text], ARRAY[$3::text], '{f}', $4) AS c WHERE c.action = 'I'",
            &[&self.clone.id, &table.schema, &table.name, &self.package_event],
        );
        let unseen: HashSet<Uuid> = unseen.doing(doing)?.iter().map(|row| row.get(0)).collect();
        let sql = Template::new(include_str!("../../sql/sync/former_deleted_here.sql"))
            .set("table", own)
            .sql();
        let mut transaction = self.clone.connection.transaction().doing(doing)?;
        let mut deleted = 0;
        let mut last = None;
        loop {
            self.feedback.check()?;
            let mut page = page(&mut self.central, table, &others, false, last)?;
            last = page.last().copied();
            if last.is_none() {
                break;
            }
            page.retain(|uid| !unseen.contains(uid));
            deleted += transaction
                .execute(&sql, &[&page, &table.schema, &table.name, &oid, at])
                .doing(doing)?;
        }
        transaction
            .execute(
                include_str!("../../sql/sync/former_settled_here.sql"),
                &[
                    &table.schema,
                    &table.name,
                    &self.central.id.to_string(),
                    &self.sync_id.to_string(),
                ],
            )
            .doing(doing)?;
        transaction.commit().doing(doing)?;
        let deleted = i64::try_from(deleted).unwrap_or(i64::MAX);
        self.tell_emptied(emptied, Side::Clone, deleted);
        Ok(())
    }

    fn tell_emptied(&self, emptied: &Emptied, side: Side, deleted: i64) {
        let (table, at) = (emptied.table.plain(), emptied.at.as_str());
        let deleted = deleted.unsigned_abs();
        self.feedback.warning(match side {
            Side::Central => tr!(
                "{table} was emptied by TRUNCATE in the central database under the former plugin ({at}), which did not log its rows: {n} row that the clone still has and the central has not, unless it is new there, counts as deleted."
                    | "{table} was emptied by TRUNCATE in the central database under the former plugin ({at}), which did not log its rows: {n} rows that the clone still has and the central has not, unless they are new there, count as deleted."
                        % deleted,
                table,
                at
            ),
            Side::Clone => tr!(
                "{table} was emptied by TRUNCATE in the clone under the former plugin ({at}), which did not log its rows: {n} row that the central still has and the clone has not, unless it is new there, counts as deleted."
                    | "{table} was emptied by TRUNCATE in the clone under the former plugin ({at}), which did not log its rows: {n} rows that the central still has and the clone has not, unless they are new there, count as deleted."
                        % deleted,
                table,
                at
            ),
        });
    }

    /// The table in the central and in the clone, where it has a uid: its oid, and its rows as SQL.
    fn find(&mut self, table: &Table) -> Result<(Option<Found>, Option<Found>)> {
        let find = |participant: &mut Participant| -> Result<Option<Found>> {
            let row = participant
                .connection
                .query_opt(
                    "SELECT c.oid, c.relkind = 'r' AS ordinary FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                     WHERE a.attrelid = to_regclass($1) AND a.attname = 'uid' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped",
                    &[&table.to_string()],
                )
                .doing(|| tr!("Looking for {table}", table = table.plain()))?;
            Ok(row.map(|row| (row.get("oid"), table.rows(row.get("ordinary")))))
        };
        Ok((find(&mut self.central)?, find(&mut self.clone)?))
    }
}

/// Lets a clone that does not know its central belong to this one, if it knows the clone; whether that is so.
pub(super) fn adopt(central: &mut Participant, clone: &mut Participant) -> Result<bool> {
    let lost = clone
        .connection
        .query_opt(
            "SELECT deployment FROM lizsync.deployment WHERE central_id = $1",
            &[&Uuid::nil()],
        )
        .doing(|| tr!("Reading the deployment of the clone"))?;
    let Some(lost) = lost else { return Ok(false) };
    let deployment: Uuid = lost.get(0);
    let known: bool = central
        .connection
        .query_one(
            "SELECT lizsync.knows_clone($1, $2)",
            &[&clone.id, &deployment],
        )
        .doing(|| tr!("Looking for the clone in the central"))?
        .get(0);
    if known {
        clone
            .connection
            .execute(
                include_str!("../../sql/sync/former_adopt.sql"),
                &[&central.id],
            )
            .doing(|| tr!("Writing the central to the clone"))?;
    }
    Ok(known)
}

/// The next rows of a table.
fn page(
    participant: &mut Participant,
    table: &Table,
    rows: &str,
    own: bool,
    last: Option<Uuid>,
) -> Result<Vec<Uuid>> {
    let sql = Template::new(include_str!("../../sql/sync/former_rows.sql"))
        .set("table", rows)
        .set("schema", literal(&table.schema))
        .set("name", literal(&table.name))
        .set("own", own.to_string())
        .sql();
    let rows = participant
        .connection
        .query(&sql, &[&last, &PAGE])
        .doing(|| tr!("Reading the rows of {table}", table = table.plain()))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
