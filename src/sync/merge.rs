//! Merging: the net changes of one row on both sides become what each side has to do. Pure.
//!
//! Fields merge; the later edit of a field wins, a tie goes to the central; a delete beats an update.

use crate::text::{Argument, Text, tr};
use std::sync::Arc;

use super::change::{Change, Edit, Event, Field, Fields, Net};

/// One of the two databases of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The central.
    Central,
    /// The clone.
    Clone,
}

impl Side {
    /// Its name in `lizsync.conflicts`.
    pub fn name(self) -> &'static str {
        match self {
            Side::Central => "central",
            Side::Clone => "clone",
        }
    }

    /// How a sentence calls it.
    pub fn full(self) -> Text {
        match self {
            Side::Central => tr!("the central database"),
            Side::Clone => tr!("the clone"),
        }
    }

    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Central => Side::Clone,
            Side::Clone => Side::Central,
        }
    }
}

/// In messages: “in the central”.
impl Argument for Side {
    fn text(&self) -> Text {
        match self {
            Side::Central => tr!("central"),
            Side::Clone => tr!("clone"),
        }
    }
}

/// What one side of a conflict wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A value of the field.
    Value(Field),
    /// These values of several fields, where the other side deleted the row.
    Row(Fields),
    /// No row.
    Deletion(Edit),
    /// Nothing: it has no such column.
    Nothing,
}

/// Two edits that neither side had seen of the other, of which one lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The column; None where one side deleted the row.
    pub field: Option<Arc<str>>,
    /// What the central wanted.
    pub central: Wanted,
    /// What the clone wanted.
    pub clone: Wanted,
    /// The side whose edit lost.
    pub rejected: Side,
}

impl Conflict {
    /// A value of a column that neither database has any more.
    pub fn of_gone(field: Arc<str>, value: Field, rejected: Side) -> Self {
        let (central, clone) = match rejected {
            Side::Central => (Wanted::Value(value), Wanted::Nothing),
            Side::Clone => (Wanted::Nothing, Wanted::Value(value)),
        };
        Self {
            field: Some(field),
            central,
            clone,
            rejected,
        }
    }

    /// The rule that settled it, as `lizsync.conflicts` has it.
    pub fn rule(&self) -> &'static str {
        match (&self.field, &self.central, &self.clone) {
            (_, Wanted::Nothing, _) | (_, _, Wanted::Nothing) => "column_missing",
            (Some(_), _, _) => "last_modified",
            (None, _, _) => "delete_wins",
        }
    }
}

/// What of the clone's own change must leave its log, because it is not sent any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Dropped {
    /// Nothing.
    #[default]
    Nothing,
    /// These fields.
    Fields(Vec<Arc<str>>),
    /// All of it.
    Row,
}

impl Dropped {
    /// Adds a field.
    pub fn field(&mut self, name: &Arc<str>) {
        match self {
            Dropped::Nothing => *self = Dropped::Fields(vec![name.clone()]),
            Dropped::Fields(names) => names.push(name.clone()),
            Dropped::Row => {}
        }
    }
}

/// What follows from the changes of one row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// For the clone to apply.
    pub to_clone: Option<Change>,
    /// For the central to apply.
    pub to_central: Option<Change>,
    /// For the clone to forget.
    pub dropped: Dropped,
    /// To be recorded.
    pub conflicts: Vec<Conflict>,
}

/// Takes out what the clone has of the central's own changes already: of `pulled`, which is what it has
/// received, what is still among the `events` of the central that are read once more, and of `central`, which
/// is what these come to, what the clone has. What is left of `pulled` the central has lost.
pub fn take_out_seen(pulled: &mut Option<Change>, central: &mut Option<Change>, events: &[Event]) {
    match &mut *pulled {
        None => {}
        Some(Change::Delete(mine)) => {
            let same = |edit: &Edit| edit.time == mine.time;
            let seen = |event: &Event| matches!(event, Event::Delete(edit) if same(edit));
            if events.iter().any(seen) {
                if matches!(central, Some(Change::Delete(edit)) if same(edit)) {
                    *central = None;
                }
                *pulled = None;
            }
        }
        Some(Change::Insert(mine) | Change::Update(mine)) => {
            let same = |a: &Field, b: &Field| a.value == b.value && a.edit.time == b.edit.time;
            let mut fields = std::mem::take(mine);
            let all = fields.len();
            fields.retain(|name, field| {
                let seen = events.iter().any(|event| match event {
                    Event::Insert(theirs) | Event::Update(theirs) => {
                        theirs.get(name).is_some_and(|other| same(field, other))
                    }
                    Event::Delete(_) => false,
                });
                if seen
                    && let Some(Change::Insert(theirs) | Change::Update(theirs)) = central
                    && theirs.get(name).is_some_and(|other| same(field, other))
                {
                    theirs.remove(name);
                }
                !seen
            });
            if fields.len() == all {
                *mine = fields;
                return;
            }
            let rest = |fields: Fields| (!fields.is_empty()).then_some(Change::Update(fields));
            *pulled = rest(fields);
            if let Some(Change::Insert(theirs) | Change::Update(theirs)) = central {
                *central = rest(std::mem::take(theirs));
            }
        }
    }
}

/// What a clone has of a row that the central lost track of: what it had `pulled`, and its `own` edits,
/// which may be older or later. The later one of each field counts; a tie goes to what was pulled.
pub fn latest_of(pulled: Net, own: Net) -> Net {
    let events = pulled.events + own.events;
    let last = |fields: &Fields| fields.values().map(|field| field.edit.time).max();
    let change = match (pulled.change, own.change) {
        (None, change) | (change, None) => change,
        (Some(Change::Delete(gone)), Some(Change::Insert(fields) | Change::Update(fields)))
            if last(&fields) <= Some(gone.time) =>
        {
            Some(Change::Delete(gone))
        }
        (Some(Change::Delete(_)), own) | (_, own @ Some(Change::Delete(_))) => own,
        (
            Some(pulled @ (Change::Insert(_) | Change::Update(_))),
            Some(own @ (Change::Insert(_) | Change::Update(_))),
        ) => {
            let whole = matches!(&pulled, Change::Insert(_)) || matches!(&own, Change::Insert(_));
            let (mut fields, own) = match (pulled, own) {
                (Change::Insert(a) | Change::Update(a), Change::Insert(b) | Change::Update(b)) => {
                    (a, b)
                }
                _ => (Fields::new(), Fields::new()),
            };
            for (name, field) in own {
                if fields
                    .get(&name)
                    .is_none_or(|known| field.edit.time > known.edit.time)
                {
                    fields.insert(name, field);
                }
            }
            Some(match whole {
                true => Change::Insert(fields),
                false => Change::Update(fields),
            })
        }
    };
    Net {
        change,
        events,
        history: Vec::new(),
    }
}

/// Merges the changes of one row.
pub fn merge(central: Option<Change>, clone: Option<Change>) -> Merged {
    match (central, clone) {
        (None, None) => Merged::default(),
        (Some(change), None) => Merged {
            to_clone: Some(change),
            ..Merged::default()
        },
        (None, Some(change)) => Merged {
            to_central: Some(change),
            ..Merged::default()
        },
        (Some(Change::Delete(_)), Some(Change::Delete(_))) => Merged {
            dropped: Dropped::Row,
            ..Merged::default()
        },
        (Some(Change::Delete(edit)), Some(Change::Insert(fields) | Change::Update(fields))) => {
            let conflict = Conflict {
                field: None,
                central: Wanted::Deletion(edit.clone()),
                clone: Wanted::Row(fields),
                rejected: Side::Clone,
            };
            Merged {
                to_clone: Some(Change::Delete(edit)),
                dropped: Dropped::Row,
                conflicts: vec![conflict],
                ..Merged::default()
            }
        }
        (Some(Change::Insert(fields) | Change::Update(fields)), Some(Change::Delete(edit))) => {
            let conflict = Conflict {
                field: None,
                central: Wanted::Row(fields),
                clone: Wanted::Deletion(edit.clone()),
                rejected: Side::Central,
            };
            Merged {
                to_central: Some(Change::Delete(edit)),
                conflicts: vec![conflict],
                ..Merged::default()
            }
        }
        (
            Some(Change::Insert(central) | Change::Update(central)),
            Some(Change::Insert(clone) | Change::Update(clone)),
        ) => merge_fields(central, clone),
    }
}

/// Both sides hold the row: each gets the fields that the other one changed last.
fn merge_fields(mut to_clone: Fields, clone: Fields) -> Merged {
    let mut to_central = Fields::new();
    let mut dropped = Vec::new();
    let mut conflicts = Vec::new();
    for (name, mine) in clone {
        let Some(theirs) = to_clone.get(&name) else {
            to_central.insert(name, mine);
            continue;
        };
        if theirs.value == mine.value {
            // Both chose the same value: nothing to write. But where the clone chose it later, the
            // central has to know that time, for the clones that changed the field in between.
            let later = mine.edit.time > theirs.edit.time;
            to_clone.remove(&name);
            if later {
                to_central.insert(name, mine);
            } else {
                dropped.push(name);
            }
            continue;
        }
        let clone_wins = mine.edit.time > theirs.edit.time;
        conflicts.push(Conflict {
            field: Some(name.clone()),
            central: Wanted::Value(theirs.clone()),
            clone: Wanted::Value(mine.clone()),
            rejected: if clone_wins {
                Side::Central
            } else {
                Side::Clone
            },
        });
        if clone_wins {
            to_clone.remove(&name);
            to_central.insert(name, mine);
        } else {
            dropped.push(name);
        }
    }
    let change = |fields: Fields| (!fields.is_empty()).then_some(Change::Update(fields));
    let dropped = match (dropped.is_empty(), to_central.is_empty()) {
        (true, _) => Dropped::Nothing,
        (false, true) => Dropped::Row,
        (false, false) => Dropped::Fields(dropped),
    };
    Merged {
        to_clone: change(to_clone),
        to_central: change(to_central),
        dropped,
        conflicts,
    }
}
