//! Lizmap configurations of projects that have none any more: they are kept under another name.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::client::Client;
use super::outcome::Outcome;
use super::plan::LIZMAP;
use super::server::connect;
use super::session::Session;
use super::single::Job;
use super::transfer::Done;
use crate::error::Result;
use crate::text::tr;

/// Whether the project of a configuration was transferred.
pub fn came(done: &Done, configuration: &str) -> bool {
    let project = configuration.strip_suffix(LIZMAP);
    project.is_some_and(|project| done.files.iter().any(|path| path == project))
}

/// Takes the configuration of a project away that has none any more; it is kept under another name.
pub fn retire_there(
    session: &Arc<Session>,
    client: &mut Option<Client>,
    done: &mut Done,
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
    if let Err(problem) = connected.rename(&place, &kept) {
        done.failed.push((path.to_owned(), problem.text()));
        return Ok(());
    }
    session.feedback.info(tr!(
        "{path}: its project has no Lizmap configuration any more; it was renamed to {path}.bak.",
        path
    ));
    Ok(())
}

/// The same in a folder of this machine.
pub fn retire_here(session: &Session, outcome: &mut Outcome, path: &str, place: &Path) {
    let kept = place.with_file_name(format!(
        "{}.bak",
        place.file_name().unwrap_or_default().to_string_lossy()
    ));
    if let Err(error) = fs::rename(place, &kept) {
        outcome.failed.push((
            path.to_owned(),
            tr!("it cannot be renamed ({error})", error),
        ));
        return;
    }
    session.feedback.info(tr!(
        "{path}: its project has no Lizmap configuration any more; it was renamed to {kept}.",
        path,
        kept = kept.display()
    ));
}
