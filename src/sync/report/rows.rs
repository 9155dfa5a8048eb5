//! Single rows for the report: conflicts, and how rows and their values are read.

use ::postgres::Row as Found;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{moment, shown as side_of};
use crate::error::Result;
use crate::postgres::Doing;
use crate::report::{self, Conflict, Edit, Kind, LISTED, Row, Rule, Shown, Wanted, shown};
use crate::sync::apply::Applied;
use crate::sync::merge::Side;
use crate::sync::participant::Participant;
use crate::sync::scope::{Scope, Synced};
use crate::text::tr;

/// Values that are listed of one row.
pub(super) const VALUES: usize = 40;

/// The conflicts that a pass has staged in the clone.
pub(super) fn conflicts(
    clone: &mut Participant,
    scope: &Scope,
    most: usize,
) -> Result<Vec<Conflict>> {
    let sql = clone
        .template(include_str!("../../../sql/report/conflicts.sql"))
        .sql();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = clone
        .connection
        .query(&sql, &[&most])
        .doing(|| tr!("Reading the conflicts"))?;
    Ok(rows.iter().filter_map(|row| conflict(row, scope)).collect())
}

fn conflict(row: &Found, scope: &Scope) -> Option<Conflict> {
    let number = usize::try_from(row.get::<_, i32>("number")).ok()?;
    let table = scope.table(number)?.plain();
    let synced = scope.tables.get(number);
    let field: Option<String> = row.get("field");
    let rejected = match row.get::<_, Option<&str>>("rejected") {
        Some("central") => Side::Central,
        _ => Side::Clone,
    };
    let rule = match row.get::<_, Option<&str>>("rule") {
        Some("delete_wins") => Rule::Deletion,
        Some("column_missing") => Rule::NoColumn,
        _ => Rule::Later,
    };
    let edit = |side: Side| {
        let of = |what: &str| format!("{}_{what}", side.name());
        let value: Option<String> = row.get(of("value").as_str());
        let bytes = length(row.get(of("bytes").as_str()));
        let wanted = match &field {
            Some(name) => Wanted::Value(shown(value.as_deref(), bytes, kind(synced, name))),
            None if rule == Rule::Deletion && side != rejected => Wanted::Deletion,
            None => whole_row(value.as_deref(), bytes, synced),
        };
        Edit {
            side: side_of(side),
            user: row.get(of("user").as_str()),
            time: row
                .get::<_, Option<i64>>(of("time").as_str())
                .and_then(moment),
            wanted,
        }
    };
    Some(Conflict {
        row: named(&table, row.get("uid")),
        rule,
        won: (rule != Rule::NoColumn).then(|| edit(rejected.other())),
        lost: edit(rejected),
        field,
    })
}

/// The values of a row that lost, from the JSON that is recorded of it.
fn whole_row(json: Option<&str>, bytes: u64, synced: Option<&Synced>) -> Wanted {
    let values: Option<Map<String, Value>> = json.and_then(|json| serde_json::from_str(json).ok());
    let Some(values) = values else {
        return Wanted::Value(shown(json, bytes, Kind::Plain));
    };
    let values = values
        .iter()
        .take(VALUES)
        .filter(|(name, _)| *name != "uid");
    Wanted::Values(
        values
            .map(|(name, value)| {
                let bytes = value.as_str().map_or(0, str::len) as u64;
                (
                    name.clone(),
                    shown(value.as_str(), bytes, kind(synced, name)),
                )
            })
            .collect(),
    )
}

/// Updates of rows that are not there any more, which count as conflicts. `listed`: how many conflicts there are
/// already.
pub(super) fn missing(
    receiver: &mut Participant,
    scope: &Scope,
    applied: &Applied,
    listed: usize,
) -> Result<Vec<Conflict>> {
    let mut conflicts: Vec<Conflict> = Vec::new();
    for (&number, &missing) in applied.missing_rows.iter().filter(|(_, rows)| **rows > 0) {
        let Some(synced) = scope.tables.get(number) else {
            continue;
        };
        let left = LISTED.saturating_sub(listed + conflicts.len());
        let most = i64::try_from(missing.min(left as u64)).unwrap_or_default();
        let sql = receiver
            .template(include_str!("../../../sql/report/missing.sql"))
            .set("table", synced.rows(receiver.side))
            .sql();
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let rows = receiver
            .connection
            .query(&sql, &[&number, &most])
            .doing(|| tr!("Reading the edits of rows that are not there"))?;
        let sender = receiver.side.other();
        conflicts.extend(rows.iter().map(|row| Conflict {
            row: named(&synced.table.plain(), row.get("uid")),
            field: None,
            rule: Rule::NoRow,
            won: None,
            lost: Edit {
                side: side_of(sender),
                user: row.get("user_name"),
                time: row.get::<_, Option<i64>>("edit_time").and_then(moment),
                wanted: Wanted::Values(values(row, Some(synced)).take(VALUES).collect()),
            },
        }));
    }
    Ok(conflicts)
}

pub(super) fn named(table: &str, uid: Uuid) -> Row {
    Row {
        table: table.to_owned(),
        uid: uid.to_string(),
        label: None,
    }
}

/// What a column holds, as far as that is known.
pub(super) fn kind(synced: Option<&Synced>, name: &str) -> Kind {
    let known = synced.and_then(|synced| {
        let of = |side| synced.on(side).types.get(name);
        of(Side::Central).or_else(|| of(Side::Clone))
    });
    known.map_or(Kind::Plain, |name| Kind::of(name))
}

/// The values of a row of which a query gives names, beginnings and lengths.
pub(super) fn values<'r>(
    row: &'r Found,
    synced: Option<&'r Synced>,
) -> impl Iterator<Item = (String, Shown)> + 'r {
    let names: Vec<String> = row.get("names");
    let beginnings: Vec<Option<String>> = row.get("beginnings");
    let bytes: Vec<Option<i64>> = row.get("bytes");
    let values = names.into_iter().zip(beginnings.into_iter().zip(bytes));
    values
        .filter(|(name, _)| name != "uid")
        .map(move |(name, (value, bytes))| {
            let shown = report::shown(value.as_deref(), length(bytes), kind(synced, &name));
            (name, shown)
        })
}

pub(super) fn length(bytes: Option<i64>) -> u64 {
    u64::try_from(bytes.unwrap_or_default()).unwrap_or_default()
}
