//! What is set aside, for the report.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::rows::{VALUES, kind, length, named, values};
use super::{action, moment, shown as side_of};
use crate::error::Result;
use crate::postgres::{Doing, Table, Template, quote};
use crate::report::{Action, LISTED, SetAside, Shown, shown};
use crate::sync::merge::Side;
use crate::sync::participant::Participant;
use crate::sync::scope::{Scope, Synced};
use crate::text::tr;

/// What waits, with what the other side has in its place.
pub(super) fn set_aside(
    central: &mut Participant,
    clone: &mut Participant,
    scope: Option<&Scope>,
) -> Result<Vec<SetAside>> {
    let sql = clone
        .template(include_str!("../../../sql/report/set_aside.sql"))
        .sql();
    let most = i64::try_from(LISTED).unwrap_or(i64::MAX);
    let rows = clone
        .connection
        .query(&sql, &[&clone.id, &most])
        .doing(|| tr!("Reading what was set aside"))?;
    let mut waiting = Vec::new();
    let mut groups: BTreeMap<(Side, Table), Vec<usize>> = BTreeMap::new();
    for row in &rows {
        let table = Table::new(
            row.get::<_, String>("schema_name"),
            row.get::<_, String>("table_name"),
        );
        let owner = match row.get::<_, &str>("owner") {
            "central" => Side::Central,
            _ => Side::Clone,
        };
        let synced = scope.and_then(|scope| scope.synced(&table));
        let action = action(row.get("action"));
        // Of a new row what is null says nothing.
        let telling = |value: &Shown| action != Action::Insert || *value != Shown::Nothing;
        let mut values: Vec<_> = values(row, synced)
            .filter(|(_, value)| telling(value))
            .map(|(name, value)| (name, value, None))
            .collect();
        let more_values = values.len().saturating_sub(VALUES);
        values.truncate(VALUES);
        waiting.push(SetAside {
            row: named(&table.plain(), row.get("uid")),
            owner: side_of(owner),
            action,
            more_values,
            values,
            reason: row.get("message"),
            code: row.get("sqlstate"),
            user: row.get("user_name"),
            time: row.get::<_, Option<i64>>("edit_time").and_then(moment),
            since: moment(row.get("first_time")),
        });
        groups
            .entry((owner, table))
            .or_default()
            .push(waiting.len() - 1);
    }
    for ((owner, table), places) in groups {
        let Some(synced) = scope.and_then(|scope| scope.synced(&table)) else {
            continue;
        };
        let receiver = match owner {
            Side::Central => &mut *clone,
            Side::Clone => &mut *central,
        };
        // What stands there is worth seeing, but the reason is there without it.
        if let Err(error) = compare(receiver, synced, &places, &mut waiting) {
            log::debug!("reading the rows of {}: {error}", table.plain());
        }
    }
    Ok(waiting)
}

/// Adds what the receiver has in the place of changes that wait. `places`: those of one table.
fn compare(
    receiver: &mut Participant,
    synced: &Synced,
    places: &[usize],
    waiting: &mut [SetAside],
) -> Result<()> {
    let there = &synced.on(receiver.side).all_columns;
    let names: BTreeSet<String> = places
        .iter()
        .flat_map(|place| &waiting[*place].values)
        .map(|(name, _, _)| name.clone())
        .filter(|name| there.contains(name))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let list = |of: fn(String) -> String| {
        let list: Vec<String> = names
            .iter()
            .map(|name| of(format!("(t.{})::text", quote(name))))
            .collect();
        list.join(", ")
    };
    let sql = Template::new(include_str!("../../../sql/report/present.sql"))
        .set("table", synced.rows(receiver.side))
        .set("beginnings", list(|value| format!("left({value}, 2000)")))
        .set("bytes", list(|value| format!("octet_length({value})")))
        .sql();
    let uids: Vec<Uuid> = places
        .iter()
        .filter_map(|place| Uuid::parse_str(&waiting[*place].row.uid).ok())
        .collect();
    let rows = receiver
        .connection
        .query(&sql, &[&uids])
        .doing(|| tr!("Reading the rows that changes wait for"))?;
    let mut present: BTreeMap<String, BTreeMap<&String, Shown>> = BTreeMap::new();
    for row in &rows {
        let beginnings: Vec<Option<String>> = row.get("beginnings");
        let bytes: Vec<Option<i64>> = row.get("bytes");
        let values = names.iter().zip(beginnings.iter().zip(bytes));
        let values = values.map(|(name, (value, bytes))| {
            (
                name,
                shown(value.as_deref(), length(bytes), kind(Some(synced), name)),
            )
        });
        present.insert(row.get::<_, Uuid>("uid").to_string(), values.collect());
    }
    for place in places {
        let waiting = &mut waiting[*place];
        let row = present.get(&waiting.row.uid);
        for (name, _, there) in &mut waiting.values {
            *there = row.and_then(|row| row.get(name)).cloned();
        }
    }
    Ok(())
}
