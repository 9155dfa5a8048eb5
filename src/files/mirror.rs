//! Mirroring a folder of an FTP server here, or a folder of this machine there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::client::Client;
use super::listing::Stamp;
use super::local::{self, Local};
use super::names::{self, Excluded};
use super::plan::{Plan, Rules, Tree, Why, is_project, plan, reason};
use super::remote::Remote;
use super::session::{Problem, Session};
use super::transfer::{Done, Job, Way, transfer};
use crate::error::{Error, Kind, Result};
use crate::feedback::{Feedback, counted};

/// Seconds by which clocks and file systems (two, on a card) round.
const TOLERANCE: i64 = 2;

/// Half transferred files that are older than this are not gone on with: a day.
const STALE: i64 = 86_400;

const CONNECT_TRIES: usize = 3;

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

/// What a mirror did.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The files that were transferred, or would be.
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// Files that needed nothing, and what was left out.
    pub skipped: u64,
    /// Files that could not be transferred, and why.
    pub failed: Vec<(String, String)>,
    /// Whether it was only told.
    pub dry_run: bool,
}

impl Outcome {
    /// What was done, as a sentence.
    ///
    /// # Errors
    /// [`Kind::Transfer`] where a file could not be transferred: that must not pass for a success.
    pub fn sentence(&self, place: &str) -> Result<String> {
        let files = counted(self.files.len() as u64, "file");
        let done = match self.dry_run {
            true => "would be",
            false => match self.files.len() {
                1 => "was",
                _ => "were",
            },
        };
        let what = format!("{files} ({}) {done} {place}", size(self.bytes));
        if self.failed.is_empty() {
            return Ok(format!("{what}; {} skipped.", self.skipped));
        }
        let some: Vec<String> = self
            .failed
            .iter()
            .take(3)
            .map(|(path, why)| format!("{path}: {why}"))
            .collect();
        let more = match self.failed.len().saturating_sub(3) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Err(Error::new(
            Kind::Transfer,
            format!(
                "{} could not be transferred ({}{more}). {what}.",
                counted(self.failed.len() as u64, "file"),
                some.join("; ")
            ),
        )
        .hint("Run it again: it goes on where it stopped."))
    }
}

/// Bytes, for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Connects, with some tries.
pub fn connect(session: &Arc<Session>) -> Result<Client> {
    let account = &session.account;
    session
        .feedback
        .info(format!("Connecting to the FTP server {account}."));
    let mut tries = 1;
    loop {
        match Client::connect(session) {
            Ok(client) => return Ok(client),
            Err(Problem::Lost(_)) if tries < CONNECT_TRIES => tries += 1,
            Err(problem) => {
                return Err(match problem {
                    Problem::Final(error) => error,
                    problem => problem
                        .into_error(format!("The FTP server {account} cannot be used"))
                        .hint("Check host, port and FTP_TLS, and the network."),
                });
            }
        }
    }
}

/// Fetches what is new below a folder of the server. `original` gives what a file here was made from.
pub fn fetch(
    session: &Arc<Session>,
    folder: &str,
    here: &Path,
    original: &dyn Fn(&Path) -> Option<std::path::PathBuf>,
    wishes: &Wishes,
) -> Result<Outcome> {
    let mut client = connect(session)?;
    let remote = read(session, &mut client, folder, &wishes.excluded)?;
    let mut remote = remote.ok_or_else(|| missing(session, folder))?;
    calibrate(session, &mut client, &mut remote)?;
    session.feedback.progress(5.0);
    if !here.exists() && !wishes.dry_run {
        fs::create_dir_all(here).map_err(|error| {
            Error::file(format!(
                "The folder {} cannot be made: {error}.",
                here.display()
            ))
        })?;
    }
    let mut local = match here.exists() {
        true => Local::read(here, &wishes.excluded, &session.feedback)?,
        false => Local::default(),
    };
    local.root = here.to_owned();
    as_they_came(&mut local, &remote.tree, original);
    let mut plan = plan(&remote.tree, &local.tree, RULES);
    confirm(session, &mut client, &remote, &local.tree, &mut plan, true)?;
    let mut outcome = begun(&plan, &remote.left, wishes, session);
    if wishes.dry_run {
        tell(&plan, &remote.tree, &mut outcome, &session.feedback);
        return Ok(outcome);
    }
    for folder in &plan.folders {
        let place = local.path(folder);
        fs::create_dir_all(&place).map_err(|error| {
            Error::file(format!(
                "The folder {} cannot be made: {error}.",
                place.display()
            ))
        })?;
    }
    let job = |path: &String| job(&remote, &local, path, remote.tree.files.get(path));
    let done = run(session, client, &plan, job, Way::Down, wishes)?;
    for path in plan.retired.iter().filter(|path| came(&done, path)) {
        let place = local.path(path);
        let kept = place.with_file_name(format!(
            "{}.bak",
            place.file_name().unwrap_or_default().to_string_lossy()
        ));
        fs::rename(&place, &kept).map_err(|error| {
            Error::file(format!("{} cannot be renamed: {error}.", place.display()))
        })?;
        session.feedback.info(format!(
            "{path}: its project has no Lizmap configuration any more; it was renamed to {}.",
            kept.display()
        ));
    }
    let now = chrono::Utc::now().timestamp();
    for (path, changed) in &local.parts {
        if changed.is_some_and(|changed| now - changed.at > STALE) {
            // Another run may have been faster.
            let _ = fs::remove_file(local.path(path));
        }
    }
    finish(&mut outcome, done);
    Ok(outcome)
}

/// A project that was adapted is compared as it came.
fn as_they_came(
    local: &mut Local,
    remote: &Tree,
    original: &dyn Fn(&Path) -> Option<std::path::PathBuf>,
) {
    let projects: Vec<String> = local
        .tree
        .files
        .iter()
        .filter(|(path, here)| {
            let there = remote.files.get(*path);
            is_project(path)
                && there.is_some_and(|there| reason(there, Some(here), RULES).is_some())
        })
        .map(|(path, _)| path.clone())
        .collect();
    for path in projects {
        let about = original(&local.path(&path)).and_then(|came| fs::metadata(came).ok());
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
    let mut local = Local::read(here, &wishes.excluded, &session.feedback)?;
    // They hold passwords of the central.
    let is_backup = |path: &str| path.strip_suffix(".bak").is_some_and(is_project);
    local.tree.files.retain(|path, _| !is_backup(path));
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
    let mut plan = plan(&local.tree, &remote.tree, RULES);
    confirm(session, &mut client, &remote, &local.tree, &mut plan, false)?;
    let mut outcome = begun(&plan, &local.left, wishes, session);
    if wishes.dry_run {
        tell(&plan, &local.tree, &mut outcome, &session.feedback);
        return Ok(outcome);
    }
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

/// The rules of this machine.
const RULES: Rules = Rules {
    tolerance: TOLERANCE,
    case_matters: !cfg!(any(windows, target_os = "macos")),
};

/// Reads what is below a folder of the server.
pub fn read(
    session: &Session,
    client: &mut Client,
    folder: &str,
    excluded: &Excluded,
) -> Result<Option<Remote>> {
    let remote = Remote::at(client, folder);
    let name = remote.name();
    remote.read(client, excluded, session).map_err(|problem| {
        problem.into_error(format!(
            "Listing {name} of the FTP server {}",
            session.account
        ))
    })
}

/// A folder that is not on the server.
pub fn missing(session: &Session, folder: &str) -> Error {
    let text = format!(
        "There is no folder {folder} on the FTP server {}, or {} may not see it.",
        session.account, session.account.login
    );
    Error::new(Kind::Transfer, text).hint(
        "Check the remote directory; it begins where the login does, or with a slash at the root.",
    )
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
            let made = client.make(part);
            made.map_err(|problem| {
                problem.into_error(format!(
                    "The folder {} cannot be made on the FTP server",
                    names::text(part)
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
                problem.into_error(format!(
                    "The folder {folder} cannot be made on the FTP server"
                ))
            })?,
        }
    }
    Ok(())
}

/// LIST gives times of an unknown zone: asks for one of them, and shifts all.
fn calibrate(session: &Session, client: &mut Client, remote: &mut Remote) -> Result<()> {
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
    let known = client
        .changed(&remote.path(&path))
        .map_err(|problem| problem.into_error(format!("Asking {} for a time", session.account)))?;
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
fn confirm(
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
            problem.into_error(format!("Asking {} for a time", session.account))
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

/// The outcome as far as the plan tells.
fn begun(
    plan: &Plan,
    left: &[(String, &'static str)],
    wishes: &Wishes,
    session: &Session,
) -> Outcome {
    for (path, why) in left {
        session
            .feedback
            .warning(format!("{} is left out: {why}.", shown(path)));
    }
    for (path, why) in &plan.blocked {
        session
            .feedback
            .warning(format!("{} cannot be transferred: {why}.", shown(path)));
    }
    let blocked = plan
        .blocked
        .iter()
        .map(|(path, why)| (path.clone(), (*why).to_owned()));
    Outcome {
        skipped: plan.same + left.len() as u64,
        failed: blocked.collect(),
        dry_run: wishes.dry_run,
        ..Outcome::default()
    }
}

/// A name that a server may have chosen.
pub fn shown(path: &str) -> String {
    path.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(200)
        .collect()
}

fn tell(plan: &Plan, source: &Tree, outcome: &mut Outcome, feedback: &Feedback) {
    for (path, why) in &plan.transfers {
        let bytes = source.files.get(path).map_or(0, |file| file.size);
        let why = match why {
            Why::Missing => "missing",
            Why::Size => "another size",
            Why::Newer => "newer",
            Why::Project => "its project is transferred",
        };
        feedback.info(format!("Would transfer {path} ({}; {why}).", size(bytes)));
        outcome.files.push(path.clone());
        outcome.bytes += bytes;
    }
    for path in &plan.retired {
        feedback.info(format!(
            "Would rename {path}: its project has no Lizmap configuration any more."
        ));
    }
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
    }
}

fn run(
    session: &Arc<Session>,
    client: Client,
    plan: &Plan,
    job: impl Fn(&String) -> Job,
    way: Way,
    wishes: &Wishes,
) -> Result<Done> {
    let count = plan.transfers.len();
    if count > 0 {
        session
            .feedback
            .info(format!("Transferring {}.", counted(count as u64, "file")));
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
    if way != Way::Down {
        for path in &plan.retired {
            retire(session, &mut client, &all, path, &job(path))?;
        }
    }
    if let Some(client) = client {
        client.leave();
    }
    Ok(all)
}

/// Whether the project of a configuration was transferred.
fn came(done: &Done, configuration: &str) -> bool {
    let project = configuration.strip_suffix(super::plan::LIZMAP);
    project.is_some_and(|project| done.files.iter().any(|path| path == project))
}

/// Takes the configuration of a project away that has none any more; it is kept under another name.
fn retire(
    session: &Arc<Session>,
    client: &mut Option<Client>,
    done: &Done,
    path: &str,
    job: &Job,
) -> Result<()> {
    if !came(done, path) {
        return Ok(());
    }
    let connected = match client {
        Some(client) => client,
        None => client.insert(connect(session)?),
    };
    let place = [&job.remote_folder[..], b"/", &job.remote_name].concat();
    let kept = [&place[..], b".bak"].concat();
    connected
        .rename(&place, &kept)
        .map_err(|problem| problem.into_error(format!("Renaming {path}")))?;
    session.feedback.info(format!(
        "{path}: its project has no Lizmap configuration any more; it was renamed to {path}.bak."
    ));
    Ok(())
}

fn finish(outcome: &mut Outcome, done: Done) {
    outcome.files = done.files;
    outcome.bytes = done.bytes;
    outcome.failed.extend(done.failed);
}
