//! A file that is to be written: it appears under its name only when it is complete, and what had that name
//! stays until then.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::text::{Text, tr};

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner.
    Owner,
    /// Who may read other new files of its owner.
    AsUsual,
}

/// What a file is, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A package: a zip file.
    Package,
    /// A report: an HTML file.
    Report,
}

impl What {
    fn name_one(self) -> Text {
        match self {
            What::Package => tr!("Name a zip file."),
            What::Report => tr!("Name an HTML file."),
        }
    }

    fn unwritable(self, path: &Path, error: io::Error) -> Error {
        let path = path.display();
        Error::file(match self {
            What::Package => tr!(
                "The package {path} cannot be written: {error}.",
                path,
                error
            ),
            What::Report => tr!("The report {path} cannot be written: {error}.", path, error),
        })
        .hint(tr!("Choose an existing folder in which you may write."))
    }

    fn broken(self, path: &Path, error: io::Error) -> Error {
        let path = path.display();
        let (message, hint) = match self {
            What::Package => (
                tr!("Writing the package {path} failed: {error}.", path, error),
                tr!("Check the free space on that disk; no package was written."),
            ),
            What::Report => (
                tr!("Writing the report {path} failed: {error}.", path, error),
                tr!("Check the free space on that disk; no report was written."),
            ),
        };
        Error::file(message).hint(hint).caused_by(error)
    }
}

/// A temporary file beside its target.
#[derive(Debug)]
pub struct Destination {
    file: NamedTempFile,
    path: PathBuf,
    what: What,
}

impl Destination {
    /// Makes the temporary file of what will be called `path`.
    ///
    /// # Errors
    /// [`Kind::File`](crate::error::Kind::File): `path` is no plain file, or its folder is not there
    /// or cannot be written.
    pub fn create(path: &Path, what: What, readers: Readers) -> Result<Self> {
        let text = path.to_string_lossy();
        if path.is_dir() || text.ends_with(std::path::is_separator) {
            return Err(Error::file(tr!("{text} is a folder.", text)).hint(what.name_one()));
        }
        // The file takes the place of what is there: a device or a pipe must not vanish.
        if path.exists() && !path.is_file() {
            return Err(Error::file(tr!("{text} is no plain file.", text)).hint(what.name_one()));
        }
        if path.file_name().is_none() {
            return Err(Error::file(tr!(
                "“{path}” names no file.",
                path = path.display()
            )));
        }
        let file = temporary(path, ".", readers).map_err(|error| what.unwritable(path, error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
            what,
        })
    }

    /// A handle of the file.
    ///
    /// # Errors
    /// [`Kind::File`](crate::error::Kind::File).
    pub fn handle(&self) -> Result<File> {
        self.file.reopen().map_err(|error| self.broken(error))
    }

    /// Writes all of the file and gives it its name.
    ///
    /// # Errors
    /// [`Kind::File`](crate::error::Kind::File); what had the name is still there.
    pub fn write(self, content: &[u8]) -> Result<()> {
        let written = self.file.as_file().write_all(content);
        written
            .and_then(|()| self.file.as_file().sync_all())
            .map_err(|error| self.broken(error))?;
        self.publish()
    }

    /// Gives the file its name, replacing what had it.
    ///
    /// # Errors
    /// [`Kind::File`](crate::error::Kind::File).
    pub fn publish(self) -> Result<()> {
        let Self { file, path, what } = self;
        file.persist(&path)
            .map_err(|error| what.broken(&path, error.error))?;
        // The new name itself must survive a power cut, too; elsewhere the system sees to it.
        #[cfg(unix)]
        if let Err(error) = File::open(folder(&path)).and_then(|folder| folder.sync_all()) {
            log::debug!("the folder of {} was not synced: {error}", path.display());
        }
        Ok(())
    }

    /// What to say when writing it failed.
    pub fn broken(&self, error: io::Error) -> Error {
        self.what.broken(&self.path, error)
    }
}

/// The folder of a file, which may be given without one.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A temporary file beside `path`: `prefix`, the name of the file, something random, and `.part`.
pub fn temporary(path: &Path, prefix: &str, readers: Readers) -> io::Result<NamedTempFile> {
    let mut start = OsString::from(prefix);
    start.push(path.file_name().unwrap_or_default());
    start.push(".");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&start).suffix(".part");
    #[cfg(unix)]
    if readers == Readers::AsUsual {
        use std::os::unix::fs::PermissionsExt;
        // The umask takes away what others may not do.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = readers;
    builder.tempfile_in(folder(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn create(path: &Path) -> Result<Destination> {
        Destination::create(path, What::Report, Readers::AsUsual)
    }

    #[test]
    fn what_cannot_be_written_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            folder.path().to_owned(),
            folder.path().join("no/such.html"),
            folder.path().join("x/"),
        ] {
            let error = create(&path).unwrap_err();
            assert_eq!(error.kind(), Kind::File, "{path:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_old_file_stays_until_the_new_one_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        std::fs::write(&path, "old").unwrap();
        drop(create(&path).unwrap());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        let mut reader = File::open(&path).unwrap();
        create(&path).unwrap().write(b"new").unwrap();
        // Whoever reads the old one reads it to its end.
        let mut read = String::new();
        io::Read::read_to_string(&mut reader, &mut read).unwrap();
        assert_eq!(read, "old");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (
            folder.path().join("report.html"),
            folder.path().join("plain"),
        );
        create(&path).unwrap().write(b"new").unwrap();
        std::fs::write(&plain, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }
}
