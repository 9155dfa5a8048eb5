//! A run: the steps of the protocol, and what happens when one of them collides with other work.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::begin::Begun;
use super::change::Time;
use super::finish::Written;
use super::lineage;
use super::outcome::Outcome;
use super::participant::Participant;
use super::report::Gathered;
use super::scope::Scope;
use super::sides::at_once;
use super::tables;
use super::transfer::{New, Transferred, transfer};
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{self, is_collision};
use crate::report::Report;
use crate::secret::Secret;
use crate::text::{Text, tr};

/// Tries that may collide, and then tries that lock the tables first.
const TRIES: usize = 6;
const FREE_TRIES: usize = 3;

/// What a caller wants of a run besides the synchronisation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// That what all clones have received then leaves the central's log.
    pub prune: bool,
    /// That it gathers what a report needs.
    pub report: bool,
}

/// Synchronises a clone with its central. `central` and `clone` are connection values, `named` the
/// connections that the caller named. Returns what was done, and the report where one is wanted.
///
/// # Errors
/// Every kind but transfer and program. Nothing is half applied on a side: what was committed to
/// the clone before a failure is known to its ledger, and the next run goes on from there.
pub fn run(
    central: &str,
    clone: &str,
    named: &BTreeMap<String, Secret>,
    wishes: Wishes,
    feedback: &Feedback,
) -> Result<(Outcome, Option<Report>)> {
    let gathered = wishes.report.then(|| Box::new(Gathered::new()));
    feedback.info(tr!("Connecting to the central database and to the clone."));
    let (central, clone) = at_once(
        || postgres::open(central, named, feedback),
        || postgres::open(clone, named, feedback),
    )?;
    let mut run = Run::prepare(central, clone, feedback)?;
    run.report = gathered;
    run.warn_of_uncaptured()?;
    run.settle_truncates()?;
    run.synchronize()?;
    run.tell_aside();
    let report = run.report();
    if wishes.prune {
        run.prune_log()?;
    }
    feedback.progress(100.0);
    Ok((run.outcome, report))
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing is left to do.
    Done,
    /// More changes are set aside than before, or cascades made edits of their own.
    More,
}

/// What all tries of a run share.
pub(super) struct Run<'a> {
    pub(super) central: Participant,
    pub(super) clone: Participant,
    pub(super) sync_id: Uuid,
    pub(super) deployment: Uuid,
    /// The package that it was deployed from.
    pub(super) package: Uuid,
    /// Whether the former plugin deployed it, and it has not synchronised since its upgrade.
    pub(super) upgraded: bool,
    /// The last event of the central that was in the former plugin's package.
    pub(super) package_event: Option<i64>,
    /// Literal: the snapshot of the central when the clone was deployed.
    pub(super) deployed_at: String,
    pub(super) outcome: Outcome,
    /// What of it is not in the history of the central yet.
    pub(super) unrecorded: Outcome,
    /// Whether the central has standbys, which may take over without its last commits.
    pub(super) replicated: bool,
    /// Sentences about what the last try had to set aside.
    pub(super) aside: Vec<Text>,
    /// The tables that the last try meant to write, as SQL.
    pub(super) written: Vec<String>,
    /// Whether a pass of this run was committed.
    pub(super) committed: bool,
    /// What was told about columns of different types.
    pub(super) unlike: BTreeSet<Text>,
    /// What the passes leave for the report, where one is wanted.
    pub(super) report: Option<Box<Gathered>>,
    pub(super) feedback: &'a Feedback,
}

impl Run<'_> {
    /// Says what was set aside.
    fn tell_aside(&self) {
        self.aside
            .iter()
            .for_each(|text| self.feedback.warning(text.clone()));
    }

    /// Tries until the run is done.
    fn synchronize(&mut self) -> Result<()> {
        let mut locked = Vec::new();
        let mut again = false;
        for attempt in 1..=TRIES {
            self.feedback.check()?;
            let error = match self.attempt(&locked) {
                // What was refused may have waited for something that came after it, and what cascades
                // changed has to reach the other side.
                Ok(Ended::More) if !again && attempt < TRIES => {
                    again = true;
                    continue;
                }
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            self.central.rollback();
            self.clone.rollback();
            if !is_collision(&error) {
                return Err(error);
            }
            if again {
                // All that was there at first is done; what waits is tried again by the next run.
                return Ok(());
            }
            if attempt == TRIES {
                return Err(error);
            }
            self.feedback.info(tr!(
                "Somebody else wrote the same rows ({error}) Trying again.",
                error
            ));
            if attempt >= FREE_TRIES {
                locked = self.written.clone();
            }
        }
        Err(Error::internal("A run ended without an outcome."))
    }

    /// One try: steps 1 to 6.
    fn attempt(&mut self, locked: &[String]) -> Result<Ended> {
        // Each try commits under an id of its own.
        self.sync_id = Uuid::new_v4();
        let begun = self.begin(locked)?;
        let new = self.new_events(&begun)?;
        let anything = begun.stored || !new.in_central.is_empty() || !new.in_clone.is_empty();
        let offset = self.clock_offset()?;
        self.note_clocks(offset);
        self.feedback.progress(10.0);
        if anything {
            self.exchange(&begun, &new, offset)
        } else {
            lineage::forget(&mut self.clone, begun.taken, self.replicated)?;
            self.finish(
                &begun,
                &new,
                &Written::default(),
                &Transferred::default(),
                None,
            )
        }
    }

    /// Steps 3 to 6, where there is something to do.
    fn exchange(&mut self, begun: &Begun, new: &New, offset: Time) -> Result<Ended> {
        let wanted = self.wanted()?;
        let read = |participant: &mut Participant| {
            let (mut tables, references) =
                tables::read(&mut *participant.connection, &wanted.schemas)?;
            tables.retain(|table, _| wanted.has(table));
            Ok((tables, references))
        };
        let ((central, central_references), (clone, clone_references)) =
            at_once(|| read(&mut self.central), || read(&mut self.clone))?;
        let mut scope = Scope::new(central, clone, &central_references, self.feedback);
        self.find_unusable(&mut scope, new, &wanted)?;
        let scope = scope;
        let mut transferred = transfer(
            &mut self.central,
            &mut self.clone,
            &scope,
            new,
            offset,
            self.report.is_some(),
            self.feedback,
        )?;
        let numbers = transferred
            .to_clone
            .keys()
            .chain(transferred.to_central.keys());
        self.written = numbers
            .filter_map(|&number| Some(scope.tables.get(number)?.table.to_string()))
            .collect();
        self.written.sort();
        self.written.dedup();
        self.warn_of_types(&scope, &transferred);
        self.feedback.progress(40.0);

        let references = [&central_references[..], &clone_references[..]];
        let written = self.write(begun, &scope, references, &mut transferred)?;
        self.feedback.progress(80.0);
        let ended = self.finish(begun, new, &written, &transferred, Some(&scope))?;
        self.gather(&scope, &written, &transferred);
        Ok(ended)
    }

    /// Tells once of columns of the tables to be written that have another type on the other side.
    fn warn_of_types(&mut self, scope: &Scope, transferred: &Transferred) {
        let staged = |number: &usize| {
            transferred.to_clone.contains_key(number) || transferred.to_central.contains_key(number)
        };
        let tables = scope.tables.iter().enumerate();
        for (_, synced) in tables.filter(|(number, _)| staged(number)) {
            for (name, central, clone) in synced.unlike() {
                let text = tr!(
                    "{table}, column {name}: its type is {central} in the central database and {clone} in the clone, so values may be rounded on their way. Give it one type in both.",
                    table = synced.table.plain(),
                    name,
                    central,
                    clone
                );
                if self.unlike.insert(text.clone()) {
                    self.feedback.warning(text);
                }
            }
        }
    }
}
