//! The receipt of a run: what became of every captured edit. Pure.

use crate::error::{Error, Result};
use crate::text::tr;

/// What became of the captured edits of one side. An edit that was set aside by an earlier run is
/// captured again by each run that tries it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Edits read: events of the log, and changes that earlier runs had set aside.
    pub captured: u64,
    /// Rows changed on the other side.
    pub applied: u64,
    /// Edits that later ones replaced, or that asked for what the other side had already.
    pub superseded: u64,
    /// Edits of which nothing is left after conflicts.
    pub lost: u64,
    /// Changes that the other side cannot take.
    pub set_aside: u64,
}

impl Receipt {
    /// Refuses a receipt on which an edit is missing, or stands twice.
    ///
    /// # Errors
    /// [`Kind::Internal`](crate::error::Kind::Internal): a defect, found before anything is committed.
    pub fn check(&self, side: &str) -> Result<()> {
        let found = self.applied + self.superseded + self.lost + self.set_aside;
        if found == self.captured {
            return Ok(());
        }
        Err(Error::internal(format!(
            "The counts of the {side}'s edits do not balance: {} captured, but {} applied, {} superseded, {} lost in conflicts and {} set aside. Nothing was changed.",
            self.captured, self.applied, self.superseded, self.lost, self.set_aside
        ))
        .hint(tr!("Please report this with the messages of the run.")))
    }

    /// Adds the receipt of the next try of the same run, which took up again what this one set aside.
    pub fn then(&mut self, next: Receipt) {
        self.captured = (self.captured + next.captured).saturating_sub(self.set_aside);
        self.applied += next.applied;
        self.superseded += next.superseded;
        self.lost += next.lost;
        self.set_aside = next.set_aside;
    }
}

/// A count that PostgreSQL returned.
///
/// # Errors
/// [`Kind::Internal`](crate::error::Kind::Internal) where it is negative.
pub fn count(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::internal("A count is negative."))
}

#[cfg(test)]
mod tests {
    use super::Receipt;

    fn receipt(numbers: [u64; 5]) -> Receipt {
        let [captured, applied, superseded, lost, set_aside] = numbers;
        Receipt {
            captured,
            applied,
            superseded,
            lost,
            set_aside,
        }
    }

    #[test]
    fn a_missing_edit_is_noticed() {
        assert!(receipt([10, 4, 3, 2, 1]).check("clone").is_ok());
        let error = receipt([10, 4, 3, 1, 1]).check("clone").unwrap_err();
        assert!(
            error.sentence().contains("10 captured"),
            "{}",
            error.sentence()
        );
        assert!(receipt([9, 4, 3, 2, 1]).check("clone").is_err());
    }

    #[test]
    fn what_is_tried_twice_in_a_run_is_counted_once() {
        let mut sum = receipt([10, 4, 3, 1, 2]);
        sum.then(receipt([5, 3, 1, 0, 1]));
        assert_eq!(sum, receipt([13, 7, 4, 1, 1]));
        assert!(sum.check("clone").is_ok());
    }
}
