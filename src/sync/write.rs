//! Writing to both databases what is staged in them.

use super::apply::{Applied, Apply, Found};
use super::begin::Begun;
use super::finish::Written;
use super::lineage;
use super::participant::Participant;
use super::refusal::Refusals;
use super::run::Run;
use super::scope::Scope;
use super::sides::at_once;
use super::stage::{Amount, Staged};
use super::tables::Reference;
use super::transfer::Transferred;
use crate::error::Result;

/// How many times the changes for the central those for the clone may be, so that both are written at the same time.
const PATIENCE: u64 = 4;

impl Run<'_> {
    /// Writes both sides, at the same time where that keeps nobody waiting. The references are those of the central
    /// and of the clone.
    pub(super) fn write(
        &mut self,
        begun: &Begun,
        scope: &Scope,
        [central_references, clone_references]: [&[Reference]; 2],
        transferred: &mut Transferred,
    ) -> Result<Written> {
        // Both sides are written before either commits: a failure of one changes neither.
        let mut refusals = std::mem::take(&mut transferred.refusals);
        let (clone_id, sync_id, feedback) = (self.clone.id, self.sync_id, self.feedback);
        let replicated = self.replicated;
        let apply = |receiver: &mut Participant,
                     references: &[Reference],
                     staged: &Staged,
                     refusals: &mut Refusals| match staged.is_empty() {
            true => Ok(Applied::default()),
            false => Apply {
                receiver,
                scope,
                references,
                clone: clone_id,
                sync_id,
                feedback,
                refusals,
                found: Found::default(),
            }
            .run(staged),
        };
        let Transferred {
            to_clone,
            to_central,
            ..
        } = &*transferred;
        let (central, clone) = (&mut self.central, &mut self.clone);
        let mut to_the_clone = || {
            let written = apply(&mut *clone, clone_references, to_clone, &mut refusals.clone)?;
            if !to_clone.is_empty() {
                lineage::keep_pulled(clone, scope, sync_id)?;
            }
            // Now, because the clone is done before the central.
            lineage::forget(clone, begun.taken, replicated)?;
            Ok(written)
        };
        let mut to_the_central = || {
            apply(
                central,
                central_references,
                to_central,
                &mut refusals.central,
            )
        };
        // A clone that has much more to write than the central shall not keep the central's rows locked meanwhile, and no
        // clone its tables: to disable triggers locks them against all writers.
        let tables = |number: &usize| scope.tables.get(*number);
        let locks = to_central
            .keys()
            .filter_map(tables)
            .any(|synced| synced.central.locks_writers());
        let both = !locks && amount(to_central) * PATIENCE >= amount(to_clone);
        let (central, clone) = match both {
            true => at_once(to_the_central, to_the_clone)?,
            false => {
                let clone = to_the_clone()?;
                feedback.progress(60.0);
                (to_the_central()?, clone)
            }
        };
        Ok(Written {
            clone,
            central,
            refusals,
        })
    }
}

/// How many changes are staged.
fn amount(staged: &Staged) -> u64 {
    let of = |amount: &Amount| amount.upserts + amount.deletes;
    staged.values().map(of).sum()
}
