//! What a connection takes from the machine: environment variables, home directory, user.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::secret::Secret;

/// The environment that the rules of libpq go by. [`of_process`](Self::of_process) reads the real
/// one; tests and embedders may bring their own.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    variables: BTreeMap<String, Secret>,
    home: Option<PathBuf>,
    user: Option<String>,
    system: Vec<PathBuf>,
    sockets: Vec<PathBuf>,
}

/// Where builds of libpq look for `pg_service.conf` when `PGSYSCONFDIR` does not say: Debian and
/// Ubuntu, PostgreSQL's own default, Fedora.
const SYSTEM: &[&str] = &[
    "/etc/postgresql-common",
    "/etc/postgresql",
    "/etc/sysconfig/pgsql",
];

/// Where servers put their socket: Debian and Fedora, PostgreSQL's own default.
const SOCKETS: &[&str] = &["/var/run/postgresql", "/tmp"];

impl Surroundings {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("PG"))
            .map(|(name, value)| (name, Secret::new(value)))
            .collect();
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect();
        Self {
            variables,
            home: home(),
            user: whoami::username().ok(),
            system: if cfg!(unix) {
                paths(SYSTEM)
            } else {
                Vec::new()
            },
            sockets: if cfg!(unix) {
                paths(SOCKETS)
            } else {
                Vec::new()
            },
        }
    }

    /// An environment with nothing in it but this home directory (on Windows, the roaming
    /// application data) and the name of the user.
    pub fn new(home: impl Into<PathBuf>, user: impl Into<String>) -> Self {
        Self {
            home: Some(home.into()),
            user: Some(user.into()),
            ..Self::default()
        }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), Secret::new(value));
        self
    }

    /// Adds a directory in which servers put their sockets.
    #[must_use]
    pub fn sockets(mut self, directory: impl Into<PathBuf>) -> Self {
        self.sockets.push(directory.into());
        self
    }

    /// The value of an environment variable, even an empty one.
    pub(super) fn get(&self, name: &str) -> Option<&Secret> {
        self.variables.get(name)
    }

    /// The name of the operating system's user.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The user's own `pg_service.conf`.
    pub(super) fn user_service_file(&self) -> Option<PathBuf> {
        self.personal(".pg_service.conf", "postgresql/.pg_service.conf")
    }

    /// The places of the machine's `pg_service.conf`.
    pub(super) fn system_service_files(&self) -> Vec<PathBuf> {
        let given = self
            .get("PGSYSCONFDIR")
            .map(|dir| vec![PathBuf::from(dir.reveal())]);
        let directories = given.unwrap_or_else(|| self.system.clone());
        directories
            .iter()
            .map(|directory| directory.join("pg_service.conf"))
            .collect()
    }

    /// The password file when no other is named.
    pub(super) fn password_file(&self) -> Option<PathBuf> {
        self.personal(".pgpass", "postgresql/pgpass.conf")
    }

    /// A certificate or key in its default place, such as `root.crt`.
    pub(super) fn certificate(&self, name: &str) -> Option<PathBuf> {
        self.personal(
            &format!(".postgresql/{name}"),
            &format!("postgresql/{name}"),
        )
    }

    /// Directories in which a server's socket may be.
    pub(super) fn socket_directories(&self) -> &[PathBuf] {
        &self.sockets
    }

    fn personal(&self, unix: &str, windows: &str) -> Option<PathBuf> {
        let name = if cfg!(windows) { windows } else { unix };
        self.home.as_ref().map(|home| home.join(Path::new(name)))
    }
}

fn home() -> Option<PathBuf> {
    let home = if cfg!(windows) {
        std::env::var_os("APPDATA").map(PathBuf::from)
    } else {
        std::env::home_dir()
    };
    home.filter(|path| !path.as_os_str().is_empty())
}
