//! A connection with nothing left to look up.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ::postgres::config::ChannelBinding;

use crate::secret::Secret;
use crate::text::{Argument, Text, tr};

/// Everything that is needed to connect.
#[derive(Debug, Clone)]
pub struct Target {
    /// The servers, in the order in which they are tried.
    pub hosts: Vec<Host>,
    pub database: String,
    pub user: String,
    /// How long one address of one host may take; `None` waits as long as the system does.
    pub timeout: Option<Duration>,
    pub application_name: String,
    /// Settings for the session, as options of the server's command line.
    pub options: Option<Secret>,
    pub session: Session,
    /// Whether the hosts are tried in a random order.
    pub shuffle: bool,
    pub keepalive: Keepalive,
    pub channel_binding: ChannelBinding,
    pub tls: TlsWishes,
    /// Where a password would have been looked for, for hints.
    pub password_file: Option<PathBuf>,
}

/// One server, with the password for it.
#[derive(Debug, Clone)]
pub struct Host {
    pub place: Place,
    pub port: u16,
    pub password: Option<Secret>,
    /// Where the password stood, for hints.
    pub password_from: Option<Text>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The directory of a Unix socket.
    Socket(PathBuf),
    /// A name or address, and the address to use when it is not to be looked up.
    Tcp {
        name: String,
        address: Option<IpAddr>,
    },
}

impl Argument for Host {
    fn text(&self) -> Text {
        let port = self.port;
        match &self.place {
            Place::Socket(path) => {
                tr!(
                    "the local socket {path}:{port}",
                    path = path.display(),
                    port
                )
            }
            Place::Tcp { name, .. } if name.contains(':') => {
                Text::verbatim(format!("[{name}]:{port}"))
            }
            Place::Tcp { name, .. } => Text::verbatim(format!("{name}:{port}")),
        }
    }
}

/// What the server must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// When a silent network counts as broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepalive {
    pub enabled: bool,
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
    pub user_timeout: Option<Duration>,
}

/// How much TLS is asked for, in libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    /// The modes with their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    /// The name of this mode.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, mode)| *mode == self)
            .map_or("prefer", |(name, _)| name)
    }
}

/// What was said about TLS.
#[derive(Debug, Clone)]
pub struct TlsWishes {
    pub mode: SslMode,
    pub roots: Certificates,
    pub certificate: Option<Certificates>,
    pub key: Option<Certificates>,
    pub revoked: Certificates,
    /// Whether a client certificate must be there.
    pub certificate_required: bool,
    pub server_name_indication: bool,
    /// TLS from the first byte on, without asking the server.
    pub direct: bool,
    pub tls12: bool,
    pub tls13: bool,
}

/// Where certificates or keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificates {
    /// Those that the operating system trusts.
    System,
    /// A file that the user named.
    Named(PathBuf),
    /// A file in its default place, which need not be there.
    Default(PathBuf),
    /// No file, as there is no home directory.
    Nowhere,
}

impl Certificates {
    /// The file, if there is one.
    pub fn existing(&self) -> Option<&PathBuf> {
        match self {
            Self::Named(path) | Self::Default(path) => Some(path).filter(|path| path.exists()),
            Self::System | Self::Nowhere => None,
        }
    }
}
