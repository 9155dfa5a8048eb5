//! Synchronisation of a clone with its central.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::secret::Secret;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows changed in the clone.
    pub applied_to_clone: u64,
    /// Rows changed in the central.
    pub applied_to_central: u64,
    /// Conflicts recorded.
    pub conflicts: u64,
    /// Captured edits that later ones replaced.
    pub superseded: u64,
    /// Changes that could not be applied and wait.
    pub set_aside: u64,
}

impl Outcome {
    /// One readable sentence.
    pub fn sentence(&self) -> String {
        String::new()
    }
}

/// Synchronises.
pub fn run(
    _central: &str,
    _clone: &str,
    _named: &BTreeMap<String, Secret>,
    _feedback: &Feedback,
) -> Result<Outcome> {
    Err(Error::internal("not yet"))
}
