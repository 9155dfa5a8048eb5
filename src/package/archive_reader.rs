//! Reading the zip: nothing of it is used before all of it has been verified.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::manifest::{ADDITIONAL, MANIFEST, Manifest, POST_DATA, PRE_DATA, SEQUENCES};
use super::script;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::hex::hex;

/// More than any schema needs; keeps a crafted package from filling the memory.
const LARGEST_TEXT: u64 = 256 << 20;

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
            .during(format!("The package {} cannot be used", path.display()))
            .hint("Make the package again, or fetch the file again. Nothing was changed."),
        _ => error,
    })
}

impl Package {
    fn verify(path: &Path, feedback: &Feedback, progress: impl Fn(u64, u64)) -> Result<Self> {
        // Looked at before it is opened: that would wait for the other end of a pipe.
        let file = std::fs::metadata(path)
            .and_then(|metadata| match metadata.is_file() {
                true => File::open(path),
                false if metadata.is_dir() => Err(std::io::Error::other("it is a folder")),
                false => Err(std::io::Error::other("it is no plain file")),
            })
            .map_err(|error| Error::file(format!("{error}.")).caused_by(error))?;
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
            Error::file(format!(
                "It is no zip file, or it is not complete ({error})."
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
            let sql = |text| script::read(text, &format!("The member {name}"));
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
        if !name.starts_with("data/") && expected.size > LARGEST_TEXT {
            return Err(Error::file(format!("The member {name} is too large.")));
        }
        let damaged = |why: String| Error::file(format!("The member {name} is damaged ({why})."));
        let mut member = self
            .archive
            .by_name(name)
            .map_err(|error| damaged(error.to_string()))?;
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
                    .map_err(|error| damaged(error.to_string()))?;
                if length == 0 {
                    break;
                }
                size += length as u64;
                if size > expected.size {
                    return Err(damaged(format!(
                        "it is longer than the {} bytes that the manifest gives",
                        expected.size
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
            return Err(damaged(format!(
                "it has {size} bytes instead of {}",
                expected.size
            )));
        }
        if hex(&hash) != expected.sha256 {
            return Err(damaged("its SHA-256 is not that of the manifest".into()));
        }
        Ok(())
    }
}

/// A member that is read before the manifest is known.
fn whole(archive: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Vec<u8>> {
    let damaged = |why: String| Error::file(format!("The member {name} is damaged ({why})."));
    let member = archive
        .by_name(name)
        .map_err(|error| damaged(error.to_string()))?;
    let mut text = Vec::new();
    member
        .take(LARGEST_TEXT + 1)
        .read_to_end(&mut text)
        .map_err(|error| damaged(error.to_string()))?;
    if text.len() as u64 > LARGEST_TEXT {
        return Err(damaged("it is too large".into()));
    }
    Ok(text)
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
        return Err(Error::file(format!(
            "It holds a member “{name}” that points outside of it."
        )));
    }
    if archive.has_duplicate_names() {
        return Err(Error::file("It holds two members of one name."));
    }
    if names.iter().any(|name| name == MANIFEST) {
        return Ok(());
    }
    Err(
        match names.iter().any(|name| FOREIGN.contains(&name.as_str())) {
            true => Error::file(
                "It was made by another tool or an earlier LizSync, whose packages this version does not read. Upgrade the central database, package it with this LizSync, and deploy that.",
            ),
            false => Error::file(format!("It is no LizSync package: it has no {MANIFEST}.")),
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
    let names = names(archive);
    let extra = names
        .iter()
        .find(|name| *name != MANIFEST && !manifest.members.contains_key(*name));
    if let Some(name) = extra {
        return Err(Error::file(format!(
            "It holds a member “{name}” that its manifest does not list."
        )));
    }
    match manifest.members.keys().find(|name| !names.contains(*name)) {
        Some(name) => Err(Error::file(format!("Its member {name} is missing."))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_unsafe;

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
