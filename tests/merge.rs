//! Folding and merging, without a database: properties over random histories.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lizsync::sync::change::{Change, Edit, Event, Field, Fields};
use lizsync::sync::fold::Fold;
use lizsync::sync::merge::{Dropped, Merged, Side, merge, take_out_seen};
use proptest::prelude::*;

type Row = BTreeMap<Arc<str>, Option<String>>;

fn edit(time: i64) -> Edit {
    Edit {
        time,
        event: time,
        user: "anna".into(),
    }
}

fn fields(values: &[(&str, &str)], time: i64) -> Fields {
    values
        .iter()
        .map(|(name, value)| {
            (
                Arc::from(*name),
                Field {
                    value: Some((*value).to_owned()),
                    edit: edit(time),
                },
            )
        })
        .collect()
}

fn values(fields: &Fields) -> Row {
    fields
        .iter()
        .map(|(name, field)| (name.clone(), field.value.clone()))
        .collect()
}

/// What applying a change does to a row.
fn apply(row: &mut Option<Row>, change: &Change) {
    match change {
        Change::Delete(_) => *row = None,
        Change::Insert(fields) => row.get_or_insert_default().extend(values(fields)),
        Change::Update(fields) => {
            if let Some(row) = row {
                row.extend(values(fields));
            }
        }
    }
}

fn as_change(event: &Event) -> Change {
    match event.clone() {
        Event::Insert(fields) => Change::Insert(fields),
        Event::Update(fields) => Change::Update(fields),
        Event::Delete(edit) => Change::Delete(edit),
    }
}

fn folded(events: &[Event]) -> (Option<Change>, u64) {
    let mut fold = Fold::default();
    events.iter().cloned().for_each(|event| fold.push(event));
    let net = fold.finish();
    (net.change, net.events)
}

/// A history of one row that can happen: it exists before an update or a deletion.
fn history(exists: bool, steps: &[(u8, u8)]) -> Vec<Event> {
    let mut exists = exists;
    let mut events = Vec::new();
    for (time, (kind, value)) in steps.iter().enumerate() {
        let time = time as i64 + 1;
        let value = value.to_string();
        match (exists, kind % 4) {
            (false, _) => events.push(Event::Insert(fields(&[("a", &value), ("b", &value)], time))),
            (true, 0) => events.push(Event::Delete(edit(time))),
            (true, 1) => events.push(Event::Update(fields(&[("a", &value)], time))),
            (true, 2) => events.push(Event::Update(fields(&[("b", &value)], time))),
            (true, _) => events.push(Event::Update(fields(&[("a", &value), ("b", &value)], time))),
        }
        exists = !matches!(events.last(), Some(Event::Delete(_)));
    }
    events
}

/// Odd times only, so that no two edits of the two sides tie.
fn shifted(change: Option<Change>, by: i64) -> Option<Change> {
    let move_fields = |mut fields: Fields| {
        fields
            .values_mut()
            .for_each(|field| field.edit.time = field.edit.time * 2 + by);
        fields
    };
    change.map(|change| match change {
        Change::Insert(fields) => Change::Insert(move_fields(fields)),
        Change::Update(fields) => Change::Update(move_fields(fields)),
        Change::Delete(edit) => Change::Delete(Edit {
            time: edit.time * 2 + by,
            ..edit
        }),
    })
}

proptest! {
    /// What waits, folded with what is new, is what one folding of everything gives: also where the
    /// new events are read once more (a run that died).
    #[test]
    fn what_waits_and_what_is_new_fold_like_one_history(exists: bool, steps in prop::collection::vec(any::<(u8, u8)>(), 0..12), cut in 0usize..12, again: bool) {
        let events = history(exists, &steps);
        let (before, after) = events.split_at(cut.min(events.len()));
        let net = |events: &[Event]| {
            let mut fold = Fold::default();
            events.iter().cloned().for_each(|event| fold.push(event));
            fold.finish()
        };
        let mut fold = Fold::default();
        fold.then(net(before));
        fold.then(net(after));
        if again {
            fold.then(net(after));
        }
        let folded = fold.finish();
        prop_assert_eq!(folded.change, net(&events).change);
        prop_assert_eq!(folded.events as usize, events.len() + if again { after.len() } else { 0 });
    }

    /// A central that lost runs: what the clone has of what is read once more is no conflict, and both
    /// end with the last edit of every field.
    #[test]
    fn what_the_clone_has_received_is_recognised(exists: bool, steps in prop::collection::vec(any::<(u8, u8)>(), 1..12), kept in 0usize..12) {
        let events = history(exists, &steps);
        let (survived, _) = events.split_at(kept.min(events.len()));
        let start = exists.then(|| values(&fields(&[("a", "old"), ("b", "old")], 0)));
        let play = |row: &mut Option<Row>, events: &[Event]| events.iter().for_each(|event| apply(row, &as_change(event)));
        // The clone has all of it, the central what survived.
        let (mut clone, mut central) = (start.clone(), start);
        play(&mut clone, &events);
        play(&mut central, survived);
        let (mut pulled, mut read_again) = (folded(&events).0, folded(survived).0);
        take_out_seen(&mut pulled, &mut read_again, survived);
        let merged = merge(read_again, pulled);
        merged.to_clone.iter().for_each(|change| apply(&mut clone, change));
        merged.to_central.iter().for_each(|change| apply(&mut central, change));
        prop_assert_eq!(central, clone);
    }

    /// A run that died after the clone had taken a part: what the central still has is not sent back to it
    /// and makes no conflict, and the clone gets the rest.
    #[test]
    fn what_a_dead_run_brought_is_recognised(exists: bool, steps in prop::collection::vec(any::<(u8, u8)>(), 1..12), cut in 0usize..12) {
        let events = history(exists, &steps);
        let (brought, _) = events.split_at(cut.min(events.len()));
        let start = exists.then(|| values(&fields(&[("a", "old"), ("b", "old")], 0)));
        let play = |events: &[Event]| {
            let mut row = start.clone();
            events.iter().for_each(|event| apply(&mut row, &as_change(event)));
            row
        };
        let (mut clone, central) = (play(brought), play(&events));
        let (mut pulled, mut read_again) = (folded(brought).0, folded(&events).0);
        take_out_seen(&mut pulled, &mut read_again, &events);
        prop_assert_eq!(pulled, None);
        read_again.iter().for_each(|change| apply(&mut clone, change));
        prop_assert_eq!(clone, central);
    }

    #[test]
    fn folding_first_equals_applying_one_by_one(exists: bool, steps in prop::collection::vec(any::<(u8, u8)>(), 0..12)) {
        let events = history(exists, &steps);
        let start = exists.then(|| values(&fields(&[("a", "old"), ("b", "old")], 0)));
        let mut one_by_one = start.clone();
        events.iter().for_each(|event| apply(&mut one_by_one, &as_change(event)));
        let (change, count) = folded(&events);
        let mut at_once = start;
        change.iter().for_each(|change| apply(&mut at_once, change));
        prop_assert_eq!(at_once, one_by_one);
        prop_assert_eq!(count, events.len() as u64);
    }

    #[test]
    fn both_sides_end_equal_whichever_is_called_central(
        one in prop::collection::vec(any::<(u8, u8)>(), 0..8), two in prop::collection::vec(any::<(u8, u8)>(), 0..8)
    ) {
        let start = Some(values(&fields(&[("a", "old"), ("b", "old")], 0)));
        let (one, two) = (history(true, &one), history(true, &two));
        let (one_net, two_net) = (shifted(folded(&one).0, 0), shifted(folded(&two).0, 1));
        let ends = |events: &[Event], change: &Option<Change>| {
            let mut row = start.clone();
            events.iter().for_each(|event| apply(&mut row, &as_change(event)));
            change.iter().for_each(|change| apply(&mut row, change));
            row
        };
        let merged = merge(one_net.clone(), two_net.clone());
        let (central, clone) = (ends(&one, &merged.to_central), ends(&two, &merged.to_clone));
        prop_assert_eq!(&central, &clone);
        // The changes may differ: the time of a later edit to an equal value goes to the central only.
        let other = merge(two_net.clone(), one_net.clone());
        prop_assert_eq!(&ends(&two, &other.to_central), &central);
        prop_assert_eq!(&ends(&one, &other.to_clone), &central);
        prop_assert_eq!(other.conflicts.len(), merged.conflicts.len());

        // Every conflict names a value that is not there any more, and only such.
        for conflict in &merged.conflicts {
            let loser = if conflict.rejected == Side::Central { &conflict.central } else { &conflict.clone };
            let winner = if conflict.rejected == Side::Central { &conflict.clone } else { &conflict.central };
            prop_assert_ne!(loser, winner);
        }
        if central.is_none() {
            prop_assert!(merged.conflicts.len() <= 1);
        }
    }

    /// The protocol on an in-memory central and three clones, with crashes between the commits: they
    /// converge, nothing is lost, nothing comes back.
    #[test]
    fn random_histories_with_crashes_converge(steps in prop::collection::vec((0u8..6, 0u8..4, any::<u8>(), any::<u8>()), 0..60)) {
        let mut world = World::default();
        for (what, which, a, b) in steps {
            match what {
                0..=3 => world.edit(usize::from(which), a, b),
                _ => world.run(usize::from(which % 3) + 1, a % 5),
            }
        }
        for _ in 0..2 {
            for clone in 1..4 {
                world.run(clone, 0);
            }
        }
        for clone in 1..4 {
            prop_assert_eq!(&world.databases[clone].rows, &world.databases[0].rows);
        }
        let held: BTreeSet<u32> = world.databases[0].rows.keys().copied().collect();
        let expected: BTreeSet<u32> = world.born.difference(&world.dead).copied().collect();
        prop_assert_eq!(held, expected);
    }
}

/// One event: its number, where it came from, the row.
type Logged = (u64, usize, u32, Event);

#[derive(Default, Clone)]
struct Memory {
    rows: BTreeMap<u32, Row>,
    log: Vec<Logged>,
    /// For each sender, the numbers of the events that were taken.
    received: BTreeMap<usize, BTreeSet<u64>>,
}

/// A central (0) and three clones.
#[derive(Default)]
struct World {
    databases: [Memory; 4],
    clock: u64,
    born: BTreeSet<u32>,
    dead: BTreeSet<u32>,
}

impl World {
    fn edit(&mut self, which: usize, pick: u8, kind: u8) {
        self.clock += 1;
        let (time, value) = (self.clock as i64, self.clock.to_string());
        let database = &mut self.databases[which];
        let existing: Vec<u32> = database.rows.keys().copied().collect();
        let (row, event) = if existing.is_empty() || kind.is_multiple_of(5) {
            let row = self.clock as u32;
            self.born.insert(row);
            (
                row,
                Event::Insert(fields(&[("a", &value), ("b", &value)], time)),
            )
        } else {
            let row = existing[usize::from(pick) % existing.len()];
            match kind % 5 {
                1 => {
                    self.dead.insert(row);
                    (row, Event::Delete(edit(time)))
                }
                2 => (row, Event::Update(fields(&[("a", &value)], time))),
                3 => (row, Event::Update(fields(&[("b", &value)], time))),
                _ => (
                    row,
                    Event::Update(fields(&[("a", &value), ("b", &value)], time)),
                ),
            }
        };
        database.apply(row, &as_change(&event));
        database.log.push((self.clock, which, row, event));
    }

    /// One run; `crash` 1 to 3 stops it after that many commits less one.
    fn run(&mut self, clone: usize, crash: u8) {
        let seen_central: BTreeSet<u64> = self.databases[0].log.iter().map(|l| l.0).collect();
        let taken = self.databases[0].received.entry(clone).or_default().clone();
        self.databases[clone]
            .log
            .retain(|logged| !taken.contains(&logged.0));
        let seen_clone: BTreeSet<u64> = self.databases[clone].log.iter().map(|l| l.0).collect();
        let known = self.databases[clone].received.entry(0).or_default().clone();
        let mut central = nets(
            self.databases[0]
                .log
                .iter()
                .filter(|l| !known.contains(&l.0) && l.1 != clone),
        );
        let mut mine = nets(self.databases[clone].log.iter());
        let rows: BTreeSet<u32> = central.keys().chain(mine.keys()).copied().collect();
        let merged: BTreeMap<u32, Merged> = rows
            .into_iter()
            .map(|row| {
                (
                    row,
                    merge(central.remove(&row).flatten(), mine.remove(&row).flatten()),
                )
            })
            .collect();
        if crash == 1 {
            return;
        }
        let database = &mut self.databases[clone];
        for (row, merged) in &merged {
            merged
                .to_clone
                .iter()
                .for_each(|change| database.apply(*row, change));
            database.forget(*row, &merged.dropped);
        }
        database.received.entry(0).or_default().extend(seen_central);
        if crash == 2 {
            return;
        }
        self.clock += 1;
        let database = &mut self.databases[0];
        for (row, merged) in &merged {
            if let Some(change) = &merged.to_central {
                database.apply(*row, change);
                let event = match change.clone() {
                    Change::Insert(fields) => Event::Insert(fields),
                    Change::Update(fields) => Event::Update(fields),
                    Change::Delete(edit) => Event::Delete(edit),
                };
                database.log.push((self.clock, clone, *row, event));
            }
        }
        database
            .received
            .entry(clone)
            .or_default()
            .extend(seen_clone);
    }
}

fn nets<'a>(log: impl Iterator<Item = &'a Logged>) -> BTreeMap<u32, Option<Change>> {
    let mut folds: BTreeMap<u32, Fold> = BTreeMap::new();
    for (_, _, row, event) in log {
        folds.entry(*row).or_default().push(event.clone());
    }
    folds
        .into_iter()
        .map(|(row, fold)| (row, fold.finish().change))
        .collect()
}

impl Memory {
    fn apply(&mut self, row: u32, change: &Change) {
        let mut value = self.rows.remove(&row);
        apply(&mut value, change);
        if let Some(value) = value {
            self.rows.insert(row, value);
        }
    }

    fn forget(&mut self, row: u32, dropped: &Dropped) {
        match dropped {
            Dropped::Nothing => {}
            Dropped::Row => self.log.retain(|logged| logged.2 != row),
            Dropped::Fields(names) => {
                for logged in self.log.iter_mut().filter(|logged| logged.2 == row) {
                    if let Event::Insert(fields) | Event::Update(fields) = &mut logged.3 {
                        fields.retain(|name, _| !names.contains(name));
                    }
                }
            }
        }
    }
}

#[test]
fn the_decision_table() {
    let update = |values: &[(&str, &str)], time| Some(Change::Update(fields(values, time)));
    let delete = |time| Some(Change::Delete(edit(time)));

    let merged = merge(
        update(&[("a", "1"), ("b", "1")], 5),
        update(&[("b", "2"), ("c", "2")], 6),
    );
    assert_eq!(merged.to_clone, update(&[("a", "1")], 5));
    assert_eq!(merged.to_central, update(&[("b", "2"), ("c", "2")], 6));
    assert_eq!(
        (
            merged.conflicts.len(),
            merged.conflicts[0].rejected,
            merged.dropped
        ),
        (1, Side::Central, Dropped::Nothing)
    );

    let merged = merge(
        update(&[("a", "1")], 5),
        update(&[("a", "2"), ("c", "2")], 5),
    );
    assert_eq!(
        merged.conflicts[0].rejected,
        Side::Clone,
        "a tie goes to the central"
    );
    assert_eq!(merged.dropped, Dropped::Fields(vec!["a".into()]));
    assert_eq!(merged.to_central, update(&[("c", "2")], 5));

    for (time, to_central) in [(3, None), (5, None), (9, update(&[("a", "1")], 9))] {
        let merged = merge(update(&[("a", "1")], 5), update(&[("a", "1")], time));
        assert_eq!(
            (merged.to_clone, merged.to_central, merged.conflicts.len()),
            (None, to_central, 0),
            "equal values are no conflict, but a later time counts"
        );
    }

    for (central, clone, rejected) in [
        (delete(1), update(&[("a", "2")], 9), Side::Clone),
        (update(&[("a", "2")], 9), delete(1), Side::Central),
    ] {
        let merged = merge(central, clone);
        let applied = merged.to_clone.or(merged.to_central);
        assert_eq!(applied, delete(1), "a delete beats an update");
        assert_eq!(merged.conflicts[0].rejected, rejected);
    }
    assert_eq!(merge(delete(1), delete(2)).conflicts, []);
}
