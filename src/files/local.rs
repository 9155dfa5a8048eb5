//! What is below a folder of this machine.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::listing::Stamp;
use super::names::{self, Excluded};
use super::plan::{File, Tree};
use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::hex::hex;
use crate::text::{Text, tr};

/// What is below a folder of this machine.
#[derive(Debug, Default)]
pub struct Local {
    /// The folder.
    pub root: PathBuf,
    /// What is below it.
    pub tree: Tree,
    /// Half transferred files, and when they were changed.
    pub parts: Vec<(String, Option<Stamp>)>,
    /// What was left out, and why.
    pub left: Vec<(String, Text)>,
    /// Folders that cannot be read, and why.
    pub failed: Vec<(String, Text)>,
}

impl Local {
    /// Reads all that is below a folder, which must be there. Links are followed.
    pub fn read(root: &Path, excluded: &Excluded, feedback: &Feedback) -> Result<Self> {
        let mut local = Self {
            root: root.to_owned(),
            ..Self::default()
        };
        local.folder("", root, &mut Vec::new(), excluded, feedback)?;
        Ok(local)
    }

    /// A path below the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.split('/').collect::<PathBuf>())
    }

    fn folder(
        &mut self,
        folder: &str,
        place: &Path,
        around: &mut Vec<PathBuf>,
        excluded: &Excluded,
        feedback: &Feedback,
    ) -> Result<()> {
        feedback.check()?;
        let unreadable = |error| unreadable(place, &error);
        let real = fs::canonicalize(place).map_err(unreadable)?;
        if around.contains(&real) {
            self.left
                .push((folder.to_owned(), tr!("it leads into a circle")));
            return Ok(());
        }
        around.push(real);
        for entry in fs::read_dir(place).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let shown = name.to_string_lossy().into_owned();
            let path = match folder {
                "" => shown.clone(),
                folder => format!("{folder}/{shown}"),
            };
            if name.to_str().is_none() {
                self.left.push((path, tr!("its name is not UTF-8")));
                continue;
            }
            if let Some(objection) = names::objection(&shown) {
                self.left.push((path, objection));
                continue;
            }
            // Of a link, what it leads to.
            let Ok(about) = fs::metadata(entry.path()) else {
                self.left.push((
                    path.clone(),
                    tr!("it is a link to nothing, or cannot be read"),
                ));
                self.tree.others.insert(path);
                continue;
            };
            let changed = about
                .modified()
                .ok()
                .map(|time| Stamp::exact(seconds(time)));
            if about.is_dir() {
                if excluded.has(&path) {
                    self.tree.others.insert(path);
                } else {
                    self.tree.folders.insert(path.clone());
                    let depth = around.len();
                    let inside = self.folder(&path, &entry.path(), around, excluded, feedback);
                    around.truncate(depth);
                    match inside {
                        // The others can be transferred all the same.
                        Err(error) if error.kind() == Kind::File => {
                            self.failed.push((path, error.whole()));
                        }
                        other => other?,
                    }
                }
            } else if !about.is_file() {
                self.left.push((path.clone(), tr!("it is no file")));
                self.tree.others.insert(path);
            } else if names::is_part(&shown) {
                self.parts.push((path, changed));
            } else {
                let size = about.len();
                self.tree.files.insert(path, File { size, changed });
            }
        }
        around.pop();
        Ok(())
    }
}

/// Whether names that differ only in capitals are different names in a folder: on a card they are not. The folder's
/// [`LOCK`](names::LOCK) tells; without it, the operating system.
pub fn case_matters(folder: &Path) -> bool {
    let lock = folder.join(names::LOCK);
    match fs::symlink_metadata(&lock) {
        Ok(_) => fs::symlink_metadata(folder.join(names::LOCK.to_uppercase())).is_err(),
        Err(_) => !cfg!(any(windows, target_os = "macos")),
    }
}

/// Seconds since 1970.
pub fn seconds(time: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => whole(after),
        Err(before) => -whole(before.duration()),
    }
}

/// The time of these seconds.
pub fn time(seconds: i64) -> Option<SystemTime> {
    let far = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        false => UNIX_EPOCH.checked_add(far),
        true => UNIX_EPOCH.checked_sub(far),
    }
}

/// The SHA-256 of a file in hexadecimal digits.
pub fn hash(path: &Path, feedback: &Feedback) -> Result<String> {
    let failed = |error| unreadable(path, &error);
    let mut file = fs::File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        feedback.check()?;
        match file.read(&mut piece).map_err(failed)? {
            0 => break,
            count => hash.update(&piece[..count]),
        }
    }
    Ok(hex(&hash.finalize()))
}

/// A file or folder that cannot be read.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::file(tr!(
        "{path} cannot be read: {error}.",
        path = path.display(),
        error
    ))
}
