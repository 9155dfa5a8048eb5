//! Folding: the events of one row become one net change. Pure.

use super::change::{Change, Event, Net};

/// Folds the events of one row, in the order of the log.
#[derive(Debug, Default)]
pub struct Fold {
    change: Option<Change>,
    events: u64,
}

impl Fold {
    /// Adds the next event.
    ///
    /// | so far ↓ event → | insert | update | delete |
    /// |---|---|---|---|
    /// | nothing | insert | update | delete |
    /// | insert | insert | insert with the new values | delete |
    /// | update | insert | update of both | delete |
    /// | delete | insert | update | delete |
    ///
    /// A row that was inserted and deleted again folds to a deletion: where the other side never saw
    /// it, deleting it there does nothing, and where it did, the deletion is not lost.
    pub fn push(&mut self, event: Event) {
        self.events += 1;
        self.change = Some(match (self.change.take(), event) {
            (_, Event::Insert(fields)) => Change::Insert(fields),
            (_, Event::Delete(edit)) => Change::Delete(edit),
            (Some(Change::Insert(mut old)), Event::Update(new)) => {
                old.extend(new);
                Change::Insert(old)
            }
            (Some(Change::Update(mut old)), Event::Update(new)) => {
                old.extend(new);
                Change::Update(old)
            }
            (None | Some(Change::Delete(_)), Event::Update(fields)) => Change::Update(fields),
        });
    }

    /// Adds the net change of events that came later.
    pub fn then(&mut self, net: Net) {
        if let Some(change) = net.change {
            self.push(change.into());
            self.events -= 1;
        }
        self.events += net.events;
    }

    /// The net change.
    pub fn finish(self) -> Net {
        let nothing = matches!(&self.change, Some(Change::Update(fields)) if fields.is_empty());
        Net {
            change: self.change.filter(|_| !nothing),
            events: self.events,
            history: Vec::new(),
        }
    }
}
