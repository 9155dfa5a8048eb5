//! A PostgreSQL server of a test's own, which it may crash, starve or set to another time.
#![allow(dead_code, missing_docs)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The socket's name needs a port; the directory makes it unique.
const PORT: u16 = 5432;
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
shared_buffers = 32MB
log_min_messages = warning
";

/// A running server; it is stopped and removed at the end.
pub struct Server {
    directory: tempfile::TempDir,
    bin: PathBuf,
    /// Whom the server runs as, where this process is root.
    user: Option<(u32, u32)>,
    environment: Vec<(String, String)>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(Vec::new())
    }

    /// A server whose processes have these environment variables.
    pub fn with(environment: Vec<(String, String)>) -> Self {
        // Inside the directory of the test server: if these tests are killed, it is removed with that,
        // and a server that misses its directory ends itself.
        let directory = tempfile::tempdir_in(super::variable("LIZSYNC_TEST_SOCKET")).unwrap();
        let user = ordinary_user();
        if let Some((uid, gid)) = user {
            chown(directory.path(), Some(uid), Some(gid)).unwrap();
        }
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let server = Self {
            bin: PathBuf::from(super::variable("LIZSYNC_TEST_SERVER_BIN")),
            directory,
            user,
            environment,
        };
        let arguments = [
            "-U",
            "postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=trust",
            "--no-sync",
        ];
        server.call("initdb", &arguments);
        let configuration = server.data().join("postgresql.conf");
        let mut text = fs::read_to_string(&configuration).unwrap();
        text.push_str(SETTINGS);
        text.push_str(&format!(
            "port = {PORT}\nunix_socket_directories = '{}'\n",
            server.path().display()
        ));
        fs::write(&configuration, text).unwrap();
        server.resume();
        server
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// Runs a program of PostgreSQL on the data directory, as the server's user.
    fn call(&self, program: &str, arguments: &[&str]) {
        let log = self.path().join("log");
        let mut command = Command::new(self.bin.join(program));
        command
            .arg("-D")
            .arg(self.data())
            .args(arguments)
            .current_dir(self.path());
        if program == "pg_ctl" && arguments[0] == "start" {
            command.arg("-l").arg(&log);
            command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        }
        self.demote(&mut command);
        // What a postmaster inherits stays open: no pipes, but a file.
        let said = self.path().join("said");
        let file = fs::File::create(&said).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let status = command.status().unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        assert!(status.success(), "{program}: {}{}", read(&said), read(&log));
    }

    /// Makes a command run as the server's user.
    fn demote(&self, command: &mut Command) {
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
    }

    /// The size in bytes that its files may have, for the sessions that begin from now on: a write
    /// beyond it fails as on a full disk.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let bytes = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let mut command = Command::new("prlimit");
        command
            .args(["--pid", &self.pid().to_string()])
            .arg(format!("--fsize={bytes}:"))
            .current_dir("/");
        self.demote(&mut command);
        assert!(command.status().unwrap().success(), "prlimit");
    }

    /// Starts the server again.
    pub fn resume(&self) {
        self.call("pg_ctl", &["start", "-w", "-s"]);
    }

    /// Ends it as a crash does: nothing is written, and it recovers at its next start.
    pub fn crash(&self) {
        self.call("pg_ctl", &["stop", "-w", "-s", "-m", "immediate"]);
    }

    /// The process id of the postmaster.
    fn pid(&self) -> u32 {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    pub fn socket(&self) -> PathBuf {
        self.path().join(format!(".s.PGSQL.{PORT}"))
    }

    /// Its conninfo, without a database.
    pub fn conninfo(&self) -> String {
        format!("host={} port={PORT} user=postgres", self.path().display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.crash();
        }
    }
}

/// The user that the server runs as, when this process is root: PostgreSQL refuses to.
fn ordinary_user() -> Option<(u32, u32)> {
    let me = fs::metadata("/proc/self").unwrap();
    if std::os::unix::fs::MetadataExt::uid(&me) != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let user = find("postgres").or_else(|| find("nobody"));
    Some(user.expect("PostgreSQL does not run as root, and there is no user postgres or nobody"))
}
