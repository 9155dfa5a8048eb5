//! What fuzzing feeds with odd input, and what is not public otherwise. No part of the interface.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::Surroundings;
use crate::text::Text;
use crate::{package, project};

/// Opens and verifies a package; returns the rows of its tables.
///
/// # Errors
/// As a deployment.
pub fn package(path: &Path) -> Result<u64> {
    package::verify(path, &Feedback::silent())
}

/// Reads a manifest and writes it again.
///
/// # Errors
/// As a deployment.
pub fn manifest(text: &[u8]) -> Result<String> {
    package::rewritten_manifest(text)
}

/// Reads the SQL of a package, and makes of it what is executed.
///
/// # Errors
/// As a deployment.
pub fn script(text: &[u8]) -> Result<String> {
    package::wrapped_script(text)
}

/// The text of a project in which the clone stands for the central; `None` where nothing changes.
///
/// # Errors
/// As [`project::adapt`], for the connections; what is wrong with the text is the inner one.
pub fn project(
    text: &str,
    central: &str,
    clone: &str,
    surroundings: &Surroundings,
) -> Result<std::result::Result<Option<String>, Text>> {
    project::adapted_text(text, central, clone, &BTreeMap::new(), surroundings)
}

/// The hash of a member, as the manifest gives it.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    crate::hex::hex(&sha2::Sha256::digest(bytes))
}
