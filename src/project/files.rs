//! Projects as files: finding, reading, keeping what was, and writing.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::central::Databases;
use super::document;
use super::forms::Rules;
use crate::destination::{self, Readers};
use crate::error::{Error, Result};
use crate::text::{Argument, Text, tr};

/// More than any project needs, also one with large pictures in it; keeps a crafted zip from filling
/// the memory.
pub(super) const LARGEST: u64 = 256 << 20;

/// Whether a file is a project that is adapted, by its name: `.qgs` or `.qgz`, but not `_.qgs` or
/// `_.qgz`.
pub fn is_project(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let stem = name
        .strip_suffix(".qgs")
        .or_else(|| name.strip_suffix(".qgz"));
    stem.is_some_and(|stem| !stem.is_empty() && !stem.ends_with('_'))
}

/// Where a project is kept as it was: `trees.qgs.bak` beside `trees.qgs`, with the time of its last
/// change. It holds the central's password, so only its owner may read it.
///
/// A later version of the project takes its place; one that is adapted in part does not.
pub fn backup_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".bak");
    name.into()
}

/// The projects in a folder and its sub-folders, without those behind links.
///
/// # Errors
/// [`Kind::File`](crate::error::Kind::File) for a folder that cannot be read.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error: io::Error| {
            let folder = folder.display();
            Error::file(tr!(
                "The folder {folder} cannot be read: {error}.",
                folder,
                error
            ))
            .hint(tr!("Name a folder that is there and that you may read."))
        };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && is_project(&entry.path()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What became of one project.
#[derive(Default)]
pub(super) struct Done {
    /// How many sources were replaced.
    pub sources: u64,
    /// The line in which the central's password still stands, outside of any source.
    pub leftover: Option<usize>,
}

/// Adapts one project.
///
/// # Errors
/// [`Kind::File`](crate::error::Kind::File): it was left as it is.
pub(super) fn adapt(path: &Path, databases: &Databases<'_>) -> Result<Done> {
    let failed = |error: io::Error| left(path, error.text());
    // Looked at before it is opened: that would wait for the other end of a pipe.
    let before = fs::symlink_metadata(path).map_err(failed)?;
    if before.is_symlink() {
        return Err(left(path, tr!("it is a link")).hint(tr!("Name the project that it leads to.")));
    }
    if !before.is_file() {
        return Err(left(path, tr!("it is no plain file")));
    }
    if before.len() > LARGEST {
        return Err(left(path, tr!("it is too large")));
    }
    let content = fs::read(path).map_err(failed)?;
    let outcome = adapted(&content, databases).map_err(|why| refused(path, why))?;
    let Some(new) = outcome.new else {
        return Ok(Done::default());
    };
    let write = || -> io::Result<bool> {
        let file = temporary(path, &new, Readers::Owner)?;
        like(file.as_file(), &before)?;
        let backup = backup_path(path);
        // Where one is there already, it may be all that is left of the project as it was.
        let partly =
            || adapted(&content, &databases.of_clone()).is_ok_and(|outcome| outcome.sources > 0);
        if !backup.exists() || !partly() {
            keep(&backup, &content, &before)?;
        }
        let now = fs::symlink_metadata(path)?;
        let unchanged = now.len() == before.len() && now.modified().ok() == before.modified().ok();
        if unchanged {
            file.persist(path).map_err(|error| error.error)?;
        }
        Ok(unchanged)
    };
    match write() {
        Ok(true) => Ok(Done {
            sources: outcome.sources,
            leftover: outcome.leftover,
        }),
        Ok(false) => {
            Err(left(path, tr!("somebody else changed it just now")).hint(tr!("Run this again.")))
        }
        Err(error) => Err(failed(error).hint(tr!(
            "See whether its folder may be written and its disk has free space."
        ))),
    }
}

fn left(path: &Path, why: Text) -> Error {
    Error::file(tr!(
        "The project {path} was left as it is: {why}.",
        path = path.display(),
        why
    ))
}

/// A project that cannot be adapted.
fn refused(path: &Path, why: Text) -> Error {
    left(path, why).hint(tr!(
        "Open it in QGIS, save it, and send it again, or fetch it again."
    ))
}

/// Keeps a project as it was, for its owner only, with the time of its last change.
pub(super) fn keep(backup: &Path, content: &[u8], before: &Metadata) -> io::Result<()> {
    let kept = temporary(backup, content, Readers::Owner)?;
    owned_like(kept.as_file(), before);
    if let Ok(time) = before.modified() {
        kept.as_file().set_modified(time)?;
    }
    kept.persist(backup).map_err(|error| error.error)?;
    Ok(())
}

/// A project that was read.
#[derive(Default)]
pub(super) struct Outcome {
    /// Its new content, if it is another one.
    pub new: Option<Vec<u8>>,
    /// The sources that were replaced; without new content, those that mean what was asked for.
    pub sources: u64,
    /// The line in which a password still stands.
    pub leftover: Option<usize>,
}

/// What becomes of a project, plain or zipped; or why it cannot be read.
pub(super) fn adapted(content: &[u8], rules: &dyn Rules) -> std::result::Result<Outcome, Text> {
    match content.starts_with(b"PK\x03\x04") {
        true => adapt_zip(content, rules),
        false => adapt_text(content, rules),
    }
}

fn adapt_text(content: &[u8], rules: &dyn Rules) -> std::result::Result<Outcome, Text> {
    let text = std::str::from_utf8(content).map_err(|_| tr!("it is not UTF-8"))?;
    let document = document::adapt(text, rules)
        .map_err(|why| tr!("it is not well-formed XML ({why})", why))?;
    Ok(match document.text {
        Some(text) => Outcome {
            leftover: rules.leftover(&text),
            new: Some(text.into_bytes()),
            sources: document.replaced,
        },
        None => Outcome {
            sources: document.sources,
            ..Outcome::default()
        },
    })
}

/// A `.qgz`: the projects in it are adapted, its other members copied as they are.
fn adapt_zip(content: &[u8], rules: &dyn Rules) -> std::result::Result<Outcome, Text> {
    let broken = |error: zip::result::ZipError| tr!("its zip cannot be read ({error})", error);
    let mut archive = ZipArchive::new(io::Cursor::new(content)).map_err(broken)?;
    let mut changed: Vec<(usize, Vec<u8>)> = Vec::new();
    let (mut whole, mut left) = (Outcome::default(), LARGEST);
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at).map_err(broken)?;
        let name = String::from_utf8_lossy(member.name_raw()).into_owned();
        drop(member);
        if !name.to_ascii_lowercase().ends_with(".qgs") {
            continue;
        }
        let text = read_member(&mut archive, at, left)?;
        left -= text.len() as u64;
        let one = adapt_text(&text, rules).map_err(|why| tr!("{why} in {name}", why, name))?;
        whole.sources += one.sources;
        whole.leftover = whole.leftover.or(one.leftover);
        changed.extend(one.new.map(|new| (at, new)));
    }
    if !changed.is_empty() {
        let mut new = ZipWriter::new(io::Cursor::new(Vec::with_capacity(content.len())));
        copy(&mut archive, &mut new, &changed).map_err(broken)?;
        whole.new = Some(new.finish().map_err(broken)?.into_inner());
    }
    Ok(whole)
}

fn read_member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    at: usize,
    left: u64,
) -> std::result::Result<Vec<u8>, Text> {
    let member = archive
        .by_index(at)
        .map_err(|error| tr!("its zip cannot be read ({error})", error))?;
    let mut text = Vec::new();
    // The size that the zip names may be wrong.
    let read = member.take(left + 1).read_to_end(&mut text);
    read.map_err(|error| tr!("its zip cannot be read ({error})", error))?;
    if text.len() as u64 > left {
        return Err(tr!("what is in its zip is too large"));
    }
    Ok(text)
}

fn copy<R: Read + Seek, W: Write + Seek>(
    archive: &mut ZipArchive<R>,
    new: &mut ZipWriter<W>,
    changed: &[(usize, Vec<u8>)],
) -> zip::result::ZipResult<()> {
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at)?;
        let Some((_, content)) = changed.iter().find(|(index, _)| *index == at) else {
            new.raw_copy_file(member)?;
            continue;
        };
        let mut options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        if let Some(time) = member.last_modified() {
            options = options.last_modified_time(time);
        }
        if let Some(mode) = member.unix_mode() {
            options = options.unix_permissions(mode);
        }
        let name = String::from_utf8_lossy(member.name_raw());
        new.start_file(name, options)?;
        new.write_all(content)?;
    }
    new.set_raw_comment(archive.comment().into())
}

/// A temporary file beside `path` that is complete and waits for its name.
pub(super) fn temporary(
    path: &Path,
    content: &[u8],
    readers: Readers,
) -> io::Result<NamedTempFile> {
    // Of such names nothing is ever sent.
    let mut file = destination::temporary(path, ".lizsync-", readers)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Gives a file the permissions and, where that is allowed, the owner of another.
pub(super) fn like(file: &File, other: &Metadata) -> io::Result<()> {
    owned_like(file, other);
    file.set_permissions(other.permissions())
}

/// Gives a file the owner of another, where that is allowed.
#[cfg(unix)]
fn owned_like(file: &File, other: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    if let Err(error) = fchown(file, Some(other.uid()), Some(other.gid())) {
        log::debug!("the owner of a project was not kept: {error}");
    }
}

#[cfg(not(unix))]
fn owned_like(_: &File, _: &Metadata) {}
