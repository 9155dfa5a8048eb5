//! What a mirror did, and how it says so.

use super::plan::{Plan, Tree, Why};
use super::session::{Account, Session};
use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::text::{Text, tr};

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
    pub failed: Vec<(String, Text)>,
    /// Whether it was only told.
    pub dry_run: bool,
}

/// Which way files went.
#[derive(Debug, Clone, Copy)]
pub enum Direction<'a> {
    /// From that server.
    Fetched(&'a Account),
    /// To that server.
    Sent(&'a Account),
    /// To the media folder of that server.
    SentMedia(&'a Account),
}

impl Outcome {
    /// What was done, as a sentence.
    ///
    /// # Errors
    /// [`Kind::Transfer`] where a file could not be transferred: that must not pass for a success.
    pub fn sentence(&self, direction: Direction) -> Result<Text> {
        let what = self.done(direction);
        if self.failed.is_empty() {
            return Ok(tr!(
                "{what}; {n} skipped." | "{what}; {n} skipped." % self.skipped,
                what
            ));
        }
        let named = self.failed.iter().take(3);
        let mut some: Vec<Text> = named
            .map(|(path, why)| tr!("{path}: {why}", path, why))
            .collect();
        if let more @ 1.. = self.failed.len().saturating_sub(3) {
            some.push(tr!("and {n} more" | "and {n} more" % more));
        }
        Err(Error::new(
            Kind::Transfer,
            tr!(
                "{n} file could not be transferred ({some}). {what}."
                    | "{n} files could not be transferred ({some}). {what}." % self.failed.len(),
                some = Text::clauses(some),
                what
            ),
        )
        .hint(tr!("Run it again: it goes on where it stopped.")))
    }

    /// Whole sentences, for the sake of other languages.
    fn done(&self, direction: Direction) -> Text {
        let (files, size) = (self.files.len(), size(self.bytes));
        match (direction, self.dry_run) {
            (Direction::Fetched(server), false) => tr!(
                "{n} file ({size}) was fetched from the FTP server {server}"
                    | "{n} files ({size}) were fetched from the FTP server {server}" % files,
                size,
                server
            ),
            (Direction::Fetched(server), true) => tr!(
                "{n} file ({size}) would be fetched from the FTP server {server}"
                    | "{n} files ({size}) would be fetched from the FTP server {server}" % files,
                size,
                server
            ),
            (Direction::Sent(server), false) => tr!(
                "{n} file ({size}) was sent to the FTP server {server}"
                    | "{n} files ({size}) were sent to the FTP server {server}" % files,
                size,
                server
            ),
            (Direction::Sent(server), true) => tr!(
                "{n} file ({size}) would be sent to the FTP server {server}"
                    | "{n} files ({size}) would be sent to the FTP server {server}" % files,
                size,
                server
            ),
            (Direction::SentMedia(server), false) => tr!(
                "{n} file ({size}) was sent to media/upload of the FTP server {server}"
                    | "{n} files ({size}) were sent to media/upload of the FTP server {server}"
                        % files,
                size,
                server
            ),
            (Direction::SentMedia(server), true) => tr!(
                "{n} file ({size}) would be sent to media/upload of the FTP server {server}"
                    | "{n} files ({size}) would be sent to media/upload of the FTP server {server}"
                        % files,
                size,
                server
            ),
        }
    }
}

/// Bytes, for people.
fn size(bytes: u64) -> Text {
    let part = |unit: f64| Text::decimal(bytes as f64 / unit);
    match bytes {
        0..1_000 => tr!("{n} byte" | "{n} bytes" % bytes),
        1_000..1_000_000 => tr!("{number} kB", number = part(1e3)),
        1_000_000..1_000_000_000 => tr!("{number} MB", number = part(1e6)),
        _ => tr!("{number} GB", number = part(1e9)),
    }
}

/// The outcome as far as a plan tells: how many files need nothing, what stands in the way, what is left out, and what
/// cannot be read.
pub fn begun(
    same: u64,
    blocked: &[(String, Text)],
    left: &[(String, Text)],
    unread: &[(String, Text)],
    dry_run: bool,
    session: &Session,
) -> Outcome {
    for (path, why) in left {
        session
            .feedback
            .warning(tr!("{path} is left out: {why}.", path = shown(path), why));
    }
    for (path, why) in blocked {
        session.feedback.warning(tr!(
            "{path} cannot be transferred: {why}.",
            path = shown(path),
            why
        ));
    }
    for (path, why) in unread {
        session
            .feedback
            .warning(tr!("{path} cannot be read: {why}", path = shown(path), why));
    }
    Outcome {
        skipped: same + left.len() as u64,
        failed: blocked.iter().chain(unread).cloned().collect(),
        dry_run,
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

/// Tells what would be done.
pub fn tell(plan: &Plan, source: &Tree, outcome: &mut Outcome, feedback: &Feedback) {
    for (path, why) in &plan.transfers {
        let bytes = source.files.get(path).map_or(0, |file| file.size);
        let why = match why {
            Why::Missing => tr!("missing"),
            Why::Size => tr!("another size"),
            Why::Newer => tr!("newer"),
            Why::Project => tr!("its project is transferred"),
        };
        feedback.info(tr!(
            "Would transfer {path} ({size}; {why}).",
            path,
            size = size(bytes),
            why
        ));
        outcome.files.push(path.clone());
        outcome.bytes += bytes;
    }
    for path in &plan.retired {
        feedback.info(tr!(
            "Would rename {path}: its project has no Lizmap configuration any more.",
            path
        ));
    }
}
