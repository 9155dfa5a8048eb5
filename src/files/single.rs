//! One file, over one connection: under another name until all of it is there and checked.

use std::fs;
use std::io::{ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::client::Client;
use super::local;
use super::names;
use super::session::Problem;
use crate::error::{Error, Kind, Result};
use crate::private;
use crate::text::{Text, tr};

/// Smaller files are rather transferred anew than looked at before.
const WORTH_RESUMING: u64 = 256 << 10;

/// A file to transfer.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its path below the folder, for messages.
    pub path: String,
    /// The folder on the server, as bytes from the root.
    pub remote_folder: Vec<u8>,
    /// Its name there, as bytes.
    pub remote_name: Vec<u8>,
    /// Its place here.
    pub local: PathBuf,
    /// Its bytes.
    pub size: u64,
    /// When it was changed at its source: seconds since 1970.
    pub changed: Option<i64>,
    /// Whether that is to the second: it then tells a version from all others.
    pub exact: bool,
}

/// How files that come get their names.
pub trait Arrival: Sync {
    /// What a file here was made from, where it is not what came.
    fn original(&self, place: &Path) -> Option<PathBuf>;

    /// Whether a file has to be changed before others may read it; [`settle`](Arrival::settle) then names it.
    fn is_raw(&self, place: &Path) -> bool;

    /// Gives what came as `part` the name `place`.
    ///
    /// # Errors
    /// Those of the file fail this file only.
    fn settle(&self, part: &Path, place: &Path) -> Result<()>;
}

impl Job {
    fn remote(&self, name: &[u8]) -> Vec<u8> {
        [&self.remote_folder[..], b"/", name].concat()
    }
}

/// Fetches a file: into one of another name, which is checked and then gets its own.
pub fn down(
    client: &mut Client,
    job: &mut Job,
    arrival: &dyn Arrival,
    moved: &dyn Fn(u64),
) -> std::result::Result<(), Problem> {
    let remote = job.remote(&job.remote_name);
    // What was listed roughly is asked for where going on is worth it.
    if !job.exact && job.size >= WORTH_RESUMING {
        look_again(client, job)?;
    }
    let source = names::text(&remote);
    let name = job.local.file_name().unwrap_or_default().to_string_lossy();
    let part = job
        .local
        .with_file_name(names::part(&name, job.size, job.changed, &source));
    let path = job.local.display();
    let failed = |what: Text, error: &std::io::Error| -> Problem { unwritten(what, error).into() };
    // Whoever put a link there wants something else to be written.
    if fs::symlink_metadata(&part).is_ok_and(|about| !about.is_file()) {
        let text = tr!("{part} is in the way; remove it.", part = part.display());
        return Err(Error::file(text).into());
    }
    let raw = arrival.is_raw(&job.local);
    let mut file = private::open(&part, raw)
        .map_err(|error| failed(tr!("{path} cannot be written", path), &error))?;
    let there = file
        .metadata()
        .map_err(|error| failed(tr!("{path} cannot be written", path), &error))?
        .len();
    let from = if client.can_resume(there) && job.exact && there <= job.size {
        there
    } else {
        0
    };
    file.set_len(from)
        .map_err(|error| failed(tr!("{path} cannot be written", path), &error))?;
    file.seek(SeekFrom::End(0))
        .map_err(|error| failed(tr!("{path} cannot be written", path), &error))?;
    if from < job.size || job.size == 0 {
        client.download(&remote, from, job.size - from, &mut file, moved)?;
    }
    if let Some(time) = job.changed.and_then(local::time) {
        // Not every file system lets itself be told; the file is then newer here, which does no harm.
        if let Err(error) = file.set_modified(time) {
            log::debug!("{}: its time cannot be set: {error}", job.path);
        }
    }
    drop(file);
    if !intact(client, &remote, &part)? {
        fs::remove_file(&part)
            .map_err(|error| failed(tr!("{path} cannot be removed", path), &error))?;
        return Err(Problem::Lost(tr!("what came is not what the server has")));
    }
    match raw {
        true => arrival.settle(&part, &job.local)?,
        false => fs::rename(&part, &job.local)
            .map_err(|error| failed(tr!("{path} cannot be replaced", path), &error))?,
    }
    Ok(())
}

/// A file that cannot be written. A full disk concerns all others, too.
pub fn unwritten(what: Text, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Error::new(Kind::Transfer, tr!("{what}: the disk is full.", what)).hint(tr!(
                "Make room, and run it again: it goes on where it stopped."
            ))
        }
        _ => Error::file(tr!("{what}: {error}.", what, error)),
    }
}

/// Asks for size and time of a file: it may have become another one since it was listed. Without an answer its time
/// is not exact any more, so that what came of it is not gone on with.
pub fn look_again(client: &mut Client, job: &mut Job) -> std::result::Result<(), Problem> {
    let remote = job.remote(&job.remote_name);
    if let Some(size) = client.size(&remote)? {
        job.size = size;
    }
    let changed = client.changed(&remote)?.filter(|stamp| stamp.span == 0);
    job.exact = changed.is_some();
    if let Some(stamp) = changed {
        job.changed = Some(stamp.at);
    }
    Ok(())
}

/// Sends a file: to one of another name, which is checked and then gets its own.
pub fn up(
    client: &mut Client,
    job: &mut Job,
    replace: bool,
    moved: &dyn Fn(u64),
    pause: &dyn Fn() -> std::result::Result<(), Problem>,
) -> std::result::Result<(), Problem> {
    let unreadable = |error: std::io::Error| Problem::Final(local::unreadable(&job.local, &error));
    let mut file = fs::File::open(&job.local).map_err(unreadable)?;
    let state = |file: &fs::File| -> std::io::Result<_> {
        let about = file.metadata()?;
        Ok((about.len(), about.modified().ok().map(local::seconds)))
    };
    let (size, changed) = state(&file).map_err(unreadable)?;
    (job.size, job.changed) = (size, changed);
    let name = names::part(
        &names::text(&job.remote_name),
        size,
        changed,
        &job.local.to_string_lossy(),
    );
    let session = client.session().clone();
    let name = session.part(&name);
    let (part, place) = (job.remote(name.as_bytes()), job.remote(&job.remote_name));
    let there = client.size(&part)?.unwrap_or(0);
    let from = if client.can_resume(there) && there <= size {
        there
    } else {
        0
    };
    file.seek(SeekFrom::Start(from)).map_err(unreadable)?;
    if from < size || size == 0 {
        match client.upload(&part, from, &mut file, moved) {
            // No room is no matter of names.
            Err(Problem::Refused(code @ 500..=599, _))
                if code != 552 && session.go_undotted(name) =>
            {
                return up(client, job, replace, moved, pause);
            }
            other => other?,
        }
    }
    let sent = match client.size(&part)? {
        Some(sent) => sent == size,
        None => client.exists(&part)?,
    };
    if !sent || !intact(client, &part, &job.local)? {
        client.delete(&part)?;
        return Err(Problem::Lost(tr!("what arrived is not what was sent")));
    }
    if state(&file).map_err(unreadable)? != (size, changed) {
        client.delete(&part)?;
        return Err(Problem::Lost(tr!("the file was changed while it was sent")));
    }
    if let Some(at) = changed {
        client.set_changed(&part, at)?;
    }
    if replace {
        return put(client, job, &part, &place);
    }
    // Clones send at the same time, and most servers replace a file without asking.
    let lock = names::part(&names::text(&job.remote_name), 0, None, "lock");
    let lock = job.remote(session.part(&lock).as_bytes());
    let held = hold(client, &lock, pause)?;
    let outcome = match client.exists(&place) {
        Ok(false) => client.rename(&part, &place),
        Ok(true) => Err(Problem::Refused(
            553,
            tr!("another file of that name has come in the meantime; the next run looks at it"),
        )),
        Err(problem) => Err(problem),
    };
    if held {
        client.remove(&lock)?;
    }
    if matches!(outcome, Err(Problem::Refused(553, _))) {
        client.delete(&part)?;
    }
    outcome
}

/// Gives a sent file its name. One that is there is only deleted when the new one has its place.
fn put(
    client: &mut Client,
    job: &Job,
    part: &[u8],
    place: &[u8],
) -> std::result::Result<(), Problem> {
    let problem = match client.rename(part, place) {
        Err(problem @ Problem::Refused(500..=599, _)) => problem,
        other => return other,
    };
    // Some servers do not replace a file.
    if !client.exists(part)? || !client.exists(place)? {
        return Err(problem);
    }
    let name = names::part(&names::text(&job.remote_name), 0, None, "old");
    let aside = job.remote(client.session().part(&name).as_bytes());
    if client.rename(place, &aside).is_err() {
        return Err(problem);
    }
    match client.rename(part, place) {
        Ok(()) => client.delete(&aside),
        Err(problem) => {
            client.rename(&aside, place)?;
            Err(problem)
        }
    }
}

/// How often it is looked whether another clone has let go; it holds a name for a few commands.
const LOCK_TRIES: u32 = 30;

/// Makes a folder that only one can make; false where no folder can be made.
fn hold(
    client: &mut Client,
    lock: &[u8],
    pause: &dyn Fn() -> std::result::Result<(), Problem>,
) -> std::result::Result<bool, Problem> {
    for attempt in 1.. {
        match client.make(lock) {
            Ok(()) => return Ok(true),
            Err(Problem::Refused(..)) => (),
            Err(problem) => return Err(problem),
        }
        match client.enter(lock) {
            // Its owner has died, or has just let go.
            Ok(()) if attempt % LOCK_TRIES == 0 => client.remove(lock)?,
            Ok(()) => pause()?,
            Err(Problem::Refused(..)) if attempt > 2 => return Ok(false),
            Err(Problem::Refused(..)) => (),
            Err(problem) => return Err(problem),
        }
    }
    Ok(false)
}

/// Whether the two are the same by their hash, where the server tells it.
fn intact(client: &mut Client, remote: &[u8], here: &Path) -> std::result::Result<bool, Problem> {
    match client.hash(remote)? {
        Some(hash) => Ok(hash == local::hash(here, client.feedback())?),
        None => Ok(true),
    }
}
