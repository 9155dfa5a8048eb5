//! QGIS projects are made to read the clone instead of the central database.
//!
//! A project holds the connection of each layer in many places and several forms. In every one of
//! them, what means the central is replaced; every other byte stays. [`adapt`] takes a folder,
//! [`adapt_files`] single projects; [`datasource`] is the grammar of PostgreSQL data sources.

mod adopt;
mod central;
pub mod datasource;
mod document;
mod files;
mod forms;
mod leftovers;
mod percent;
mod places;
mod uri;
mod xml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use adopt::adopt;
pub use files::{backup_path, is_project};

use crate::error::{Kind, Result};
use crate::feedback::Feedback;
use crate::postgres::Surroundings;
use crate::secret::Secret;
use crate::text::{Text, tr};
use central::Databases;

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adapted {
    /// Projects that were read.
    pub projects: u64,
    /// Projects in which something was replaced.
    pub changed: u64,
    /// Places in them at which a source, or a copy of one, now means the clone.
    pub sources: u64,
    /// Projects that were left as they are, and why, and those that still hold a password of the
    /// central where it is no source. Each was also told as a warning.
    pub problems: Vec<Text>,
}

impl std::ops::AddAssign for Adapted {
    fn add_assign(&mut self, other: Self) {
        self.projects += other.projects;
        self.changed += other.changed;
        self.sources += other.sources;
        self.problems.extend(other.problems);
    }
}

/// Adapts the projects of a folder and its sub-folders: `.qgs` and `.qgz`, except those whose names
/// end in `_.qgs` or `_.qgz`. Links are not followed.
///
/// `central` and `clone` are connection values, as for [`open`](crate::postgres::open); nothing is
/// connected to. A source means the central when host, port and database are the same as those of
/// `central` ([`Location::is_same_database`](crate::postgres::Location::is_same_database)), or when
/// it names the same service. Without `clone`, GeoPoppy's database takes its place: `localhost`
/// with the name, user and password `geopoppy`, or the service `geopoppy` where a source names a
/// service and `central` is one. User, password and authentication configuration of the central go.
///
/// The project as it was stays beside it ([`backup_path`]). What is adapted already is not changed
/// again. A project that cannot be read or written is left as it is, and is one of the problems.
///
/// # Errors
/// [`Kind::Parameter`] and [`Kind::Connection`] for connection values that mean nothing,
/// [`Kind::File`] when the folder cannot be read, [`Kind::Canceled`].
pub fn adapt(
    folder: &Path,
    central: &str,
    clone: Option<&str>,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Adapted> {
    adapt_files(&files::list(folder)?, central, clone, named, feedback)
}

/// As [`adapt`], for these files; those that are no projects, or whose names say that they are to be
/// left alone, are passed over.
///
/// # Errors
/// As [`adapt`].
pub fn adapt_files(
    files: &[PathBuf],
    central: &str,
    clone: Option<&str>,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Adapted> {
    adapt_in(
        &Surroundings::of_process(),
        files,
        central,
        clone,
        named,
        feedback,
    )
}

/// As [`adapt_files`], in an environment other than that of this process.
///
/// # Errors
/// As [`adapt`].
pub fn adapt_in(
    surroundings: &Surroundings,
    files: &[PathBuf],
    central: &str,
    clone: Option<&str>,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Adapted> {
    let databases = Databases::locate(surroundings, central, clone, named)?;
    databases.warn_if_same(feedback);
    let mut adapted = Adapted::default();
    for path in files.iter().filter(|path| is_project(path)) {
        feedback.check()?;
        adapted.projects += 1;
        let known = adapted.problems.len();
        match files::adapt(path, &databases) {
            Ok(done) if done.sources == 0 => {}
            Ok(done) => {
                adapted.changed += 1;
                adapted.sources += done.sources;
                feedback.info(told(path, done.sources));
                let problem = done.leftover.map(|line| leftover(path, line));
                adapted.problems.extend(problem);
            }
            Err(error) if error.kind() == Kind::File => adapted.problems.push(error.whole()),
            Err(error) => return Err(error),
        }
        for problem in &adapted.problems[known..] {
            feedback.warning(problem.clone());
        }
    }
    Ok(adapted)
}

fn told(path: &Path, sources: u64) -> Text {
    let backup = backup_path(path);
    tr!(
        "The project {path}: {n} data source changed to the clone; as it was, it is kept as {backup}."
            | "The project {path}: {n} data sources changed to the clone; as it was, it is kept as {backup}."
                % sources,
        path = path.display(),
        backup = backup.display()
    )
}

fn leftover(path: &Path, line: usize) -> Text {
    tr!(
        "The project {path} still holds a password of the central database in line {line}, outside of what is known to be a data source. Take it out there, or change the password.",
        path = path.display(),
        line
    )
}

/// The text of a project, adapted; `None` where nothing changes. The outer error is about the connections, the inner one
/// about the text.
pub(crate) fn adapted_text(
    text: &str,
    central: &str,
    clone: &str,
    named: &BTreeMap<String, Secret>,
    surroundings: &Surroundings,
) -> Result<std::result::Result<Option<String>, Text>> {
    let databases = Databases::locate(surroundings, central, Some(clone), named)?;
    Ok(document::adapt(text, &databases).map(|document| document.text))
}
