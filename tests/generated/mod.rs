//! Committed files that are made from the sources.
#![allow(missing_docs)]

use std::path::Path;
use std::{env, fs};

/// Fails unless the file at `path` (from the top of the repository) holds `text`; with
/// LIZSYNC_WRITE set, writes it instead.
pub fn compare(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("LIZSYNC_WRITE").is_some_and(|value| !value.is_empty()) {
        fs::write(&file, text).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed.replace("\r\n", "\n") == text,
        "{path} is not what the sources make: run “make header docs” and commit it"
    );
}
