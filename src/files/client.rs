//! A connection to an FTP server: listing, transferring, renaming. Paths are bytes, from the root.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use ftp::{FtpError, RustlsConnector, RustlsFtpStream, Status, TlsConnector, TransferStream};

use super::connect::{Logged, Sockets, log_in, problem, wire};
use super::listing::{self, Found, Stamp};
use super::session::{Problem, Session};
use crate::error::{Error, Kind};
use crate::feedback::{CancelGuard, Feedback};
use crate::postgres::beside;
use crate::text::tr;

/// No folder has a longer listing than this; a server may never end one.
const LONGEST_LISTING: u64 = 64 << 20;
const LONGEST_LINE: u64 = 16 << 10;

const PIECE: usize = 64 << 10;

type Encrypted = <RustlsConnector as TlsConnector>::Stream;

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

    /// What is in a folder.
    pub fn list(&mut self, folder: &[u8]) -> Result<Vec<Found>, Problem> {
        if self.can.mlsd {
            let command = format!("MLSD {}", wire(folder));
            match self.lines(&command, listing::mlsd) {
                Err(Problem::Refused(500 | 502 | 504, _)) => self.can.mlsd = false,
                other => return other,
            }
        }
        // As an argument, a name with a star or a dash in front would be a pattern or an option.
        self.enter(folder)?;
        let now = chrono::Utc::now().timestamp();
        let parse = |line: &[u8]| listing::list(line, now);
        // -a shows what begins with a dot; not every server knows it, and some take it for a name.
        match self.lines("LIST -a", parse) {
            Ok(found) if !found.is_empty() => return Ok(found),
            Ok(_) | Err(Problem::Refused(..)) => (),
            Err(problem) => return Err(problem),
        }
        match self.lines("LIST", parse) {
            // So some servers call an empty folder.
            Err(Problem::Refused(450 | 550, _)) => Ok(Vec::new()),
            other => other,
        }
    }

    /// Makes a folder the current one.
    pub fn enter(&mut self, folder: &[u8]) -> Result<(), Problem> {
        self.stream
            .cwd(wire(folder))
            .map_err(|error| self.wrong(error))
    }

    fn lines(
        &mut self,
        command: &str,
        parse: impl Fn(&[u8]) -> Option<Found>,
    ) -> Result<Vec<Found>, Problem> {
        let stream = self.open(command)?;
        let mut reader = BufReader::new(stream.take(LONGEST_LISTING));
        let mut found = Vec::new();
        let mut line = Vec::new();
        let (mut cut, mut odd) = (false, None);
        loop {
            line.clear();
            match (&mut reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
            {
                Ok(0) => break,
                Ok(_) if line.len() as u64 == LONGEST_LINE => return Err(self.endless(reader)),
                Ok(_) => {
                    // The name may go on.
                    cut = !line.ends_with(b"\n");
                    let text = without_end(&line);
                    match parse(text) {
                        Some(entry) => found.push(entry),
                        None if listing::is_no_entry(text) => (),
                        None => odd = Some(super::names::text(text)),
                    }
                }
                // Some servers end TLS without saying so; the reply tells whether the listing is whole.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => {
                    self.sockets.shut();
                    drop(reader);
                    return Err(self.wrong(FtpError::ConnectionError(error)));
                }
            }
        }
        let rest = reader.into_inner();
        if rest.limit() == 0 {
            return Err(self.endless(rest));
        }
        self.sockets.release();
        rest.into_inner()
            .finish()
            .map_err(|error| self.wrong(error))?;
        if cut {
            return Err(Problem::Lost(tr!("the listing of a folder was cut")));
        }
        if let Some(line) = odd {
            let text = tr!(
                "The FTP server {account} lists something that is not understood: “{line}”.",
                account = self.session.account,
                line = self.session.clean(&line)
            );
            // Of a folder that is not understood at all, nothing would be known to be missing.
            if found.is_empty() {
                let hint = tr!("Nothing was transferred. Please report the line.");
                return Err(Error::new(Kind::Transfer, text).hint(hint).into());
            }
            self.session.feedback.warning(text);
        }
        Ok(found)
    }

    fn endless<T>(&self, stream: T) -> Problem {
        self.sockets.shut();
        drop(stream);
        let text = tr!(
            "The FTP server {account} does not end the listing of a folder.",
            account = self.session.account
        );
        Error::new(Kind::Transfer, text)
            .hint(tr!(
                "Its administrator should look at it; nothing more was transferred."
            ))
            .into()
    }

    /// Opens the data connection of a command.
    fn open(&mut self, command: &str) -> Result<TransferStream<Encrypted>, Problem> {
        let expected = [Status::AboutToSend, Status::AlreadyOpen];
        let opened = self.stream.custom_data_command(command, &expected);
        let (_, stream) = opened.map_err(|error| self.unopened(error))?;
        Ok(stream)
    }

    /// A data connection that did not come about.
    fn unopened(&self, error: FtpError) -> Problem {
        let problem = self.wrong(error);
        let about_tls = match &problem {
            Problem::Refused(425 | 426 | 522 | 535, _) => true,
            Problem::Lost(_) => true,
            Problem::Refused(..) | Problem::Final(_) => false,
        };
        // Servers that want a session to be resumed do not take each of TLS 1.3 for one.
        if about_tls && self.session.is_secure() && !self.older {
            self.session.go_older();
            return Problem::Lost(problem.text());
        }
        problem
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
        if let (true, Some(time)) = (self.can.mfmt, listing::printed(at)) {
            let command = format!("MFMT {time} {}", wire(path));
            self.answer(&command, &[Status::File, Status::RequestedFileActionOk])?;
        }
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

    /// Whether a transfer can begin at this byte of a file.
    pub fn can_resume(&self, from: u64) -> bool {
        self.can.rest && usize::try_from(from).is_ok()
    }

    /// Writes a file from byte `from` on to `sink`, `wanted` bytes; `moved` is told how many came.
    pub fn download(
        &mut self,
        path: &[u8],
        from: u64,
        wanted: u64,
        sink: &mut dyn Write,
        moved: &dyn Fn(u64),
    ) -> Result<(), Problem> {
        self.begin_at(from)?;
        let mut stream = self.open(&format!("RETR {}", wire(path)))?;
        let mut piece = vec![0; PIECE];
        let mut got = 0;
        let problem = loop {
            match stream.read(&mut piece) {
                Ok(0) => break None,
                Ok(count) => {
                    got += count as u64;
                    if got > wanted {
                        break Some(Problem::Lost(tr!("the file grew while it was read")));
                    }
                    if let Err(error) = sink.write_all(&piece[..count]) {
                        break Some(unwritable(&error));
                    }
                    moved(count as u64);
                }
                // See `lines`.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break None,
                Err(error) => break Some(self.wrong(FtpError::ConnectionError(error))),
            }
        };
        if let Some(problem) = problem {
            // Without this the library would wait for the end of the transfer.
            self.sockets.shut();
            return Err(problem);
        }
        self.sockets.release();
        stream.finish().map_err(|error| self.wrong(error))?;
        match got == wanted {
            true => Ok(()),
            false => Err(Problem::Lost(tr!(
                "{got} bytes came instead of {wanted}",
                got,
                wanted
            ))),
        }
    }

    /// Writes `source` to a file, from its byte `from` on.
    pub fn upload(
        &mut self,
        path: &[u8],
        from: u64,
        source: &mut dyn Read,
        moved: &dyn Fn(u64),
    ) -> Result<(), Problem> {
        self.begin_at(from)?;
        let mut stream = self.open(&format!("STOR {}", wire(path)))?;
        let mut piece = vec![0; PIECE];
        let problem = loop {
            match source.read(&mut piece) {
                Ok(0) => match stream.flush() {
                    Ok(()) => break None,
                    Err(error) => break Some(self.wrong(FtpError::ConnectionError(error))),
                },
                Ok(count) => {
                    if let Err(error) = stream.write_all(&piece[..count]) {
                        break Some(self.wrong(FtpError::ConnectionError(error)));
                    }
                    moved(count as u64);
                }
                Err(error) => {
                    let text = tr!("The file cannot be read: {error}.", error);
                    break Some(Error::file(text).into());
                }
            }
        };
        if let Some(problem) = problem {
            self.sockets.shut();
            return Err(problem);
        }
        self.sockets.release();
        stream.finish().map_err(|error| self.wrong(error))
    }

    fn begin_at(&mut self, from: u64) -> Result<(), Problem> {
        // Where that is too large a number for the machine, nothing is resumed: see `can_resume`.
        let from = usize::try_from(from).unwrap_or_default();
        self.stream
            .resume_transfer(from)
            .map_err(|error| self.wrong(error))
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

/// A line without what ends it.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The last word of a reply, behind its code.
fn last_word(reply: &str) -> Option<&str> {
    reply.get(4..)?.trim().rsplit(' ').next()
}

fn unwritable(error: &io::Error) -> Problem {
    super::single::unwritten(tr!("The file cannot be written"), error).into()
}
