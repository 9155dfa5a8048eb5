//! What a run did, in numbers and in a sentence.

use super::receipt::Receipt;
use crate::text::{Text, tr};

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What became of the central's edits; applied are rows changed in the clone.
    pub central: Receipt,
    /// What became of the clone's edits; applied are rows changed in the central.
    pub clone: Receipt,
    /// Conflicts recorded.
    pub conflicts: u64,
    /// Events removed from the central's log.
    pub pruned: u64,
}

impl Outcome {
    /// Edits of both sides that later ones replaced, or that changed nothing on the other side.
    pub fn superseded(&self) -> u64 {
        self.central.superseded + self.clone.superseded
    }

    /// Changes of both sides that could not be applied and wait.
    pub fn set_aside(&self) -> u64 {
        self.central.set_aside + self.clone.set_aside
    }

    /// One readable sentence.
    pub fn sentence(&self) -> Text {
        let applied = self.central.applied + self.clone.applied;
        let mut parts = vec![if applied == 0 && self.set_aside() == 0 {
            tr!("Synchronised: both databases were up to date already")
        } else {
            tr!(
                "Synchronised: {n} row changed in the clone, {to_central} in the central database"
                    | "Synchronised: {n} rows changed in the clone, {to_central} in the central database"
                        % self.central.applied,
                to_central = tr!("{n} row" | "{n} rows" % self.clone.applied)
            )
        }];
        if self.conflicts > 0 {
            parts.push(tr!("{n} conflict recorded in lizsync.conflicts"
                | "{n} conflicts recorded in lizsync.conflicts" % self.conflicts));
        }
        if self.superseded() > 0 {
            parts.push(tr!("{n} edit superseded by later ones"
                | "{n} edits superseded by later ones" % self.superseded()));
        }
        if self.set_aside() > 0 {
            parts.push(tr!(
                "{n} change set aside (see lizsync.set_aside: every run tries them again)"
                    | "{n} changes set aside (see lizsync.set_aside: every run tries them again)"
                        % self.set_aside()
            ));
        }
        if self.pruned > 0 {
            parts.push(tr!("{n} event removed from the log of the central"
                | "{n} events removed from the log of the central" % self.pruned));
        }
        tr!("{parts}.", parts = Text::clauses(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Receipt};

    #[test]
    fn the_sentence_has_the_counts() {
        let outcome = Outcome {
            central: Receipt {
                applied: 1,
                superseded: 3,
                ..Receipt::default()
            },
            clone: Receipt {
                applied: 2,
                ..Receipt::default()
            },
            conflicts: 1,
            ..Outcome::default()
        };
        assert_eq!(
            outcome.sentence().to_string(),
            "Synchronised: 1 row changed in the clone, 2 rows in the central database; 1 conflict recorded in lizsync.conflicts; 3 edits superseded by later ones."
        );
        assert!(
            Outcome::default()
                .sentence()
                .to_string()
                .contains("up to date already")
        );
    }
}
