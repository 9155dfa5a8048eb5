//! Single rows for the report: conflicts, what waits, and what the rows are called.

use std::collections::{BTreeMap, BTreeSet};

use ::postgres::Row as Found;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{action, moment, shown as side_of};
use crate::error::Result;
use crate::postgres::{Doing, Table, Template, quote};
use crate::report::{
    self, Action, Conflict, Edit, Kind, LISTED, Row, Rule, SetAside, Shown, Wanted, shown,
};
use crate::sync::apply::Applied;
use crate::sync::merge::Side;
use crate::sync::participant::Participant;
use crate::sync::scope::{Scope, Synced};
use crate::text::tr;

/// Values that are listed of one row.
const VALUES: usize = 40;

/// Names of columns that tell people which row it is, the best ones first.
const NAMES: [&str; 14] = [
    "name",
    "nom",
    "label",
    "libelle",
    "libellé",
    "title",
    "titre",
    "code",
    "ref",
    "reference",
    "référence",
    "tag",
    "numero",
    "number",
];

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
            .set("table", synced.table.to_string())
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
        .set("table", synced.table.to_string())
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

/// Gives rows the names that people know them by, from the clone or the central.
pub(super) fn name(
    central: &mut Participant,
    clone: &mut Participant,
    scope: &Scope,
    mut rows: Vec<&mut Row>,
) -> Result<()> {
    for participant in [clone, central] {
        let mut tables: BTreeMap<String, Vec<Uuid>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.label.is_none()) {
            if let Ok(uid) = Uuid::parse_str(&row.uid) {
                tables.entry(row.table.clone()).or_default().push(uid);
            }
        }
        let mut labels: BTreeMap<(String, String), String> = BTreeMap::new();
        for (plain, uids) in tables {
            let synced = scope
                .tables
                .iter()
                .find(|synced| synced.table.plain() == plain);
            let Some(synced) = synced else { continue };
            let Some(column) = label_column(synced, participant.side) else {
                continue;
            };
            let sql = format!(
                "SELECT t.uid, left((t.{})::text, 120) FROM {} AS t WHERE t.uid = ANY ($1)",
                quote(column),
                synced.table
            );
            let found = participant
                .connection
                .query(&sql, &[&uids])
                .doing(|| tr!("Reading the names of rows of {plain}", plain))?;
            for row in found {
                let label: Option<String> = row.get(1);
                if let Some(label) = label.filter(|label| !label.trim().is_empty()) {
                    labels.insert((plain.clone(), row.get::<_, Uuid>(0).to_string()), label);
                }
            }
        }
        for row in &mut rows {
            if row.label.is_none() {
                row.label = labels.get(&(row.table.clone(), row.uid.clone())).cloned();
            }
        }
    }
    Ok(())
}

/// The column of a table that tells people which row it is.
fn label_column(synced: &Synced, side: Side) -> Option<&str> {
    let types = &synced.on(side).types;
    let texts = types.iter().filter(|(_, kind)| {
        kind.starts_with("character") || kind.starts_with("text") && !kind.ends_with("[]")
    });
    let rank = |name: &str| {
        let name = name.to_lowercase();
        let same = NAMES.iter().position(|known| name == *known);
        let part = || NAMES.iter().take(7).position(|known| name.contains(known));
        same.or_else(|| part().map(|place| NAMES.len() + place))
    };
    texts
        .filter_map(|(name, _)| Some((rank(name)?, name.as_str())))
        .min()
        .map(|(_, name)| name)
}

fn named(table: &str, uid: Uuid) -> Row {
    Row {
        table: table.to_owned(),
        uid: uid.to_string(),
        label: None,
    }
}

/// What a column holds, as far as that is known.
fn kind(synced: Option<&Synced>, name: &str) -> Kind {
    let known = synced.and_then(|synced| {
        let of = |side| synced.on(side).types.get(name);
        of(Side::Central).or_else(|| of(Side::Clone))
    });
    known.map_or(Kind::Plain, |name| Kind::of(name))
}

/// The values of a row of which a query gives names, beginnings and lengths.
fn values<'r>(
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

fn length(bytes: Option<i64>) -> u64 {
    u64::try_from(bytes.unwrap_or_default()).unwrap_or_default()
}
