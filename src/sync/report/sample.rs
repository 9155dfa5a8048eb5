//! A few of the rows of a long stream.

use uuid::Uuid;

use crate::report::PLACED;

/// Some of the rows of a stream, spread evenly, and never more than [`PLACED`].
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Sample {
    pub(super) rows: Vec<(usize, Uuid)>,
    /// One row of how many is kept: two to that power.
    rarity: u32,
}

impl Sample {
    /// Offers a row.
    pub(in crate::sync) fn offer(&mut self, number: usize, uid: Uuid) {
        if !self.takes(uid) {
            return;
        }
        self.rows.push((number, uid));
        while self.rows.len() > PLACED && self.rarity < 60 {
            self.rarity += 1;
            let rows = std::mem::take(&mut self.rows);
            self.rows = rows
                .into_iter()
                .filter(|(_, uid)| self.takes(*uid))
                .collect();
        }
    }

    /// Whether every row that was offered is there.
    pub(super) fn is_whole(&self) -> bool {
        self.rarity == 0
    }

    /// Whether no row was offered.
    pub(in crate::sync) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn takes(&self, uid: Uuid) -> bool {
        // Ids that are counted up differ in their last digits, random ones everywhere.
        let (high, low) = uid.as_u64_pair();
        (high ^ low) & ((1 << self.rarity) - 1) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_small_and_spread() {
        let mut sample = Sample::default();
        for number in 0..100_000u128 {
            sample.offer(0, Uuid::from_u128(number));
        }
        assert!(
            (PLACED / 2..=PLACED).contains(&sample.rows.len()),
            "{}",
            sample.rows.len()
        );
        assert!(sample.rows.iter().any(|(_, uid)| uid.as_u128() > 90_000));
        let mut few = Sample::default();
        few.offer(3, Uuid::nil());
        assert_eq!((few.rows.len(), few.rarity), (1, 0));
    }
}
