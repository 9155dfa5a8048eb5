//! The tables that a run synchronises, as both databases know them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Change, Fields};
use super::events::{Columns, Names};
use super::merge::Side;
use super::order::{self, Edge};
use super::refusal::Refusal;
use super::tables::{Local, Reference};
use crate::feedback::Feedback;
use crate::postgres::{Table, literal};
use crate::text::{Text, tr};

/// A table that is synchronised. Its number is its place in [`Scope::tables`].
#[derive(Debug, Clone)]
pub struct Synced {
    /// Its name, the same in both databases.
    pub table: Table,
    /// In the central.
    pub central: Local,
    /// In the clone.
    pub clone: Local,
    /// The columns whose values travel, sorted.
    pub columns: BTreeSet<Arc<str>>,
}

/// All tables of a run, parents before children.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The tables.
    pub tables: Vec<Synced>,
    /// Tables whose edits can only be set aside; numbered after the others.
    pub unusable: Vec<Unusable>,
    /// What tables that cannot be synchronised are in the central and in the clone.
    known: BTreeMap<Table, [Presence; 2]>,
}

/// A table of which there are edits, but that cannot be synchronised.
#[derive(Debug, Clone)]
pub struct Unusable {
    /// Its name.
    pub table: Table,
    /// Whether this is about events of rows that have no uid.
    pub without_uid: bool,
    /// Whether the clone does not synchronise it: then the central's edits stay where they are.
    pub unwanted: bool,
}

/// What one side has of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Absent,
    NoUid,
    NotCaptured,
    Usable,
}

/// The code of the refusal of rows that have no uid.
const NO_UID: &str = "LZ001";

impl Presence {
    fn of(local: Option<&Local>) -> Self {
        match local {
            None => Presence::Absent,
            Some(local) if !local.has_uid => Presence::NoUid,
            Some(local) if !local.audited => Presence::NotCaptured,
            Some(_) => Presence::Usable,
        }
    }
}

impl Scope {
    /// The tables that both databases hold. `references` are those of the central.
    pub fn new(
        central: BTreeMap<Table, Local>,
        mut clone: BTreeMap<Table, Local>,
        references: &[Reference],
        feedback: &Feedback,
    ) -> Self {
        let mut tables = Vec::new();
        let mut known = BTreeMap::new();
        let mut lacking = Vec::new();
        for (table, here) in central {
            let there = clone.remove(&table);
            let presence = [Presence::of(Some(&here)), Presence::of(there.as_ref())];
            match (presence, there) {
                ([Presence::Usable, Presence::Usable | Presence::NotCaptured], Some(there)) => {
                    tables.push(Synced::new(table, here, there));
                    continue;
                }
                ([Presence::Usable, _], _) => lacking.push(table.plain()),
                // The run has warned of it already.
                ([Presence::NotCaptured, _], _) => {}
                _ => feedback.warning(tr!(
                    "{table} is not prepared in the central database: left out. “Prepare the central database” adds what it needs.",
                    table = table.plain()
                )),
            }
            known.insert(table, presence);
        }
        if !lacking.is_empty() {
            feedback.warning(tr!(
                "The clone lacks tables of the central database, or their uid: {lacking}. Package the central database again and deploy the package to the clone.",
                lacking = Text::list(lacking)
            ));
        }
        known.extend(
            clone
                .into_iter()
                .map(|(table, there)| (table, [Presence::Absent, Presence::of(Some(&there))])),
        );
        let place = |oid: u32| tables.iter().position(|synced| synced.central.oid == oid);
        let edges: Vec<Edge> = references
            .iter()
            .filter_map(|r| {
                let (child, parent) = (place(r.child)?, place(r.parent)?);
                let nullable = &tables[child].central.nullable;
                let patient =
                    r.deferrable || r.columns.iter().all(|(name, _)| nullable.contains(name));
                Some(Edge {
                    child,
                    parent,
                    patient,
                })
            })
            .collect();
        let order = order::parents_first(tables.len(), &edges);
        Self {
            tables: order
                .into_iter()
                .map(|place| tables[place].clone())
                .collect(),
            unusable: Vec::new(),
            known,
        }
    }

    /// Adds a table of which there are edits, but that is not among those that can be synchronised.
    pub fn add_unusable(&mut self, table: Table, without_uid: bool, unwanted: bool) {
        let found = |u: &&mut Unusable| u.table == table && u.without_uid == without_uid;
        match self.unusable.iter_mut().find(found) {
            Some(known) => known.unwanted &= unwanted,
            None => self.unusable.push(Unusable {
                table,
                without_uid,
                unwanted,
            }),
        }
    }

    /// For each table, what is looked at of the sender's edits: all but automatic keys and generated
    /// columns.
    pub fn columns(&self, sender: Side) -> Columns {
        let of = |synced: &Synced| {
            let (here, there) = (synced.on(sender), synced.on(sender.other()));
            let own = here.all_columns.difference(&here.columns);
            // Where the sender has no such column any more, what it was is not known.
            let others = there.all_columns.difference(&there.columns);
            let others = others.filter(|name| !here.all_columns.contains(*name));
            Names {
                table: synced.table.plain(),
                known: synced
                    .columns
                    .iter()
                    .cloned()
                    .chain(synced.left(sender))
                    .collect(),
                ignored: own.chain(others).cloned().collect(),
            }
        };
        let unusable = self.unusable.iter().map(|unusable| Names {
            table: unusable.table.plain(),
            ..Names::default()
        });
        Arc::new(self.tables.iter().map(of).chain(unusable).collect())
    }

    /// Takes the values out of a change that no column waits for: neither database has it any more, or
    /// the receiver's is generated, or an automatic key. That may leave nothing of the change.
    pub fn take_gone(&self, number: usize, owner: Side, change: &mut Option<Change>) -> Fields {
        let mut gone = Fields::new();
        if let Some(synced) = self.tables.get(number)
            && let Some(Change::Insert(fields) | Change::Update(fields)) = change
        {
            let travels = |name: &str| {
                synced.columns.contains(name)
                    || synced.left(owner).any(|left| *left == *name)
                    || synced.lacking(owner).any(|lacking| lacking == name)
            };
            let names = fields.keys().filter(|name| !travels(name));
            for name in names.cloned().collect::<Vec<_>>() {
                gone.extend(fields.remove_entry(&name));
            }
            if fields.is_empty() {
                *change = None;
            }
        }
        gone
    }

    /// Why the other side cannot take a change of `owner`, as far as the tables alone tell.
    pub fn refusal(&self, number: usize, owner: Side, change: &Change) -> Option<Refusal> {
        let receiver = owner.other();
        if let Some(synced) = self.tables.get(number) {
            let lacks = |name: &String| match change {
                Change::Insert(fields) => {
                    fields.get(name.as_str()).is_some_and(|f| f.value.is_some())
                }
                Change::Update(fields) => fields.contains_key(name.as_str()),
                Change::Delete(_) => false,
            };
            let name = synced.lacking(owner).find(|name| lacks(name))?;
            let message = tr!(
                "{table} has no column {name} in {receiver}.",
                table = synced.table.plain(),
                name,
                receiver = receiver.full()
            );
            return Some(Refusal::new("42703", None, message));
        }
        let unusable = self.unusable.get(number - self.tables.len())?;
        let name = unusable.table.plain();
        let absent = [Presence::Absent; 2];
        let [central, clone] = *self.known.get(&unusable.table).unwrap_or(&absent);
        let (mine, theirs) = match owner {
            Side::Central => (central, clone),
            Side::Clone => (clone, central),
        };
        let (here, there) = (owner.full(), receiver.full());
        let (code, message) = match (mine, theirs) {
            _ if unusable.without_uid => (NO_UID, tr!("the row of {name} has no uid.", name)),
            (_, Presence::Absent) => (
                "42P01",
                tr!(
                    "{there} has no table {name} that is synchronised.",
                    there,
                    name
                ),
            ),
            (_, Presence::NoUid) => ("42703", tr!("{name} has no uid in {there}.", name, there)),
            (Presence::Absent, _) => (
                "42P01",
                tr!("{here} has no table {name} any more.", here, name),
            ),
            (Presence::NoUid, _) => (
                "42703",
                tr!("{name} has no uid in {here} any more.", name, here),
            ),
            _ => (
                "55000",
                tr!(
                    "{name} is not prepared in the central database: run “Prepare the central database”.",
                    name
                ),
            ),
        };
        Some(Refusal::new(code, None, message))
    }

    /// The table of that name, where it can be synchronised.
    pub fn synced(&self, table: &Table) -> Option<&Synced> {
        self.tables.iter().find(|synced| synced.table == *table)
    }

    /// The name of a table.
    pub fn table(&self, number: usize) -> Option<&Table> {
        let unusable = || Some(&self.unusable.get(number - self.tables.len())?.table);
        match self.tables.get(number) {
            Some(synced) => Some(&synced.table),
            None => unusable(),
        }
    }

    /// The tables by number, each with whether it stands for rows without uid.
    fn all(&self) -> impl Iterator<Item = (&Table, bool)> {
        let usable = self.tables.iter().map(|synced| (&synced.table, false));
        let unusable = self.unusable.iter().map(|u| (&u.table, u.without_uid));
        usable.chain(unusable)
    }

    /// The tables whose edits on that side are read, as four SQL arrays: number, schema, name, and whether it stands
    /// for rows without uid.
    pub fn arrays(&self, sender: Side) -> String {
        let left = |number: usize| {
            let of = number.checked_sub(self.tables.len());
            let unusable = of.and_then(|place| self.unusable.get(place));
            sender == Side::Central && unusable.is_some_and(|unusable| unusable.unwanted)
        };
        let list = |of: fn((usize, (&Table, bool))) -> String| {
            let all = self.all().enumerate();
            let items: Vec<String> = all.filter(|(number, _)| !left(*number)).map(of).collect();
            items.join(", ")
        };
        format!(
            "ARRAY[{}]::integer[], ARRAY[{}]::text[], ARRAY[{}]::text[], ARRAY[{}]::boolean[]",
            list(|(number, _)| number.to_string()),
            list(|(_, (table, _))| literal(&table.schema)),
            list(|(_, (table, _))| literal(&table.name)),
            list(|(_, (_, without_uid))| without_uid.to_string())
        )
    }

    /// The tables as rows of an SQL VALUES list: number, schema, name, and whether it stands for rows
    /// without uid. Never empty.
    pub fn values(&self) -> String {
        let rows: Vec<String> = self
            .all()
            .enumerate()
            .map(|(number, (Table { schema, name }, without_uid))| {
                format!(
                    "({number}, {}, {}, {without_uid})",
                    literal(schema),
                    literal(name)
                )
            })
            .collect();
        match rows.is_empty() {
            true => "(-1, '', '', false)".to_owned(),
            false => rows.join(", "),
        }
    }
}

impl Synced {
    /// The table as one side knows it.
    pub fn on(&self, side: Side) -> &Local {
        match side {
            Side::Central => &self.central,
            Side::Clone => &self.clone,
        }
    }

    /// The rows of the table on one side, as SQL behind FROM and UPDATE: those of tables that inherit from it are not
    /// its own.
    pub fn rows(&self, side: Side) -> String {
        self.table.rows(self.on(side).ordinary)
    }

    fn new(table: Table, central: Local, clone: Local) -> Self {
        // A column travels when it exists on both sides and is an automatic key on neither.
        let columns = central
            .columns
            .intersection(&clone.columns)
            .map(|name| Arc::from(name.as_str()))
            .collect();
        Self {
            table,
            central,
            clone,
            columns,
        }
    }

    /// The columns that only the other side has: the sender may have renamed or dropped them after edits.
    pub fn left(&self, sender: Side) -> impl Iterator<Item = Arc<str>> {
        let (here, there) = (self.on(sender), self.on(sender.other()));
        let names = there.columns.difference(&here.all_columns);
        names.map(|name| Arc::from(name.as_str()))
    }

    /// Columns that travel between two types, which may cost digits: name, type in the central, in the clone.
    pub fn unlike(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.columns.iter().filter_map(|name| {
            let central = self.central.types.get(&**name)?;
            let clone = self.clone.types.get(&**name)?;
            (central != clone).then_some((&**name, central.as_str(), clone.as_str()))
        })
    }

    /// The columns that the sender's edits may name, and that the other side does not have at all.
    fn lacking(&self, sender: Side) -> impl Iterator<Item = &String> {
        let (here, there) = (self.on(sender), self.on(sender.other()));
        here.columns.difference(&there.all_columns)
    }
}
