//! What a run did, in numbers and in a sentence.

use std::ops::AddAssign;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows changed in the clone.
    pub applied_to_clone: u64,
    /// Rows changed in the central.
    pub applied_to_central: u64,
    /// Conflicts recorded.
    pub conflicts: u64,
    /// Captured edits that later ones replaced, or that changed nothing on the other side.
    pub superseded: u64,
    /// Changes that could not be applied and wait.
    pub set_aside: u64,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.applied_to_clone += other.applied_to_clone;
        self.applied_to_central += other.applied_to_central;
        self.conflicts += other.conflicts;
        self.superseded += other.superseded;
        self.set_aside += other.set_aside;
    }
}

impl Outcome {
    /// One readable sentence.
    pub fn sentence(&self) -> String {
        let mut sentence = if self.applied_to_clone + self.applied_to_central == 0 {
            "Synchronised: both databases were up to date already".to_owned()
        } else {
            format!(
                "Synchronised: {} changed in the clone, {} in the central database",
                count(self.applied_to_clone, "row"),
                count(self.applied_to_central, "row")
            )
        };
        if self.conflicts > 0 {
            sentence.push_str(&format!(
                "; {} recorded in lizsync.conflicts",
                count(self.conflicts, "conflict")
            ));
        }
        if self.superseded > 0 {
            sentence.push_str(&format!(
                "; {} superseded by later ones",
                count(self.superseded, "edit")
            ));
        }
        if self.set_aside > 0 {
            sentence.push_str(&format!("; {} set aside", count(self.set_aside, "change")));
        }
        sentence.push('.');
        sentence
    }
}

fn count(number: u64, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn the_sentence_has_the_counts() {
        let outcome = Outcome {
            applied_to_clone: 1,
            applied_to_central: 2,
            conflicts: 1,
            superseded: 3,
            set_aside: 0,
        };
        assert_eq!(
            outcome.sentence(),
            "Synchronised: 1 row changed in the clone, 2 rows in the central database; 1 conflict recorded in lizsync.conflicts; 3 edits superseded by later ones."
        );
        assert!(Outcome::default().sentence().contains("up to date already"));
    }
}
