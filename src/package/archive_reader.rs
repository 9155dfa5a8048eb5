//! Reading the zip: nothing of it is used before all of it has been verified.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread;

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::manifest::{ADDITIONAL, MANIFEST, Manifest, POST_DATA, PRE_DATA, SEQUENCES};
use super::script;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::hex::hex;
use crate::text::{Argument, Text, tr};

/// More than any schema needs; keeps a crafted package from filling the memory: what all members but those with rows may
/// have together. Rows are streamed.
const LARGEST_TEXT: u64 = 256 << 20;
/// The same for the manifest, which takes a multiple of that when it is read.
const LARGEST_MANIFEST: u64 = 64 << 20;

/// How much is unpacked at a time, and how many such pieces may wait to be hashed.
const PIECE: usize = 1 << 16;
const PIECES: usize = 16;

/// Members of the packages of other LizSync versions.
const FOREIGN: [&str; 3] = ["sync_id.txt", "sync_schemas.txt", "01_before.sql"];

/// A package whose every member is what its manifest says.
pub(super) struct Package {
    archive: ZipArchive<BufReader<File>>,
    pub manifest: Manifest,
    pub pre_data: String,
    pub post_data: String,
    pub additional: Option<String>,
    pub sequences: Vec<u8>,
}

/// Opens and verifies a package; `progress` is told how many bytes were verified.
///
/// # Errors
/// [`Kind::File`](crate::error::Kind::File), saying what is wrong with it.
pub(super) fn open(
    path: &Path,
    feedback: &Feedback,
    progress: impl Fn(u64, u64),
) -> Result<Package> {
    Package::verify(path, feedback, progress).map_err(|error| match error.kind() {
        crate::error::Kind::File => error
            .during(tr!(
                "The package {path} cannot be used",
                path = path.display()
            ))
            .hint(tr!(
                "Make the package again, or fetch the file again. Nothing was changed."
            )),
        _ => error,
    })
}

impl Package {
    fn verify(path: &Path, feedback: &Feedback, progress: impl Fn(u64, u64)) -> Result<Self> {
        // Looked at before it is opened: that would wait for the other end of a pipe.
        let file = std::fs::metadata(path)
            .and_then(|metadata| match metadata.is_file() {
                true => File::open(path),
                false if metadata.is_dir() => Err(std::io::Error::other(tr!("it is a folder"))),
                false => Err(std::io::Error::other(tr!("it is no plain file"))),
            })
            .map_err(|error| Error::file(tr!("{error}.", error)).caused_by(error))?;
        refuse_planted(path, &file)?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            Error::file(tr!(
                "It is no zip file, or it is not complete ({error}).",
                error
            ))
        })?;
        check_names(&archive)?;
        let manifest = Manifest::from_json(&whole(&mut archive, MANIFEST)?)?;
        check_members(&archive, &manifest)?;

        let total = manifest.bytes();
        let mut done = 0;
        let mut package = Self {
            archive,
            pre_data: String::new(),
            post_data: String::new(),
            additional: None,
            sequences: Vec::new(),
            manifest,
        };
        for name in package.manifest.members.keys().cloned().collect::<Vec<_>>() {
            feedback.check()?;
            let mut text = Vec::new();
            let keep = !name.starts_with("data/");
            package.stream(&name, |chunk| {
                feedback.check()?;
                if keep {
                    text.extend_from_slice(chunk);
                }
                done += chunk.len() as u64;
                progress(done, total);
                Ok(())
            })?;
            let sql = |text| script::read(text, &tr!("The member {name}", name));
            match name.as_str() {
                PRE_DATA => package.pre_data = sql(text)?,
                POST_DATA => package.post_data = sql(text)?,
                ADDITIONAL => package.additional = Some(sql(text)?),
                SEQUENCES => package.sequences = text,
                _ => (),
            }
        }
        Ok(package)
    }

    /// Streams one member to `sink`, and fails at its end, or as soon as it is too long, when it
    /// is not what the manifest says.
    pub fn stream(&mut self, name: &str, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let expected =
            self.manifest.members.get(name).ok_or_else(|| {
                Error::internal(format!("The member {name} is not in the manifest."))
            })?;
        let damaged =
            |why: Text| Error::file(tr!("The member {name} is damaged ({why}).", name, why));
        let mut member = self
            .archive
            .by_name(name)
            .map_err(|error| damaged(error.text()))?;
        plain(&member, name)?;
        let (sender, pieces) = sync_channel::<Vec<u8>>(PIECES);
        // Hashing takes as long as unpacking, so they go side by side.
        let (size, hash) = thread::scope(|threads| {
            let hasher = threads.spawn(move || {
                let mut hash = Sha256::new();
                pieces.iter().for_each(|piece| hash.update(&piece));
                hash.finalize()
            });
            let mut size = 0u64;
            loop {
                let mut piece = Vec::with_capacity(PIECE);
                let length = (&mut member)
                    .take(PIECE as u64)
                    .read_to_end(&mut piece)
                    .map_err(|error| damaged(error.text()))?;
                if length == 0 {
                    break;
                }
                size += length as u64;
                if size > expected.size {
                    return Err(damaged(tr!(
                        "it is longer than the {size} bytes that the manifest gives",
                        size = expected.size
                    )));
                }
                sink(&piece)?;
                // It cannot fail: the hasher takes all there is.
                let _ = sender.send(piece);
            }
            drop(sender);
            let hash = hasher.join();
            Ok((
                size,
                hash.map_err(|_| Error::internal("Hashing ended unexpectedly."))?,
            ))
        })?;
        if size != expected.size {
            return Err(damaged(tr!(
                "it has {size} bytes instead of {expected}",
                size,
                expected = expected.size
            )));
        }
        if hex(&hash) != expected.sha256 {
            return Err(damaged(tr!("its SHA-256 is not that of the manifest")));
        }
        Ok(())
    }
}

/// A member that is read before the manifest is known.
fn whole(archive: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Vec<u8>> {
    let damaged = |why: Text| Error::file(tr!("The member {name} is damaged ({why}).", name, why));
    let member = archive
        .by_name(name)
        .map_err(|error| damaged(error.text()))?;
    plain(&member, name)?;
    let mut text = Vec::new();
    member
        .take(LARGEST_MANIFEST + 1)
        .read_to_end(&mut text)
        .map_err(|error| damaged(error.text()))?;
    if text.len() as u64 > LARGEST_MANIFEST {
        return Err(damaged(tr!("it is too large")));
    }
    Ok(text)
}

/// Nothing is ever unpacked to where a link leads, but whoever looks into the package with another program is not led
/// astray either.
fn plain<R: Read>(member: &ZipFile<'_, R>, name: &str) -> Result<()> {
    match member.is_symlink() || member.is_dir() {
        true => Err(Error::file(tr!(
            "The member {name} is no plain file.",
            name
        ))),
        false => Ok(()),
    }
}

/// Refuses a package that somebody else may have put where everybody may write, such as the folder for temporary files:
/// its SQL would run with the rights of whoever deploys it. Neither may a link be that leads to it. `file` is what was
/// opened.
#[cfg(unix)]
fn refuse_planted(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let unknown = |error: std::io::Error| Error::file(tr!("{error}.", error)).caused_by(error);
    // There is no other safe way to learn who we are.
    let me = tempfile::tempfile().and_then(|file| file.metadata());
    let me = me.map_err(unknown)?.uid();
    let mut last = None;
    for step in way_to(path).map_err(unknown)? {
        let folder = step.parent().unwrap_or(&step);
        let mode = folder.metadata().map_err(unknown)?.permissions().mode();
        let about = step.symlink_metadata().map_err(unknown)?;
        if is_planted(mode, about.uid(), me) {
            return Err(Error::file(tr!(
                "It belongs to another user, and everybody may write into {folder}.",
                folder = folder.display()
            ))
            .hint(tr!(
                "Where it is what you expect, copy it to a folder of your own."
            )));
        }
        last = Some(about);
    }
    let opened = file.metadata().map_err(unknown)?;
    match last {
        Some(about) if (about.dev(), about.ino()) == (opened.dev(), opened.ino()) => Ok(()),
        _ => Err(Error::file(tr!(
            "Another file took its place while it was read."
        ))),
    }
}

/// The path, what the links lead to that stand there, and at the end the file itself.
#[cfg(unix)]
fn way_to(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut way = vec![std::path::absolute(path)?];
    // It was opened, so there are no more links than the system follows.
    while let Some(link) = way
        .last()
        .filter(|step| step.is_symlink() && way.len() < 64)
    {
        let target = std::fs::read_link(link)?;
        let folder = link.parent().unwrap_or(link);
        way.push(folder.join(target));
    }
    way.push(std::fs::canonicalize(path)?);
    Ok(way)
}

#[cfg(not(unix))]
fn refuse_planted(_: &Path, _: &File) -> Result<()> {
    Ok(())
}

/// Whether another ordinary user than `me` owns a file in a folder of that mode in which everybody may write.
#[cfg(unix)]
fn is_planted(mode: u32, owner: u32, me: u32) -> bool {
    mode & 0o002 != 0 && owner != me && owner != 0
}

fn names(archive: &ZipArchive<BufReader<File>>) -> Vec<String> {
    archive
        .file_names_raw()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// What can be said of the names before the manifest is read.
fn check_names(archive: &ZipArchive<BufReader<File>>) -> Result<()> {
    let names = names(archive);
    if let Some(name) = names.iter().find(|name| is_unsafe(name)) {
        return Err(Error::file(tr!(
            "It holds a member “{name}” that points outside of it.",
            name
        )));
    }
    if archive.has_duplicate_names() {
        return Err(Error::file(tr!("It holds two members of one name.")));
    }
    if names.iter().any(|name| name == MANIFEST) {
        return Ok(());
    }
    Err(
        match names.iter().any(|name| FOREIGN.contains(&name.as_str())) {
            true => Error::file(tr!(
                "It was made by another tool or an earlier LizSync, whose packages this version does not read. Upgrade the central database, package it with this LizSync, and deploy that."
            )),
            false => Error::file(tr!(
                "It is no LizSync package: it has no {manifest}.",
                manifest = MANIFEST
            )),
        },
    )
}

/// Whether unpacking a member of that name could write outside of the target folder.
fn is_unsafe(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    let parts = || name.split(['/', '\\']);
    drive || parts().next() == Some("") || parts().any(|part| part == "..")
}

/// The members are those of the manifest, no fewer and no more.
fn check_members(archive: &ZipArchive<BufReader<File>>, manifest: &Manifest) -> Result<()> {
    let text = |(name, member): (&String, &super::manifest::Member)| {
        if name.starts_with("data/") {
            0
        } else {
            member.size
        }
    };
    let texts = manifest.members.iter().map(text);
    if texts.fold(0, u64::saturating_add) > LARGEST_TEXT {
        return Err(Error::file(tr!("What it holds besides rows is too large.")));
    }
    let names: BTreeSet<String> = names(archive).into_iter().collect();
    let extra = names
        .iter()
        .find(|name| *name != MANIFEST && !manifest.members.contains_key(*name));
    if let Some(name) = extra {
        return Err(Error::file(tr!(
            "It holds a member “{name}” that its manifest does not list.",
            name
        )));
    }
    match manifest.members.keys().find(|name| !names.contains(*name)) {
        Some(name) => Err(Error::file(tr!("Its member {name} is missing.", name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_unsafe;

    #[cfg(unix)]
    #[test]
    fn a_package_of_another_user_where_everybody_writes_is_planted() {
        use super::is_planted;
        assert!(is_planted(0o41777, 1001, 1000));
        assert!(is_planted(0o40777, 1001, 0));
        assert!(!is_planted(0o41777, 1000, 1000), "it is mine");
        assert!(!is_planted(0o41777, 0, 1000), "the system put it there");
        assert!(
            !is_planted(0o40775, 1001, 1000),
            "somebody chose that folder"
        );
    }

    #[test]
    fn names_that_leave_the_folder() {
        for name in [
            "/etc/x", "\\x", "../x", "a/../x", "a\\..\\x", "C:x", "c:\\x", "..",
        ] {
            assert!(is_unsafe(name), "{name}");
        }
        for name in ["manifest.json", "data/00001.copy", "a..b/c..", "..."] {
            assert!(!is_unsafe(name), "{name}");
        }
    }
}
