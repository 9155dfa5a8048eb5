//! Running `pg_dump`, which writes the definitions of a package.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::postgres::{Table, quote};
use crate::secret::{Secret, without};
use crate::text::tr;

/// How often a cancel is looked for.
const POLL: Duration = Duration::from_millis(50);

/// A `pg_dump` that fits the server.
pub(super) struct PgDump {
    program: PathBuf,
    /// Its version, as `15.18`.
    pub version: String,
}

/// What one run of `pg_dump` has to see.
pub(super) struct View<'a> {
    /// How it reaches the database.
    pub environment: &'a [(String, Secret)],
    /// The exported snapshot.
    pub snapshot: &'a str,
    /// The schemas.
    pub schemas: &'a [String],
    /// What of them is left out.
    pub left_out: &'a BTreeSet<Table>,
}

impl PgDump {
    /// The `pg_dump` in `folder`, for a server of that `server_version_num`.
    ///
    /// # Errors
    /// [`Kind::Program`]: there is none, it does not run, or it is older than the server.
    pub fn find(folder: &Path, server: i32, feedback: &Feedback) -> Result<Self> {
        let program = folder.join(format!("pg_dump{}", std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            return Err(Error::new(
                Kind::Program,
                tr!("There is no pg_dump in {folder}.", folder = folder.display()),
            )
            .hint(tr!(
                "Set POSTGRESQL_BINARY_PATH to the folder of pg_dump (it comes with the PostgreSQL client programs; on Debian: apt install postgresql-client)."
            )));
        }
        let mut command = Command::new(&program);
        command.arg("--version");
        let (_, output, _) = run(command, &program, feedback)?;
        let output = String::from_utf8_lossy(&output);
        let version = output.split_whitespace().nth(2).unwrap_or("").to_owned();
        let Some(major) = major(&version) else {
            return Err(Error::new(
                Kind::Program,
                tr!(
                    "{program} does not say its version.",
                    program = program.display()
                ),
            )
            .hint(tr!(
                "Set POSTGRESQL_BINARY_PATH to the folder of PostgreSQL's own pg_dump."
            )));
        };
        let needed = server / 10_000;
        if major < needed {
            return Err(Error::new(
                Kind::Program,
                tr!(
                    "{program} has version {version}, but the server has version {needed}: pg_dump refuses newer servers.",
                    program = program.display(),
                    version,
                    needed
                ),
            )
            .hint(tr!(
                "Install the client programs of PostgreSQL {needed} or newer and set POSTGRESQL_BINARY_PATH to their folder.",
                needed
            )));
        }
        Ok(Self { program, version })
    }

    /// The definitions of the schemas, `section` being `pre-data` or `post-data`.
    ///
    /// # Errors
    /// [`Kind::Program`] with what `pg_dump` said, [`Kind::Canceled`].
    pub fn definitions(&self, section: &str, view: &View, feedback: &Feedback) -> Result<String> {
        let mut command = Command::new(&self.program);
        command
            .args([
                "--no-password",
                "--no-owner",
                "--no-privileges",
                "--no-publications",
                "--no-subscriptions",
                "--no-security-labels",
                "--no-tablespaces",
                "--quote-all-identifiers",
                "--strict-names",
                "--encoding=UTF8",
            ])
            .arg(format!("--section={section}"))
            .arg(format!("--snapshot={}", view.snapshot));
        for schema in view.schemas {
            // A pattern; in double quotes every character stands for itself.
            command.arg(format!("--schema={}", quote(schema)));
        }
        for table in view.left_out {
            command.arg(format!("--exclude-table={table}"));
        }
        // Only what this connection says may decide where pg_dump connects to.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        for (name, value) in view.environment {
            command.env(name, value.reveal());
        }
        command.env("PGCLIENTENCODING", "UTF8");
        let (status, output, complaint) = run(command, &self.program, feedback)?;
        if !status.success() {
            let mut complaint = String::from_utf8_lossy(&complaint).into_owned();
            // A wrapper may print what it was given.
            for (_, password) in view
                .environment
                .iter()
                .filter(|(name, _)| name == "PGPASSWORD")
            {
                complaint = without(&complaint, password);
            }
            let complaint: String = complaint.trim().chars().take(2000).collect();
            return Err(Error::new(
                Kind::Program,
                tr!("pg_dump failed ({status}): {complaint}", status, complaint),
            )
            .hint(tr!("No package was written.")));
        }
        String::from_utf8(output)
            .map_err(|_| Error::new(Kind::Program, tr!("pg_dump wrote text that is not UTF-8.")))
    }
}

/// The leading number of a version.
fn major(version: &str) -> Option<i32> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// A child process that does not outlive its run.
struct Running(Arc<Mutex<Child>>);

impl Running {
    fn child(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
        child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(child: &Mutex<Child>) {
        if let Err(error) = Self::child(child).kill() {
            log::debug!("a child process could not be killed: {error}");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        Self::kill(&self.0);
        let _ = Self::child(&self.0).wait();
    }
}

/// Runs a program to its end and returns its status, output and error output.
fn run(
    mut command: Command,
    program: &Path,
    feedback: &Feedback,
) -> Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let failed = |error: std::io::Error| {
        let message = tr!(
            "{program} cannot be run: {error}.",
            program = program.display(),
            error
        );
        Error::new(Kind::Program, message)
            .hint(tr!("Check POSTGRESQL_BINARY_PATH."))
            .caused_by(error)
    };
    #[cfg(windows)]
    {
        // No console window may pop up in front of QGIS.
        use std::os::windows::process::CommandExt;
        command.creation_flags(0x0800_0000);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let running = Running(Arc::new(Mutex::new(child)));
    let killed = running.0.clone();
    let _cancel = feedback.on_cancel(move || Running::kill(&killed));

    // Both pipes are drained at once: a full one would stop the child. They are beside this thread,
    // since what a wrapper script started keeps them open after the script was killed.
    let (output, complaint) = (beside(stdout), beside(stderr));
    let received = |drained: &Drained| loop {
        feedback.check()?;
        match drained.recv_timeout(POLL) {
            Ok(content) => return content.map_err(failed),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
        }
    };
    let (output, complaint) = (received(&output)?, received(&complaint)?);
    loop {
        feedback.check()?;
        if let Some(status) = Running::child(&running.0).try_wait().map_err(failed)? {
            return Ok((status, output, complaint));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a pipe held, when it has ended.
type Drained = Receiver<std::io::Result<Vec<u8>>>;

fn beside(pipe: Option<impl Read + Send + 'static>) -> Drained {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        // Nobody receives it after a cancel.
        let _ = sender.send(drain(pipe));
    });
    receiver
}

fn drain(pipe: Option<impl Read>) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut content)?;
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn versions() {
        assert_eq!(major("15.18"), Some(15));
        assert_eq!(major("19beta1"), Some(19));
        assert_eq!(major("x"), None);
    }
}
