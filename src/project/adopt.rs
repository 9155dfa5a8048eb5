//! A project that has just come: it is adapted before it has its name, so that nobody reads the login of the central
//! in it, also when a run is stopped.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::central::Databases;
use super::files::{adapted, backup_path, keep, like, temporary};
use super::{Adapted, leftover, told};
use crate::destination::Readers;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::Surroundings;
use crate::private::only_for_owner;
use crate::secret::Secret;
use crate::text::tr;

/// By how much a file must be newer than what came: file systems round.
const ROUNDED: Duration = Duration::from_secs(2);

/// Gives the project in the file `part` the name `place`, adapted as [`adapt`](super::adapt) does it. A project of
/// that name that somebody edited here is kept under another name. One that cannot be adapted comes as it is, readable
/// by its owner only; [`adapt`](super::adapt) tells why.
///
/// # Errors
/// Those of [`adapt`](super::adapt); and [`Kind::File`](crate::error::Kind::File) when it cannot
/// be written.
pub fn adopt(
    part: &Path,
    place: &Path,
    central: &str,
    clone: Option<&str>,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Adapted> {
    let surroundings = Surroundings::of_process();
    let databases = Databases::locate(&surroundings, central, clone, named)?;
    let failed = |error: io::Error| {
        Error::file(tr!(
            "The project {path} cannot be written: {error}.",
            path = place.display(),
            error
        ))
        .hint(tr!(
            "See whether its folder may be written and its disk has free space."
        ))
    };
    let mut done = Adapted::default();
    let about = fs::metadata(part).map_err(failed)?;
    let came = about.modified().ok();
    let outcome = match about.len() {
        len if len > super::files::LARGEST => Err(tr!("it is too large")),
        _ => {
            let content = fs::read(part).map_err(failed)?;
            adapted(&content, &databases).map(|outcome| (content, outcome))
        }
    };
    if let Some(kept) = keep_edited(place, came, &databases).map_err(failed)? {
        feedback.warning(tr!(
            "The project {path} was edited here; that is kept as {kept}.",
            path = place.display(),
            kept = kept.display()
        ));
    }
    let backup = backup_path(place);
    match outcome {
        Ok((content, outcome)) => {
            let write = || -> io::Result<()> {
                let new = outcome.new.as_deref();
                match new {
                    Some(_) => keep(&backup, &content, &about)?,
                    // It was that of an earlier version.
                    None if backup.is_file() => fs::remove_file(&backup)?,
                    None => (),
                }
                let before = fs::metadata(place).ok();
                let readers = match before {
                    // It gets those of the one that was there.
                    Some(_) => Readers::Owner,
                    None => Readers::AsUsual,
                };
                let file = temporary(place, new.unwrap_or(&content), readers)?;
                if let Some(before) = before {
                    like(file.as_file(), &before)?;
                }
                if let (None, Some(time)) = (new, came) {
                    file.as_file().set_modified(time)?;
                }
                file.persist(place).map_err(|error| error.error)?;
                fs::remove_file(part)
            };
            write().map_err(failed)?;
            if outcome.new.is_some() {
                done.changed = 1;
                done.sources = outcome.sources;
                feedback.info(told(place, outcome.sources));
                done.problems
                    .extend(outcome.leftover.map(|line| leftover(place, line)));
            }
        }
        Err(_) => {
            let file = fs::File::options().write(true).open(part);
            file.and_then(|file| only_for_owner(&file))
                .map_err(failed)?;
            if backup.is_file() {
                fs::remove_file(&backup).map_err(failed)?;
            }
            fs::rename(part, place).map_err(failed)?;
        }
    }
    for problem in &done.problems {
        feedback.warning(problem.clone());
    }
    Ok(done)
}

/// Keeps a project that is another one than what the last run made of what came, under a name that says so.
fn keep_edited(
    place: &Path,
    came: Option<SystemTime>,
    databases: &Databases<'_>,
) -> io::Result<Option<PathBuf>> {
    let Ok(about) = fs::symlink_metadata(place) else {
        return Ok(None);
    };
    if !about.is_file() || !is_edited(place, &about, came, databases)? {
        return Ok(None);
    }
    let kept = free_name(place);
    fs::rename(place, &kept)?;
    Ok(Some(kept))
}

fn is_edited(
    place: &Path,
    about: &fs::Metadata,
    came: Option<SystemTime>,
    databases: &Databases<'_>,
) -> io::Result<bool> {
    let Ok(original) = fs::read(backup_path(place)) else {
        // Unless somebody saved it, it has the time of what came before.
        let times = about.modified().ok().zip(came);
        return Ok(times.is_some_and(|(here, came)| here > came + ROUNDED));
    };
    let here = fs::read(place)?;
    let made = match adapted(&original, databases) {
        Ok(outcome) => outcome.new.unwrap_or(original),
        Err(_) => original,
    };
    Ok(here != made)
}

/// `trees (edited here).qgs`, or with a number.
fn free_name(place: &Path) -> PathBuf {
    let stem = place.file_stem().unwrap_or_default().to_string_lossy();
    let ending = place.extension().unwrap_or_default().to_string_lossy();
    let name = |number: u32| match number {
        1 => place.with_file_name(format!("{stem} (edited here).{ending}")),
        number => place.with_file_name(format!("{stem} (edited here {number}).{ending}")),
    };
    (1..)
        .map(name)
        .find(|name| fs::symlink_metadata(name).is_err())
        .unwrap_or_else(|| name(1))
}
