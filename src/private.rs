//! Files that only their owner may read. On Windows the folder decides.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

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

/// Opens a file for writing, which is made where it is not there; what it holds stays. Where `private`, nobody else
/// can read it from the first moment on.
///
/// # Errors
/// Those of the system, also where somebody put a link there, which wants something else to be written.
#[cfg(unix)]
pub fn open(path: &Path, private: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(if private { 0o600 } else { 0o666 })
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    if private {
        // It may have been there before.
        only_for_owner(&file)?;
    }
    Ok(file)
}

/// Opens a file for writing, which is made where it is not there; what it holds stays.
///
/// # Errors
/// Those of the system.
#[cfg(not(unix))]
pub fn open(path: &Path, _: bool) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_private_file_is_private_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        open(&path, true).unwrap().write_all(b"held").unwrap();
        assert_eq!(mode(&path), 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        open(&path, true).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read(&path).unwrap(), b"held");
        let plain = folder.path().join("plain");
        open(&plain, false).unwrap();
        std::fs::write(folder.path().join("any"), "").unwrap();
        assert_eq!(mode(&plain), mode(&folder.path().join("any")));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for private in [false, true] {
            assert!(open(&link, private).is_err());
        }
    }
}
