//! A connection to an FTP server: listing, transferring, renaming. Paths are bytes, from the root.

mod data;
mod list;

use std::sync::Arc;
use std::time::Duration;

use ftp::{FtpError, RustlsFtpStream, Status};

use super::connect::{Logged, Sockets, log_in, wire};
use super::listing::{self, Stamp};
use super::problems::problem;
use super::session::{Problem, Session};
use crate::feedback::{CancelGuard, Feedback};
use crate::postgres::beside;
use crate::text::tr;

/// A connection to an FTP server.
pub struct Client {
    session: Arc<Session>,
    stream: RustlsFtpStream,
    sockets: Sockets,
    /// The folder where the login begins.
    pub home: Vec<u8>,
    can: Can,
    /// Whether it was made with TLS 1.2.
    older: bool,
    _guard: CancelGuard,
}

/// What the server can.
#[derive(Debug, Clone, Copy)]
struct Can {
    mlsd: bool,
    size: bool,
    mdtm: bool,
    mfmt: bool,
    rest: bool,
    hash: Hashing,
}

/// How a server tells the SHA-256 of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hashing {
    No,
    /// The command HASH, after OPTS has chosen SHA-256.
    Hash,
    XSha256,
}

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// A [`Problem`]; a cancel ends it at once.
    pub fn connect(session: &Arc<Session>) -> Result<Self, Problem> {
        let sockets = Sockets::default();
        let older = session.is_older();
        let guard = session.feedback.on_cancel({
            let sockets = sockets.clone();
            move || sockets.shut()
        });
        let job = {
            let (session, sockets) = (session.clone(), sockets.clone());
            move || log_in(&session, &sockets)
        };
        // Each step has its limit; that of looking up a name and of some connections is the system's.
        let limit = session.account.timeout * 6 + Duration::from_secs(5);
        let logged = beside(&session.feedback, Some(limit), job)?;
        let Logged {
            stream,
            features,
            home,
        } = logged.unwrap_or_else(|| {
            let account = &session.account;
            Err(Problem::Lost(tr!(
                "connecting to {account} took too long",
                account
            )))
        })?;
        let known = !features.is_empty();
        let has = |name: &str| features.contains_key(name);
        let told = |name: &str, word: &str| {
            let text = features.get(name).and_then(Option::as_deref);
            text.is_some_and(|text| text.to_ascii_uppercase().contains(word))
        };
        let hash = match (told("HASH", "SHA-256"), has("XSHA256")) {
            (true, _) => Hashing::Hash,
            (_, true) => Hashing::XSha256,
            _ => Hashing::No,
        };
        let can = Can {
            mlsd: has("MLST") || has("MLSD"),
            // A server that does not say what it can may know these all the same.
            size: has("SIZE") || !known,
            mdtm: has("MDTM") || !known,
            mfmt: has("MFMT"),
            rest: told("REST", "STREAM"),
            hash,
        };
        Ok(Self {
            session: session.clone(),
            stream,
            sockets,
            home,
            can,
            older,
            _guard: guard,
        })
    }

    fn wrong(&self, error: FtpError) -> Problem {
        match self.session.feedback.check() {
            Err(canceled) => canceled.into(),
            Ok(()) => problem(&self.session, error),
        }
    }

    /// Makes a folder the current one.
    pub fn enter(&mut self, folder: &[u8]) -> Result<(), Problem> {
        self.stream
            .cwd(wire(folder))
            .map_err(|error| self.wrong(error))
    }

    /// The size of a file, where it is there and the server tells.
    pub fn size(&mut self, path: &[u8]) -> Result<Option<u64>, Problem> {
        if !self.can.size {
            return Ok(None);
        }
        let reply = self.answer(&format!("SIZE {}", wire(path)), &[Status::File])?;
        Ok(reply.and_then(|text| last_word(&text)?.parse().ok()))
    }

    /// Whether a file is there. A server may not tell sizes, or not to this login: whether it could be renamed tells, too.
    pub fn exists(&mut self, path: &[u8]) -> Result<bool, Problem> {
        if self.size(path)?.is_some() {
            return Ok(true);
        }
        let command = format!("RNFR {}", wire(path));
        let reply = self.answer(&command, &[Status::RequestFilePending])?;
        Ok(reply.is_some())
    }

    /// Who listens.
    pub fn feedback(&self) -> &Feedback {
        &self.session.feedback
    }

    /// What all connections share.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// When a file was changed, where the server tells.
    pub fn changed(&mut self, path: &[u8]) -> Result<Option<Stamp>, Problem> {
        if !self.can.mdtm {
            return Ok(None);
        }
        let reply = self.answer(&format!("MDTM {}", wire(path)), &[Status::File])?;
        Ok(reply.and_then(|text| listing::time(last_word(&text)?)))
    }

    /// Sets when a file was changed, where the server can.
    pub fn set_changed(&mut self, path: &[u8], at: i64) -> Result<(), Problem> {
        let Some(time) = listing::printed(at) else {
            return Ok(());
        };
        // Older servers take the time with the command that asks for it; for the others it is the name of no file.
        let command = match (self.can.mfmt, self.can.mdtm) {
            (true, _) => "MFMT",
            (false, true) => "MDTM",
            (false, false) => return Ok(()),
        };
        let command = format!("{command} {time} {}", wire(path));
        self.answer(&command, &[Status::File, Status::RequestedFileActionOk])?;
        Ok(())
    }

    /// The SHA-256 of a file in hexadecimal digits, where the server tells.
    pub fn hash(&mut self, path: &[u8]) -> Result<Option<String>, Problem> {
        let command = match self.can.hash {
            Hashing::No => return Ok(None),
            Hashing::Hash => {
                self.answer("OPTS HASH SHA-256", &[Status::CommandOk])?;
                "HASH"
            }
            Hashing::XSha256 => "XSHA256",
        };
        let expected = [Status::File, Status::RequestedFileActionOk];
        let reply = self.answer(&format!("{command} {}", wire(path)), &expected)?;
        let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        Ok(reply.and_then(|text| {
            let mut words = text.split_ascii_whitespace();
            words
                .find(|word| is_hash(word))
                .map(str::to_ascii_lowercase)
        }))
    }

    /// The reply to a command; `None` where the server refuses.
    fn answer(&mut self, command: &str, expected: &[Status]) -> Result<Option<String>, Problem> {
        match self.stream.custom_command(command, expected) {
            Ok(reply) => Ok(Some(super::names::text(&reply.body))),
            Err(error) => match self.wrong(error) {
                Problem::Refused(..) => Ok(None),
                other => Err(other),
            },
        }
    }

    /// Makes a folder.
    pub fn make(&mut self, folder: &[u8]) -> Result<(), Problem> {
        self.stream
            .mkdir(wire(folder))
            .map_err(|error| self.wrong(error))
    }

    /// Gives a file another name; one of that name is replaced.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), Problem> {
        self.stream
            .rename(wire(from), wire(to))
            .map_err(|error| self.wrong(error))
    }

    /// Removes an empty folder.
    pub fn remove(&mut self, folder: &[u8]) -> Result<(), Problem> {
        match self
            .stream
            .rmdir(wire(folder))
            .map_err(|error| self.wrong(error))
        {
            // Another one was faster.
            Err(Problem::Refused(550, _)) => Ok(()),
            other => other,
        }
    }

    /// Deletes a file.
    pub fn delete(&mut self, path: &[u8]) -> Result<(), Problem> {
        self.stream
            .rm(wire(path))
            .map_err(|error| self.wrong(error))
    }

    /// Says good-bye; a server that does not answer is left all the same.
    pub fn leave(mut self) {
        if self.stream.quit().is_err() {
            self.sockets.shut();
        }
    }
}

/// The last word of a reply, behind its code.
fn last_word(reply: &str) -> Option<&str> {
    reply.get(4..)?.trim().rsplit(' ').next()
}
