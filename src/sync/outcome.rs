//! What a run did, in numbers and in a sentence.

use super::receipt::Receipt;
use crate::feedback::counted;

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
    pub fn sentence(&self) -> String {
        let applied = self.central.applied + self.clone.applied;
        let mut sentence = if applied == 0 && self.set_aside() == 0 {
            "Synchronised: both databases were up to date already".to_owned()
        } else {
            format!(
                "Synchronised: {} changed in the clone, {} in the central database",
                counted(self.central.applied, "row"),
                counted(self.clone.applied, "row")
            )
        };
        if self.conflicts > 0 {
            sentence.push_str(&format!(
                "; {} recorded in lizsync.conflicts",
                counted(self.conflicts, "conflict")
            ));
        }
        if self.superseded() > 0 {
            sentence.push_str(&format!(
                "; {} superseded by later ones",
                counted(self.superseded(), "edit")
            ));
        }
        if self.set_aside() > 0 {
            sentence.push_str(&format!(
                "; {} set aside (see lizsync.set_aside: every run tries them again)",
                counted(self.set_aside(), "change")
            ));
        }
        if self.pruned > 0 {
            sentence.push_str(&format!(
                "; {} removed from the log of the central",
                counted(self.pruned, "event")
            ));
        }
        sentence.push('.');
        sentence
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
            outcome.sentence(),
            "Synchronised: 1 row changed in the clone, 2 rows in the central database; 1 conflict recorded in lizsync.conflicts; 3 edits superseded by later ones."
        );
        assert!(Outcome::default().sentence().contains("up to date already"));
    }
}
