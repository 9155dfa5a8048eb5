//! What people call the rows that a report speaks of.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::error::Result;
use crate::postgres::{Doing, quote};
use crate::report::Row;
use crate::sync::merge::Side;
use crate::sync::participant::Participant;
use crate::sync::scope::{Scope, Synced};
use crate::text::tr;

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
                synced.rows(participant.side)
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
