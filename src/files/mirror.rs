//! Mirroring a folder of an FTP server here, or a folder of this machine there.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::client::Client;
use super::listing::Stamp;
use super::local::{self, Local};
use super::names::{self, Excluded};
use super::outcome::{Outcome, begun, tell};
use super::plan::{Plan, Rules, Tree, Why, is_project, plan, reason};
use super::remote::Remote;
use super::retire::{came, retire_here, retire_there};
use super::server::{
    TOLERANCE, calibrate, case_matters, confirm, connect, make, make_all, missing, read, sweep,
};
use super::session::Session;
use super::single::{Arrival, Job};
use super::transfer::{Done, Way, transfer};
use crate::error::{Error, Result};
use crate::text::tr;

/// Half transferred files that are older than this are not gone on with: a day.
const STALE: i64 = 86_400;

/// How a mirror works.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Sub-directories that are left out.
    pub excluded: Excluded,
    /// How many connections are used at a time.
    pub connections: usize,
    /// Whether it is only told what would be done.
    pub dry_run: bool,
}

fn rules(case_matters: bool) -> Rules {
    Rules {
        tolerance: TOLERANCE,
        case_matters,
    }
}

/// Fetches what is new below a folder of the server. `arrival` names what comes.
/// The folder is this run's own as long as the lock is kept.
pub fn fetch(
    session: &Arc<Session>,
    folder: &str,
    here: &Path,
    arrival: &dyn Arrival,
    wishes: &Wishes,
) -> Result<(Outcome, Option<Lock>)> {
    let mut client = connect(session)?;
    let remote = read(session, &mut client, folder, &wishes.excluded)?;
    let mut remote = remote.ok_or_else(|| missing(session, folder))?;
    calibrate(session, &mut client, &mut remote)?;
    session.feedback.progress(5.0);
    if !here.exists() && !wishes.dry_run {
        make_here(here)?;
    }
    let lock = lock(here, wishes)?;
    let mut local = match here.exists() {
        true => Local::read(here, &wishes.excluded, &session.feedback)?,
        false => Local::default(),
    };
    local.root = here.to_owned();
    let rules = rules(local::case_matters(here));
    as_they_came(&mut local, &remote.tree, arrival, rules);
    // They are our own, and hold passwords.
    remote.tree.files.retain(|path, _| !is_kept(path));
    let unread = [&remote.failed[..], &local.failed[..]].concat();
    let mut plan = plan(&remote.tree, &local.tree, rules);
    confirm(session, &mut client, &remote, &local.tree, &mut plan, true)?;
    spare_photos(&mut plan, session);
    let mut outcome = begun(
        plan.same,
        &plan.blocked,
        &remote.left,
        &unread,
        wishes.dry_run,
        session,
    );
    if wishes.dry_run {
        tell(&plan, &remote.tree, &mut outcome, &session.feedback);
        return Ok((outcome, lock));
    }
    for folder in &plan.folders {
        make_here(&local.path(folder))?;
    }
    let job = |path: &String| job(&remote, &local, path, remote.tree.files.get(path));
    let done = run(session, client, &plan, job, Way::Down(arrival), wishes)?;
    for path in plan.retired.iter().filter(|path| came(&done, path)) {
        retire_here(session, &mut outcome, path, &local.path(path));
    }
    let now = chrono::Utc::now().timestamp();
    for (path, changed) in &local.parts {
        if changed.is_some_and(|changed| now - changed.at > STALE) {
            // Another run may have been faster.
            let _ = fs::remove_file(local.path(path));
        }
    }
    finish(&mut outcome, done);
    Ok((outcome, lock))
}

/// Makes a folder of this machine and those around it.
fn make_here(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| {
        Error::file(tr!(
            "The folder {path} cannot be made: {error}.",
            path = folder.display(),
            error
        ))
    })
}

/// Whether a file is a project as it was before it was adapted (by us) or saved (by QGIS).
fn is_kept(path: &str) -> bool {
    let project = path.strip_suffix(".bak").or_else(|| path.strip_suffix('~'));
    project.is_some_and(is_project)
}

/// Photos that were taken here may not have been sent yet: none is replaced.
fn spare_photos(plan: &mut Plan, session: &Session) {
    let spared = |(path, why): &(String, Why)| {
        *why != Why::Missing && path.starts_with(&format!("{}/", super::media::UPLOAD))
    };
    for (path, _) in plan.transfers.iter().filter(|transfer| spared(transfer)) {
        session.feedback.warning(tr!(
            "{path} is another one here than on the server, and stays: send the photos of this folder first.",
            path
        ));
    }
    let before = plan.transfers.len();
    plan.transfers.retain(|transfer| !spared(transfer));
    plan.same += (before - plan.transfers.len()) as u64;
}

/// One run at a time in a folder, as far as that can be seen to.
pub fn lock(here: &Path, wishes: &Wishes) -> Result<Option<Lock>> {
    if wishes.dry_run {
        return Ok(None);
    }
    let path = here.join(names::LOCK);
    // Where nothing can be written, nothing can be spoilt.
    let Ok(file) = fs::File::create(&path) else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { path, _file: file })),
        Err(fs::TryLockError::WouldBlock) => Err(Error::state(tr!(
            "Another run works in {folder}.",
            folder = here.display()
        ))
        .hint(tr!("Wait until it has ended."))),
        // Not every file system has locks.
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

/// The lock of a folder; its file goes with it.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: fs::File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // One that stays does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

/// A project that was adapted is compared as it came.
fn as_they_came(local: &mut Local, remote: &Tree, arrival: &dyn Arrival, rules: Rules) {
    let projects: Vec<String> = local
        .tree
        .files
        .iter()
        .filter(|(path, here)| {
            let there = remote.files.get(*path);
            is_project(path)
                && there.is_some_and(|there| reason(there, Some(here), rules).is_some())
        })
        .map(|(path, _)| path.clone())
        .collect();
    for path in projects {
        let about = arrival
            .original(&local.path(&path))
            .and_then(|came| fs::metadata(came).ok());
        if let (Some(about), Some(file)) = (about, local.tree.files.get_mut(&path)) {
            file.size = about.len();
            file.changed = about
                .modified()
                .ok()
                .map(|time| Stamp::exact(local::seconds(time)));
        }
    }
}

/// Sends what is new below a folder of this machine.
pub fn send(session: &Arc<Session>, here: &Path, folder: &str, wishes: &Wishes) -> Result<Outcome> {
    let _lock = lock(here, wishes)?;
    let mut local = Local::read(here, &wishes.excluded, &session.feedback)?;
    // They hold passwords of the central.
    local.tree.files.retain(|path, _| !is_kept(path));
    let mut client = connect(session)?;
    let mut remote = match read(session, &mut client, folder, &wishes.excluded)? {
        Some(remote) => remote,
        None => {
            let remote = Remote::at(&client, folder);
            if !wishes.dry_run {
                make_all(&mut client, &remote)?;
            }
            remote
        }
    };
    calibrate(session, &mut client, &mut remote)?;
    session.feedback.progress(5.0);
    let unread = [&remote.failed[..], &local.failed[..]].concat();
    let case_matters = case_matters(session, &mut client, &remote)?;
    let mut plan = plan(&local.tree, &remote.tree, rules(case_matters));
    confirm(session, &mut client, &remote, &local.tree, &mut plan, false)?;
    let mut outcome = begun(
        plan.same,
        &plan.blocked,
        &local.left,
        &unread,
        wishes.dry_run,
        session,
    );
    if wishes.dry_run {
        tell(&plan, &local.tree, &mut outcome, &session.feedback);
        return Ok(outcome);
    }
    sweep(&mut client, &remote)?;
    make(&mut client, &remote, &plan.folders)?;
    let job = |path: &String| job(&remote, &local, path, local.tree.files.get(path));
    let done = run(
        session,
        client,
        &plan,
        job,
        Way::Up { replace: true },
        wishes,
    )?;
    finish(&mut outcome, done);
    Ok(outcome)
}

/// The job of a file.
pub fn job(remote: &Remote, local: &Local, path: &str, file: Option<&super::plan::File>) -> Job {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let folder = match remote.path(parent).as_slice() {
        b"/" => Vec::new(),
        folder => folder.to_vec(),
    };
    let whole = remote.path(path);
    let name = whole.get(folder.len() + 1..).unwrap_or_default().to_vec();
    Job {
        path: path.to_owned(),
        remote_folder: folder,
        remote_name: name,
        local: local.path(path),
        size: file.map_or(0, |file| file.size),
        changed: file.and_then(|file| file.changed).map(|stamp| stamp.at),
        exact: file
            .and_then(|file| file.changed)
            .is_some_and(|stamp| stamp.span == 0),
    }
}

fn run(
    session: &Arc<Session>,
    client: Client,
    plan: &Plan,
    job: impl Fn(&String) -> Job,
    way: Way<'_>,
    wishes: &Wishes,
) -> Result<Done> {
    let count = plan.transfers.len();
    if count > 0 {
        session.feedback.info(tr!(
            "Transferring {files}.",
            files = tr!("{n} file" | "{n} files" % count as u64)
        ));
    }
    let mut client = Some(client);
    let mut all = Done::default();
    // What a project refers to is there before it.
    let first = plan
        .transfers
        .iter()
        .take_while(|(path, _)| !is_project(path))
        .count();
    for (part, progress) in [
        (&plan.transfers[..first], (5.0, 85.0)),
        (&plan.transfers[first..], (85.0, 90.0)),
    ] {
        let jobs: Vec<Job> = part.iter().map(|(path, _)| job(path)).collect();
        if !jobs.is_empty() {
            let done = transfer(
                session,
                &mut client,
                jobs,
                way,
                wishes.connections,
                progress,
            )?;
            all.files.extend(done.files);
            all.bytes += done.bytes;
            all.failed.extend(done.failed);
        }
    }
    if let Way::Up { .. } = way {
        for path in &plan.retired {
            retire_there(session, &mut client, &mut all, path, &job(path))?;
        }
    }
    if let Some(client) = client {
        client.leave();
    }
    Ok(all)
}

fn finish(outcome: &mut Outcome, done: Done) {
    outcome.files = done.files;
    outcome.bytes = done.bytes;
    outcome.failed.extend(done.failed);
}
