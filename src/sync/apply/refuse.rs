//! What the receiver refuses: a statement that can be undone, and marks on the rows that it was
//! refused for.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Apply;
use crate::error::Result;
use crate::postgres::Doing;
use crate::sync::refusal::Refusal;
use crate::text::tr;

/// Goes back to the savepoint.
const UNDO: &str = "ROLLBACK TO SAVEPOINT lizsync_part; RELEASE SAVEPOINT lizsync_part";

impl Apply<'_> {
    /// Marks rows of a table as refused: they are not written any more, but set aside.
    pub(super) fn refuse(&mut self, number: usize, uids: &[Uuid], refusal: Refusal) -> Result<()> {
        let reason = self.refusals.number(refusal);
        self.found
            .refused
            .extend(uids.iter().map(|uid| (number, *uid, reason)));
        self.mark(number, uids, reason)
    }

    /// Marks again what was refused, after a rollback.
    pub(super) fn mark_again(&mut self) -> Result<()> {
        let mut groups: BTreeMap<(usize, i32), Vec<Uuid>> = BTreeMap::new();
        for (number, uid, reason) in &self.found.refused {
            groups.entry((*number, *reason)).or_default().push(*uid);
        }
        for ((number, reason), uids) in groups {
            self.mark(number, &uids, reason)?;
        }
        Ok(())
    }

    fn mark(&mut self, number: usize, uids: &[Uuid], reason: i32) -> Result<()> {
        let doing = self.doing(number);
        let rows = self
            .receiver
            .connection
            .query(
                &format!(
                    "UPDATE pg_temp.lizsync_stage SET reason = $1
                     WHERE number = {number} AND uid = ANY ($2) AND op IN ('I', 'U', 'D') AND reason IS NULL
                     RETURNING before IS NOT NULL"
                ),
                &[&reason, &uids],
            )
            .doing(doing)?;
        // A row that had made room for others is not as it was: all have to be written anew.
        self.found.again |= rows.iter().any(|row| row.get(0));
        Ok(())
    }

    /// Does something under a savepoint; undoes it where the receiver refuses a row or the table.
    pub(super) fn attempt<T>(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<std::result::Result<T, Refusal>> {
        self.within("RELEASE SAVEPOINT lizsync_part", what)
    }

    /// Asks something under a savepoint, and leaves nothing behind.
    pub(super) fn glance<T>(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<std::result::Result<T, Refusal>> {
        self.within(UNDO, what)
    }

    fn within<T>(
        &mut self,
        end: &str,
        what: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<std::result::Result<T, Refusal>> {
        self.execute("SAVEPOINT lizsync_part", tr!("Setting a savepoint"))?;
        match what(self) {
            Ok(done) => {
                self.execute(end, tr!("Ending a savepoint"))?;
                Ok(Ok(done))
            }
            Err(error) => {
                let Some(refusal) = Refusal::of(&error) else {
                    return Err(error);
                };
                self.execute(UNDO, tr!("Going back to a savepoint"))?;
                Ok(Err(refusal))
            }
        }
    }
}
