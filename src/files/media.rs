//! Photos and other media of a clone, to the central server: never one in the place of another.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::client::Client;
use super::local::{self, Local};
use super::mirror::{Wishes, job, lock};
use super::names::{self, Excluded};
use super::outcome::{Outcome, begun};
use super::plan::{File, Spelling, Tree};
use super::remote::Remote;
use super::server::{TOLERANCE, case_matters, connect, make, make_all, read, sweep};
use super::session::Session;
use super::single::Job;
use super::transfer::{Way, transfer};
use crate::error::Result;
use crate::text::{Text, tr};

/// What is below the folder of a project and of the server.
pub const UPLOAD: &str = "media/upload";
const MEDIA: &str = "media";

/// What became of the media.
#[derive(Debug, Clone, Default)]
pub struct MediaOutcome {
    /// The files.
    pub files: Outcome,
    /// Files of a name that another file has on the server, and the name that they have there.
    pub clashes: Vec<(String, String)>,
    /// What is below `media` here, and on the server after this run: paths from the folder of the project.
    pub known: BTreeSet<String>,
}

/// Sends the files below `media/upload` of a project folder that the server has not. `all`: whether it is of interest
/// which files there are below `media`.
///
/// # Errors
/// Every kind of a transfer; a file that cannot be sent is in the outcome.
pub fn send_media(
    session: &Arc<Session>,
    project: &Path,
    folder: &str,
    all: bool,
    wishes: &Wishes,
) -> Result<MediaOutcome> {
    let place = project.join("media").join("upload");
    let _lock = lock(project, wishes)?;
    let local = match place.is_dir() {
        true => Local::read(&place, &wishes.excluded, &session.feedback)?,
        false => Local {
            root: place.clone(),
            ..Local::default()
        },
    };
    let mut client = connect(session)?;
    let below = format!("{}/{UPLOAD}", folder.trim_end_matches('/'));
    let remote = match read(session, &mut client, &below, &Excluded::default())? {
        Some(remote) => remote,
        None => Remote::at(&client, &below),
    };
    session.feedback.progress(5.0);
    let plan = sorted(&local, &remote, &mut client, session)?;
    let unread = [&remote.failed[..], &local.failed[..]].concat();
    let mut outcome = MediaOutcome {
        files: begun(
            plan.same,
            &plan.blocked,
            &local.left,
            &unread,
            wishes.dry_run,
            session,
        ),
        ..MediaOutcome::default()
    };
    for (path, other) in &plan.clashes {
        session.feedback.warning(tr!(
            "{upload}/{path}: the server has another file of that name; this one has the name {upload}/{other} there.",
            upload = UPLOAD,
            path,
            other
        ));
        outcome.clashes.push((path.clone(), other.clone()));
    }
    if all {
        outcome.known = known(session, &mut client, project, folder)?;
    }
    if wishes.dry_run {
        for (_, target, size) in &plan.wanted {
            session.feedback.info(tr!(
                "Would send {upload}/{target} ({n} byte)"
                    | "Would send {upload}/{target} ({n} bytes)" % *size,
                upload = UPLOAD,
                target
            ));
            outcome.files.files.push(target.clone());
            outcome.files.bytes += size;
        }
        return Ok(outcome);
    }
    if !plan.wanted.is_empty() {
        make_all(&mut client, &remote)?;
        sweep(&mut client, &remote)?;
        make(&mut client, &remote, &plan.folders)?;
        session.feedback.info(tr!(
            "Sending {n} file." | "Sending {n} files." % plan.wanted.len()
        ));
        let jobs = plan.wanted.iter().map(|(path, target, size)| Job {
            local: local.path(path),
            ..job(
                &remote,
                &local,
                target,
                Some(&File {
                    size: *size,
                    changed: None,
                }),
            )
        });
        let mut client = Some(client);
        let way = Way::Up { replace: false };
        let done = transfer(
            session,
            &mut client,
            jobs.collect(),
            way,
            wishes.connections,
            (10.0, 90.0),
        )?;
        if let Some(client) = client {
            client.leave();
        }
        outcome.files.bytes = done.bytes;
        outcome.files.failed.extend(done.failed);
        outcome
            .known
            .extend(done.files.iter().map(|path| format!("{UPLOAD}/{path}")));
        outcome.files.files = done.files;
    }
    Ok(outcome)
}

/// What is to be sent.
#[derive(Debug, Default)]
struct Sorted {
    /// Path here, path there, bytes.
    wanted: Vec<(String, String, u64)>,
    folders: Vec<String>,
    clashes: Vec<(String, String)>,
    blocked: Vec<(String, Text)>,
    same: u64,
}

fn sorted(
    local: &Local,
    server: &Remote,
    client: &mut Client,
    session: &Session,
) -> Result<Sorted> {
    let remote = &server.tree;
    let spelling = Spelling::of(remote, case_matters(session, client, server)?);
    let mut sorted = Sorted::default();
    for folder in &local.tree.folders {
        let there = spelling.there(folder);
        if remote.files.contains_key(there) || remote.others.contains(there) {
            sorted.blocked.push((
                folder.clone(),
                tr!("something else has that name on the server"),
            ));
        } else if !remote.folders.contains(there) {
            sorted.folders.push(folder.clone());
        }
    }
    for (path, file) in &local.tree.files {
        session.feedback.check()?;
        let blocked = |folder: &(String, _)| path.starts_with(&format!("{}/", folder.0));
        if sorted.blocked.iter().any(blocked) {
            continue;
        }
        let there = spelling.there(path);
        match remote.files.get(there) {
            None if remote.folders.contains(there) || remote.others.contains(there) => {
                sorted.blocked.push((
                    path.clone(),
                    tr!("something else has that name on the server"),
                ));
            }
            None => sorted.wanted.push((path.clone(), path.clone(), file.size)),
            Some(found) if same(local, server, client, (path, there), (file, found), session)? => {
                sorted.same += 1;
            }
            Some(_) => {
                // The name says what it holds, so that a second run finds it.
                let hash = local::hash(&local.path(path), &session.feedback)?;
                let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
                let name = names::beside(name, &hash[..12]);
                let other = match parent {
                    "" => name,
                    parent => format!("{parent}/{name}"),
                };
                match remote.files.get(spelling.there(&other)) {
                    Some(there) if there.size == file.size => sorted.same += 1,
                    _ => sorted.wanted.push((path.clone(), other.clone(), file.size)),
                }
                sorted.clashes.push((path.clone(), other));
            }
        }
    }
    Ok(sorted)
}

/// Whether a file is the one on the server. One of another time that is as long may be another photo: the server is
/// asked, where it can tell.
fn same(
    local: &Local,
    server: &Remote,
    client: &mut Client,
    (path, path_there): (&str, &str),
    (here, there): (&File, &File),
    session: &Session,
) -> Result<bool> {
    let times = here.changed.zip(there.changed);
    let alike = times.is_some_and(|(here, there)| (here.at - there.at).abs() <= TOLERANCE);
    if here.size != there.size || alike {
        return Ok(here.size == there.size);
    }
    let told = client
        .hash(&server.path(path_there))
        .map_err(|problem| problem.into_error(tr!("Comparing {path}", path)))?;
    match told {
        Some(told) => Ok(told == local::hash(&local.path(path), &session.feedback)?),
        None => Ok(true),
    }
}

/// What is below `media` on both sides, as rows mention it.
fn known(
    session: &Arc<Session>,
    client: &mut Client,
    project: &Path,
    folder: &str,
) -> Result<BTreeSet<String>> {
    let everything = Excluded::default();
    let mut known = BTreeSet::new();
    let mut add =
        |tree: &Tree| known.extend(tree.files.keys().map(|path| format!("{MEDIA}/{path}")));
    let place = project.join(MEDIA);
    if place.is_dir() {
        add(&Local::read(&place, &everything, &session.feedback)?.tree);
    }
    let below = format!("{}/{MEDIA}", folder.trim_end_matches('/'));
    if let Some(remote) = read(session, client, &below, &everything)? {
        add(&remote.tree);
    }
    Ok(known)
}
