//! What all connections to one FTP server share.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::Resumption;

use super::names;
use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::postgres::tls;
use crate::secret::{Secret, without};
use crate::text::{Argument, Text, tr};

/// An FTP server, and who logs in.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who logs in.
    pub login: String,
    /// The password.
    pub password: Secret,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// Certificates to trust instead of those of the operating system.
    pub roots: Option<PathBuf>,
    /// Whether the server must show a certificate for its name that is trusted.
    pub check_certificate: bool,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// If the server can.
    Prefer,
    /// Always, asked for by AUTH TLS.
    Require,
    /// From the first byte on.
    Implicit,
    /// Never.
    Disable,
}

impl Tls {
    /// From the value of FTP_TLS.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "implicit" => Ok(Self::Implicit),
            "disable" => Ok(Self::Disable),
            _ => Err(Error::parameter(tr!(
                "Parameter FTP_TLS must be prefer, require, implicit or disable."
            ))),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Argument for Account {
    fn text(&self) -> Text {
        Text::verbatim(self.to_string())
    }
}

/// Why something with a server did not go.
#[derive(Debug)]
pub enum Problem {
    /// The connection broke, or the server took too long: worth another try.
    Lost(Text),
    /// The server refused: its code and what it said.
    Refused(u32, Text),
    /// Nothing to try again.
    Final(Error),
}

impl Problem {
    /// Whether another try may go.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            Self::Refused(code, _) => (400..500).contains(code),
            Self::Final(_) => false,
        }
    }

    /// What happened, as the end of a sentence.
    pub fn text(&self) -> Text {
        match self {
            Self::Lost(text) => text.clone(),
            Self::Refused(code, text) => tr!("the server refused ({code} {text})", code, text),
            Self::Final(error) => error.whole(),
        }
    }

    /// An error that says what was being done.
    pub fn into_error(self, doing: Text) -> Error {
        match self {
            Self::Final(error) => error,
            problem => Error::new(
                Kind::Transfer,
                tr!("{doing}: {text}.", doing, text = problem.text()),
            ),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What all connections to one FTP server share.
pub struct Session {
    /// The server.
    pub account: Account,
    /// Who listens.
    pub feedback: Feedback,
    /// Whether the server was found not to encrypt, where that is no must.
    plain: AtomicBool,
    /// Whether it was found to encrypt.
    secure: AtomicBool,
    /// Whether the server was found to want the resumption of sessions as TLS 1.2 has it.
    older: AtomicBool,
    /// Whether the server was found to refuse names that begin with a dot.
    undotted: AtomicBool,
    /// What connections begin with.
    tls: Mutex<Option<Arc<ClientConfig>>>,
}

impl Session {
    /// With a server.
    pub fn new(account: Account, feedback: &Feedback) -> Arc<Self> {
        Arc::new(Self {
            account,
            feedback: feedback.clone(),
            plain: AtomicBool::new(false),
            secure: AtomicBool::new(false),
            older: AtomicBool::new(false),
            undotted: AtomicBool::new(false),
            tls: Mutex::new(None),
        })
    }

    /// Whether connections are encrypted.
    pub fn is_secure(&self) -> bool {
        self.account.tls != Tls::Disable && !self.plain.load(Ordering::SeqCst)
    }

    /// Keeps that the server can encrypt.
    pub fn has_encrypted(&self) {
        self.secure.store(true, Ordering::SeqCst);
    }

    /// Whether it has encrypted before: if it then says that it cannot, somebody else says so.
    pub fn can_encrypt(&self) -> bool {
        self.secure.load(Ordering::SeqCst)
    }

    /// Goes on without TLS, as the server has none.
    pub fn go_plain(&self) {
        if !self.plain.swap(true, Ordering::SeqCst) {
            self.feedback.warning(tr!(
                "The FTP server {account} does not encrypt: login, password and files can be read on their way. FTP_TLS=require refuses that, FTP_TLS=disable accepts it.",
                account = self.account
            ));
        }
    }

    /// Whether TLS is that of version 1.2.
    pub fn is_older(&self) -> bool {
        self.older.load(Ordering::SeqCst)
    }

    /// Goes on with TLS 1.2.
    pub fn go_older(&self) {
        if !self.older.swap(true, Ordering::SeqCst) {
            *self.tls.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// The name of a half sent file, as the server takes it.
    pub fn part<'n>(&self, name: &'n str) -> &'n str {
        match self.undotted.load(Ordering::SeqCst) {
            true => names::without_dot(name),
            false => name,
        }
    }

    /// Goes on without names that begin with a dot. False where this one did not.
    pub fn go_undotted(&self, name: &str) -> bool {
        self.undotted.store(true, Ordering::SeqCst);
        name.starts_with('.')
    }

    /// What TLS of a connection is set up with, and of its data connections: some servers want these to resume its
    /// session, and know no session of another connection.
    pub fn config(&self) -> Result<Arc<ClientConfig>> {
        let mut config = (*self.common()?).clone();
        config.resumption = Resumption::in_memory_sessions(32);
        Ok(Arc::new(config))
    }

    fn common(&self) -> Result<Arc<ClientConfig>> {
        let mut tls = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = &*tls {
            return Ok(config.clone());
        }
        let newest = !self.older.load(Ordering::SeqCst);
        let account = &self.account;
        let config = tls::plain(account.roots.as_deref(), account.check_certificate, newest)
            .map_err(|error| error.during(tr!("The FTP server {account}", account)))?;
        *tls = Some(config.clone());
        Ok(config)
    }

    /// What a server said, as a message may show it.
    pub fn clean(&self, text: &str) -> String {
        // Before it is cut: of a password that is cut, a part would stay.
        let text = without(text, &self.account.password);
        let text: String = text
            .trim()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(300)
            .collect();
        text.trim().to_owned()
    }
}
