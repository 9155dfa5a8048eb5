//! Files that only their owner may read. On Windows the folder decides.

use std::fs::{File, Metadata};
use std::io;

/// Whether others than its owner can read a file with passwords.
#[cfg(unix)]
pub fn open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

// As libpq: on Windows the file stands in a directory that only the user can read.
#[cfg(not(unix))]
pub fn open_to_others(_: &Metadata) -> bool {
    false
}

/// Lets nobody but its owner read a file.
#[cfg(unix)]
pub fn only_for_owner(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

/// Lets nobody but its owner read a file.
#[cfg(not(unix))]
pub fn only_for_owner(_: &File) -> io::Result<()> {
    Ok(())
}
