//! Merging the two logs and what waits, row by row. Everything streams: no more than two rows of each
//! side are held in memory.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::change::{Change, Event, Net, Time};
use super::events::{Changes, Columns, Key, Owner, Stored};
use super::fold::Fold;
use super::merge::{Conflict, Dropped, Merged, Side, latest_of, merge, take_out_seen};
use super::refusal::Refusals;
use super::report::Sample;
use super::scope::Scope;
use super::stage::Stage;
use super::transfer::Transferred;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Doing, Table};
use crate::text::{Text, tr};

/// How many rows pass between two looks at the cancel flag.
const ROWS_BETWEEN_CHECKS: u64 = 1000;

/// One of the two sorted streams, with its next row.
pub(super) struct Source<R> {
    changes: Changes<R>,
    next: Option<(Key, Net)>,
    doing: fn() -> Text,
}

impl<R: Read> Source<R> {
    pub(super) fn new(
        stream: R,
        columns: Columns,
        offset: Time,
        again: bool,
        doing: fn() -> Text,
    ) -> Result<Self> {
        let mut changes = Changes::new(stream, columns, offset, again);
        let next = changes.next_net().doing(doing)?;
        Ok(Self {
            changes,
            next,
            doing,
        })
    }

    /// The row at `key`, if it is the next one.
    fn take(&mut self, key: Key) -> Result<Option<Net>> {
        if self.next.as_ref().is_none_or(|(next, _)| *next != key) {
            return Ok(None);
        }
        let following = self.changes.next_net().doing(self.doing)?;
        Ok(std::mem::replace(&mut self.next, following).map(|(_, net)| net))
    }
}

/// What waits in the clone.
pub(super) struct Shelf<R> {
    stored: Option<Stored<R>>,
    next: Option<(Key, Owner, Event)>,
    doing: fn() -> Text,
}

impl<R: Read> Shelf<R> {
    pub(super) fn new(stored: Option<Stored<R>>, doing: fn() -> Text) -> Result<Self> {
        let mut shelf = Self {
            stored,
            next: None,
            doing,
        };
        shelf.advance()?;
        Ok(shelf)
    }

    fn advance(&mut self) -> Result<Option<(Key, Owner, Event)>> {
        let following = match &mut self.stored {
            Some(stored) => stored.next_change().doing(self.doing)?,
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, following))
    }

    /// What waits for the row at `key`.
    fn take(&mut self, key: Key) -> Result<Waiting> {
        let mut waiting = Waiting::default();
        while self.next.as_ref().is_some_and(|(next, _, _)| *next == key) {
            match self.advance()? {
                Some((_, Owner::Central, event)) => waiting.central.push(event),
                Some((_, Owner::Clone, event)) => waiting.clone.push(event),
                Some((_, Owner::Pulled, event)) => waiting.pulled.push(event),
                None => {}
            }
        }
        Ok(waiting)
    }
}

/// What waits for one row.
#[derive(Default)]
struct Waiting {
    central: Fold,
    clone: Fold,
    pulled: Fold,
}

/// All streams of a run.
pub(super) struct Streams<A, B, S, C: Write, D: Write> {
    pub(super) central: Source<A>,
    pub(super) clone: Source<B>,
    pub(super) stored: Shelf<S>,
    pub(super) to_central: Stage<C>,
    pub(super) to_clone: Stage<D>,
    pub(super) transferred: Transferred,
    /// How many values of columns that neither database has any more were found.
    pub(super) gone: BTreeMap<(usize, Arc<str>), u64>,
    /// Rows that will be deleted in the central and in the clone, for the report, where one is wanted.
    pub(super) doomed: Option<[Sample; 2]>,
}

impl<A: Read, B: Read, S: Read, C: Write, D: Write> Streams<A, B, S, C, D> {
    /// Reads all streams to their ends; returns the two staging streams, what was staged, and samples of the rows that
    /// will be deleted.
    pub(super) fn run(
        mut self,
        scope: &Scope,
        feedback: &Feedback,
    ) -> Result<(C, D, Transferred, Option<[Sample; 2]>)> {
        let mut rows: u64 = 0;
        let mut table = None;
        loop {
            let keys = [
                self.central.next.as_ref().map(|(key, _)| *key),
                self.clone.next.as_ref().map(|(key, _)| *key),
                self.stored.next.as_ref().map(|(key, _, _)| *key),
            ];
            let Some(key) = keys.into_iter().flatten().min() else {
                break;
            };
            if rows.is_multiple_of(ROWS_BETWEEN_CHECKS) {
                feedback.check()?;
            }
            rows += 1;
            if table != Some(key.0) {
                table = Some(key.0);
                let name = scope.table(number(key)?).map(Table::plain);
                feedback.info(tr!(
                    "Reading the changes of {table}.",
                    table = name.unwrap_or_default()
                ));
            }
            self.row(key, scope)?;
        }
        for ((number, name), count) in self.gone {
            let table = scope.table(number).map(Table::plain).unwrap_or_default();
            feedback.warning(tr!(
                "{table}: column {name} is gone or generated where its edits should go; {n} value kept in lizsync.conflicts."
                    | "{table}: column {name} is gone or generated where its edits should go; {n} values kept in lizsync.conflicts." % count,
                table,
                name
            ));
        }
        let (to_central, staged) = self
            .to_central
            .finish()
            .doing(|| tr!("Staging in the central"))?;
        self.transferred.to_central = staged;
        let (to_clone, staged) = self
            .to_clone
            .finish()
            .doing(|| tr!("Staging in the clone"))?;
        self.transferred.to_clone = staged;
        Ok((to_central, to_clone, self.transferred, self.doomed))
    }

    /// Merges one row and stages the outcome.
    fn row(&mut self, key: Key, scope: &Scope) -> Result<()> {
        let number = number(key)?;
        let Waiting {
            mut central,
            clone: aside,
            pulled,
        } = self.stored.take(key)?;
        let mut log = self.central.take(key)?.unwrap_or_default();
        let history = std::mem::take(&mut log.history);
        central.then(log);
        let (mut central, mut pulled) = (central.finish(), pulled.finish());
        take_out_seen(&mut pulled.change, &mut central.change, &history);
        let mut clone = aside;
        clone.then(self.clone.take(key)?.unwrap_or_default());
        let clone = latest_of(pulled, clone.finish());
        let mut merged = match scope.tables.get(number) {
            Some(_) => merge(central.change, clone.change),
            // Both are set aside.
            None => Merged {
                to_clone: central.change,
                to_central: clone.change,
                ..Merged::default()
            },
        };
        if let Some([in_central, in_clone]) = &mut self.doomed {
            for (sample, change) in [
                (in_central, &merged.to_central),
                (in_clone, &merged.to_clone),
            ] {
                if let Some(Change::Delete(_)) = change {
                    sample.offer(number, key.1);
                }
            }
        }
        let Streams {
            to_central,
            to_clone,
            transferred,
            gone,
            ..
        } = self;
        for (change, owner) in [
            (&mut merged.to_clone, Side::Central),
            (&mut merged.to_central, Side::Clone),
        ] {
            for (name, field) in scope.take_gone(number, owner, change) {
                if owner == Side::Clone {
                    // Else it would be found again after a crash.
                    merged.dropped.field(&name);
                }
                if field.value.is_some() {
                    *gone.entry((number, name.clone())).or_default() += 1;
                    let conflict = Conflict::of_gone(name, field, owner);
                    merged.conflicts.push(conflict);
                }
            }
        }
        transferred.anything_dropped |= merged.dropped != Dropped::Nothing;
        transferred.conflicts += merged.conflicts.len() as u64;
        let lost = |side| {
            merged
                .conflicts
                .iter()
                .any(|conflict| conflict.rejected == side)
        };
        transferred.central.count(
            central.events,
            merged.to_clone.is_some(),
            lost(Side::Central),
        );
        transferred
            .clone
            .count(clone.events, merged.to_central.is_some(), lost(Side::Clone));
        let refused = |change: &Change, owner, refusals: &mut Refusals| {
            let refusal = scope.refusal(number, owner, change);
            refusal.map(|refusal| refusals.number(refusal))
        };
        if let Some(change) = &merged.to_central {
            let reason = refused(change, Side::Clone, &mut transferred.refusals.central);
            to_central
                .change(key, change, reason)
                .doing(|| tr!("Staging in the central"))?;
        }
        let mut stage = || -> io::Result<()> {
            if let Some(change) = &merged.to_clone {
                let reason = refused(change, Side::Central, &mut transferred.refusals.clone);
                to_clone.change(key, change, reason)?;
            }
            to_clone.dropped(key, &merged.dropped)?;
            for conflict in &merged.conflicts {
                if let Some(table) = scope.table(number) {
                    to_clone.conflict(key, table, conflict)?;
                }
            }
            Ok(())
        };
        stage().doing(|| tr!("Staging in the clone"))
    }
}

fn number(key: Key) -> Result<usize> {
    usize::try_from(key.0).map_err(|_| Error::internal("A table has a negative number."))
}
