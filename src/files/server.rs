//! Folders of an FTP server: reached, read and made; and the times of their files.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::client::Client;
use super::listing::Stamp;
use super::names::{self, Excluded};
use super::plan::{Plan, Tree, Why};
use super::remote::Remote;
use super::session::{Problem, Session};
use crate::error::{Error, Kind, Result};
use crate::text::tr;

/// Seconds by which clocks and file systems (two, on a card) round.
pub const TOLERANCE: i64 = 2;

const CONNECT_TRIES: usize = 3;

/// Connects, with some tries.
pub fn connect(session: &Arc<Session>) -> Result<Client> {
    let account = &session.account;
    session
        .feedback
        .info(tr!("Connecting to the FTP server {account}.", account));
    let mut tries = 1;
    loop {
        match Client::connect(session) {
            Ok(client) => return Ok(client),
            Err(Problem::Lost(_)) if tries < CONNECT_TRIES => tries += 1,
            Err(problem) => {
                return Err(match problem {
                    Problem::Final(error) => error,
                    problem => problem
                        .into_error(tr!("The FTP server {account} cannot be used", account))
                        .hint(tr!("Check host, port and FTP_TLS, and the network.")),
                });
            }
        }
    }
}

/// Reads what is below a folder of the server, with some tries.
pub fn read(
    session: &Arc<Session>,
    client: &mut Client,
    folder: &str,
    excluded: &Excluded,
) -> Result<Option<Remote>> {
    let mut tries = 1;
    loop {
        let remote = Remote::at(client, folder);
        let name = remote.name();
        match remote.read(client, excluded, session) {
            Err(Problem::Lost(text)) if tries < CONNECT_TRIES => {
                log::debug!("listing: {text}");
                tries += 1;
                *client = connect(session)?;
            }
            other => {
                return other.map_err(|problem| {
                    let account = &session.account;
                    problem.into_error(tr!(
                        "Listing {name} of the FTP server {account}",
                        name,
                        account
                    ))
                });
            }
        }
    }
}

/// A folder that is not on the server.
pub fn missing(session: &Session, folder: &str) -> Error {
    let text = tr!(
        "There is no folder {folder} on the FTP server {account}, or {login} may not see it.",
        folder,
        account = session.account,
        login = session.account.login
    );
    Error::new(Kind::Transfer, text).hint(tr!(
        "Check the remote directory; it begins where the login does, or with a slash at the root."
    ))
}

/// Makes a folder of the server and those around it.
pub fn make_all(client: &mut Client, remote: &Remote) -> Result<()> {
    let path = remote.path("");
    let ends = path
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| at);
    for end in ends.chain([path.len()]) {
        let part = &path[..end];
        // Not all of them may be looked into; where one is missing, the next step tells.
        if client.enter(part).is_err() {
            let made = match client.make(part) {
                // Another clone may have made it in the meantime.
                Err(Problem::Refused(..)) if client.enter(part).is_ok() => Ok(()),
                other => other,
            };
            made.map_err(|problem| {
                problem.into_error(tr!(
                    "The folder {folder} cannot be made on the FTP server",
                    folder = names::text(part)
                ))
            })?;
        }
    }
    Ok(())
}

/// Makes folders below it.
pub fn make(client: &mut Client, remote: &Remote, folders: &[String]) -> Result<()> {
    for folder in folders {
        let path = remote.path(folder);
        match client.make(&path) {
            // Another clone may have made it in the meantime.
            Err(Problem::Refused(..)) if client.enter(&path).is_ok() => (),
            other => other.map_err(|problem| {
                problem.into_error(tr!(
                    "The folder {folder} cannot be made on the FTP server",
                    folder
                ))
            })?,
        }
    }
    Ok(())
}

/// Whether names that differ only in capitals are different names on the server: asks for a file of it in other
/// capitals.
pub fn case_matters(session: &Session, client: &mut Client, remote: &Remote) -> Result<bool> {
    let files = &remote.tree.files;
    let swapped = |path: &String| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let swap = |c: char| match c.is_ascii_lowercase() {
            true => c.to_ascii_uppercase(),
            false => c.to_ascii_lowercase(),
        };
        let name: String = name.chars().map(swap).collect();
        match folder {
            "" => name,
            folder => format!("{folder}/{name}"),
        }
    };
    let other = files
        .keys()
        .map(|path| (path, swapped(path)))
        .find(|(path, other)| *path != other && !files.contains_key(other));
    let Some((_, other)) = other else {
        return Ok(true);
    };
    let found = client.size(&remote.path(&other)).map_err(|problem| {
        problem.into_error(tr!(
            "Asking {account} for a size",
            account = session.account
        ))
    })?;
    Ok(found.is_none())
}

/// LIST gives times of an unknown zone: asks for one of them, and shifts all.
pub fn calibrate(session: &Session, client: &mut Client, remote: &mut Remote) -> Result<()> {
    let rough = |stamp: &Stamp| stamp.span > 0 && stamp.span < 3600;
    let newest = remote
        .tree
        .files
        .iter()
        .filter_map(|(path, file)| Some((file.changed.filter(rough)?.at, path.clone())))
        .max();
    let Some((listed, path)) = newest else {
        return Ok(());
    };
    let known = client.changed(&remote.path(&path)).map_err(|problem| {
        problem.into_error(tr!(
            "Asking {account} for a time",
            account = session.account
        ))
    })?;
    let Some(known) = known else {
        return Ok(());
    };
    let quarter = 15 * 60;
    let shift = (known.at - listed).div_euclid(quarter) * quarter;
    // No zone is further away; else the file was changed just now.
    if shift != 0 && shift.abs() <= 14 * 3600 {
        for file in remote.tree.files.values_mut() {
            if let Some(stamp) = file.changed.as_mut().filter(|stamp| stamp.span > 0) {
                stamp.at += shift;
            }
        }
    }
    Ok(())
}

/// Takes files out of the plan that are newer only by what a listing rounds.
pub fn confirm(
    session: &Session,
    client: &mut Client,
    remote: &Remote,
    local: &Tree,
    plan: &mut Plan,
    down: bool,
) -> Result<()> {
    let rough = |path: &String| {
        let changed = remote.tree.files.get(path).and_then(|file| file.changed);
        changed.is_some_and(|stamp| stamp.span > 0)
    };
    let doubted: Vec<String> = plan
        .transfers
        .iter()
        .filter(|(path, why)| *why == Why::Newer && rough(path))
        .map(|(path, _)| path.clone())
        .collect();
    let mut same = BTreeSet::new();
    for path in doubted {
        let there = client.changed(&remote.path(&path)).map_err(|problem| {
            problem.into_error(tr!(
                "Asking {account} for a time",
                account = session.account
            ))
        })?;
        let here = local.files.get(&path).and_then(|file| file.changed);
        let (Some(there), Some(here)) = (there, here) else {
            continue;
        };
        let (source, destination) = if down { (there, here) } else { (here, there) };
        let span = destination.span + TOLERANCE;
        if !source.is_after(Stamp {
            span,
            ..destination
        }) {
            same.insert(path);
        }
    }
    plan.same += same.len() as u64;
    plan.transfers.retain(|(path, _)| !same.contains(path));
    Ok(())
}

/// Half sent files that nobody has gone on with for so many seconds are removed: a week.
const ABANDONED: i64 = 7 * 86_400;

/// Removes what runs that never came back have left half sent.
pub fn sweep(client: &mut Client, remote: &Remote) -> Result<()> {
    let now = chrono::Utc::now().timestamp();
    for (path, changed) in &remote.parts {
        if changed.is_some_and(|changed| now - changed.at > ABANDONED) {
            match client.delete(&remote.path(path)) {
                // Not everybody may delete.
                Ok(()) | Err(Problem::Refused(..)) => (),
                Err(problem) => return Err(problem.into_error(tr!("Removing {path}", path))),
            }
        }
    }
    Ok(())
}
