//! What a mirror did, and how it says so.

use super::plan::{Plan, Tree, Why};
use super::session::Session;
use crate::error::{Error, Kind, Result};
use crate::feedback::{Feedback, counted};

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
        0..1_000 => counted(bytes, "byte"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// The outcome as far as a plan tells: how many files need nothing, what stands in the way, what is left out, and what
/// cannot be read.
pub fn begun(
    same: u64,
    blocked: &[(String, &'static str)],
    left: &[(String, &'static str)],
    unread: &[(String, String)],
    dry_run: bool,
    session: &Session,
) -> Outcome {
    for (path, why) in left {
        session
            .feedback
            .warning(format!("{} is left out: {why}.", shown(path)));
    }
    for (path, why) in blocked {
        session
            .feedback
            .warning(format!("{} cannot be transferred: {why}.", shown(path)));
    }
    for (path, why) in unread {
        session
            .feedback
            .warning(format!("{} cannot be read: {why}", shown(path)));
    }
    let blocked = blocked
        .iter()
        .map(|(path, why)| (path.clone(), (*why).to_owned()));
    Outcome {
        skipped: same + left.len() as u64,
        failed: blocked.chain(unread.iter().cloned()).collect(),
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
