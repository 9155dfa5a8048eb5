//! What the algorithms of files have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::files::{Account, Direction, Excluded, Outcome, Places, Session, Tls, Wishes};
use crate::schema::{Default, Output, Outputs, Parameter, Parameters, Type};
use crate::secret::Secret;
use crate::text::{Text, tr};

/// The parameters of one server: CENTRAL or CLONE.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) host: Parameter,
    pub(super) port: Parameter,
    pub(super) login: Parameter,
    pub(super) password: Parameter,
    pub(super) folder: Parameter,
    /// The section of `LizSync.ini`.
    section: &'static str,
}

pub(super) const CENTRAL: Server = Server {
    host: Parameter::new("CENTRAL_FTP_HOST", "Central FTP Server host", Type::String),
    port: Parameter::new("CENTRAL_FTP_PORT", "Central FTP Server port", Type::Number)
        .default(Default::Number(21.0)),
    login: Parameter::new(
        "CENTRAL_FTP_LOGIN",
        "Central FTP Server login",
        Type::String,
    ),
    password: Parameter::new(
        "CENTRAL_FTP_PASSWORD",
        "Central FTP Server password",
        Type::Password,
    )
    .optional(),
    folder: Parameter::new(
        "CENTRAL_FTP_REMOTE_DIR",
        "Central FTP Server remote directory",
        Type::String,
    ),
    section: "ftp:central",
};

pub(super) const CLONE: Server = Server {
    host: Parameter::new("CLONE_FTP_HOST", "Clone FTP Server host", Type::String),
    port: Parameter::new("CLONE_FTP_PORT", "Clone FTP Server port", Type::Number)
        .default(Default::Number(2021.0)),
    login: Parameter::new("CLONE_FTP_LOGIN", "Clone FTP Server login", Type::String),
    password: Parameter::new(
        "CLONE_FTP_PASSWORD",
        "Clone FTP Server password",
        Type::Password,
    )
    .optional(),
    folder: Parameter::new(
        "CLONE_FTP_REMOTE_DIR",
        "Clone FTP Server remote directory",
        Type::String,
    ),
    section: "ftp:clone",
};

pub(super) const EXCLUDED: Parameter = Parameter::new(
    "FTP_EXCLUDE_REMOTE_SUBDIRS",
    "List of sub-directory to exclude from synchro, separated by commas.",
    Type::String,
)
.optional()
.default(Default::Text("data"));

pub(super) const TLS: Parameter = Parameter::new(
    "FTP_TLS",
    "Encryption of the FTP connection: prefer, require, implicit or disable",
    Type::String,
)
.optional()
.advanced();

pub(super) const CA_FILE: Parameter = Parameter::new(
    "FTP_CA_FILE",
    "Certificate of the FTP server or of its authority (PEM)",
    Type::File,
)
.optional()
.advanced();

/// A box that is not ticked must be the safe choice.
pub(super) const ANY_CERTIFICATE: Parameter = Parameter::new(
    "FTP_ANY_CERTIFICATE",
    "Accept any certificate of the FTP server (unsafe)",
    Type::Boolean,
)
.optional()
.advanced();

pub(super) const CONNECTIONS: Parameter = Parameter::new(
    "FTP_CONNECTIONS",
    "Number of connections to the FTP server at a time (4 if empty)",
    Type::Number,
)
.optional()
.advanced();

pub(super) const TIMEOUT: Parameter = Parameter::new(
    "FTP_TIMEOUT",
    "Seconds after which an FTP server that does not answer is given up (30 if empty)",
    Type::Number,
)
.optional()
.advanced();

pub(super) const DRY_RUN: Parameter = Parameter::new(
    "DRY_RUN",
    "Only list what would be transferred",
    Type::Boolean,
)
.optional()
.advanced();

pub(super) const FILES_TRANSFERRED: Output =
    Output::new("FILES_TRANSFERRED", "Files transferred", Type::Number);
pub(super) const BYTES_TRANSFERRED: Output =
    Output::new("BYTES_TRANSFERRED", "Bytes transferred", Type::Number);
pub(super) const FILES_SKIPPED: Output = Output::new(
    "FILES_SKIPPED",
    "Files that needed no transfer, or were left out",
    Type::Number,
);
pub(super) const FILES_FAILED: Output = Output::new(
    "FILES_FAILED",
    "Files that could not be transferred",
    Type::Number,
);

impl Server {
    /// The session that the parameters ask for.
    pub(super) fn session(
        &self,
        parameters: &Parameters,
        feedback: &Feedback,
    ) -> Result<Arc<Session>> {
        let host = host(&self.host, parameters)?;
        let login = parameters.required(self.login.id)?.to_owned();
        let port = whole(&self.port, parameters, 1.0, 65_535.0)?.unwrap_or_default();
        let password = match parameters.text(self.password.id) {
            Some(password) => Secret::new(password),
            None => Places::usual()
                .password(self.section, &host, &login, feedback)?
                .unwrap_or_default(),
        };
        let account = Account {
            host,
            port: port as u16,
            login,
            password,
            tls: Tls::parse(parameters.text(TLS.id).unwrap_or_default())?,
            roots: roots(parameters)?,
            check_certificate: !parameters.flag(ANY_CERTIFICATE.id),
            timeout: Duration::from_secs_f64(
                number(&TIMEOUT, parameters, 0.1, 3_600.0)?.unwrap_or(30.0),
            ),
        };
        Ok(Session::new(account, feedback))
    }

    /// The folder on the server.
    pub(super) fn folder<'p>(&self, parameters: &'p Parameters) -> Result<&'p str> {
        parameters.required(self.folder.id)
    }
}

/// How a mirror shall work.
pub(super) fn wishes(parameters: &Parameters) -> Result<Wishes> {
    Ok(Wishes {
        excluded: Excluded::parse(parameters.text(EXCLUDED.id).unwrap_or_default()),
        connections: whole(&CONNECTIONS, parameters, 1.0, 32.0)?.unwrap_or(4) as usize,
        dry_run: parameters.flag(DRY_RUN.id),
    })
}

/// A folder of this machine that must be there.
pub(super) fn folder<'p>(parameter: &Parameter, parameters: &'p Parameters) -> Result<&'p Path> {
    let path = Path::new(parameters.required(parameter.id)?);
    if path.is_dir() {
        return Ok(path);
    }
    Err(
        Error::file(tr!("{path} is no folder.", path = path.display())).hint(tr!(
            "Give {parameter} a folder.",
            parameter = parameter.text()
        )),
    )
}

/// The outputs of a mirror, whatever it says.
pub(super) fn outputs(outcome: &Outcome) -> Outputs {
    Outputs::new(Text::empty())
        .with(FILES_TRANSFERRED.id, outcome.files.len())
        .with(BYTES_TRANSFERRED.id, outcome.bytes)
        .with(FILES_SKIPPED.id, outcome.skipped)
        .with(FILES_FAILED.id, outcome.failed.len())
}

/// The sentence of a mirror; where files could not be transferred an error, which has the outputs all the same.
pub(super) fn sentence(outcome: &Outcome, direction: Direction, outputs: &Outputs) -> Result<Text> {
    outcome
        .sentence(direction)
        .map_err(|error| error.with_outputs(outputs.clone().values()))
}

/// The file of certificates.
fn roots(parameters: &Parameters) -> Result<Option<PathBuf>> {
    match parameters.text(CA_FILE.id).map(Path::new) {
        Some(path) if !path.is_file() => Err(Error::file(tr!(
            "Parameter {parameter}: there is no file {path}.",
            parameter = CA_FILE.text(),
            path = path.display()
        ))
        .hint(tr!(
            "Give it a file of certificates in PEM form, or leave it out for a certificate that the operating system trusts."
        ))),
        path => Ok(path.map(Path::to_owned)),
    }
}

/// The name or address of a server. An address with a login in it would be shown.
fn host(parameter: &Parameter, parameters: &Parameters) -> Result<String> {
    let given = parameters.required(parameter.id)?.trim();
    let inside = given
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = inside.unwrap_or(given);
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if !is_address && (host.contains(['@', '/', ':', ' ']) || host.is_empty()) {
        return Err(Error::parameter(tr!(
            "Parameter {parameter} must be the name or address of a server, without login, port and path (not shown, as it may hold a password).",
            parameter = parameter.text()
        )));
    }
    Ok(host.to_owned())
}

fn number(
    parameter: &Parameter,
    parameters: &Parameters,
    from: f64,
    to: f64,
) -> Result<Option<f64>> {
    match parameters.number(parameter.id) {
        Some(value) if (from..=to).contains(&value) => Ok(Some(value)),
        Some(_) => Err(Error::parameter(tr!(
            "Parameter {parameter} must be between {from} and {to}.",
            parameter = parameter.text(),
            from,
            to
        ))),
        None => Ok(None),
    }
}

fn whole(
    parameter: &Parameter,
    parameters: &Parameters,
    from: f64,
    to: f64,
) -> Result<Option<u32>> {
    match number(parameter, parameters, from, to)? {
        Some(value) if value.fract() != 0.0 => Err(Error::parameter(tr!(
            "Parameter {parameter} must be a whole number.",
            parameter = parameter.text()
        ))),
        value => Ok(value.map(|value| value as u32)),
    }
}
