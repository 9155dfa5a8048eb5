//! Errors of PostgreSQL, as the users of this product see them.

use std::error::Error as _;

use ::postgres::error::{DbError, SqlState};

use crate::error::{Error, Kind, Result, Said};
use crate::text::{Text, tr};

/// Adds to a result what was being done.
pub trait Doing<T> {
    /// Turns the error into ours: `what` says what was being done, on which object.
    fn doing(self, what: impl FnOnce() -> Text) -> Result<T>;
}

impl<T> Doing<T> for std::result::Result<T, ::postgres::Error> {
    fn doing(self, what: impl FnOnce() -> Text) -> Result<T> {
        self.map_err(|error| convert(&error, what()))
    }
}

impl<T> Doing<T> for std::io::Result<T> {
    /// For the COPY streams of `postgres`, which wrap its errors in I/O errors.
    fn doing(self, what: impl FnOnce() -> Text) -> Result<T> {
        self.map_err(|error| {
            let inner = error
                .get_ref()
                .and_then(|e| e.downcast_ref::<::postgres::Error>());
            match inner {
                Some(inner) => convert(inner, what()),
                // What came over the network is not what it should be; to try again would not mend it.
                None if error.kind() == std::io::ErrorKind::InvalidData => Error::new(
                    Kind::Database,
                    tr!("{doing}: {error}.", doing = what(), error),
                ),
                None => Error::new(
                    Kind::Connection,
                    tr!("{doing}: {error}.", doing = what(), error),
                )
                .hint(tr!("Check the network and run again: nothing is lost.")),
            }
        })
    }
}

fn convert(error: &::postgres::Error, doing: Text) -> Error {
    match error.as_db_error() {
        Some(db) => from_server(db, doing),
        None => Error::new(
            Kind::Connection,
            tr!("{doing}: {error}.", doing, error = cause(error)),
        )
        .hint(tr!(
            "Check that the server is running and can be reached, then run again."
        )),
    }
}

/// The cause of an error that is not from the server. The crate's own text is only "error
/// communicating with the server"; what is behind it says more.
fn cause(error: &::postgres::Error) -> Text {
    use std::io::ErrorKind;
    let lost = tr!("the connection to the server was lost");
    let Some(source) = error.source() else {
        return if error.is_closed() {
            lost
        } else {
            Text::verbatim(error.to_string())
        };
    };
    let kind = source
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind);
    match kind {
        Some(
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe,
        ) => lost,
        Some(ErrorKind::TimedOut) => {
            tr!("the connection to the server was lost (it no longer answers)")
        }
        _ => Text::verbatim(source.to_string()),
    }
}

/// The routine of PostgreSQL that runs a RAISE of PL/pgSQL. An error that a function only passes on (its
/// context names the function as well) keeps the routine that it came from.
const RAISE: &str = "exec_stmt_raise";

/// A write in a read-only session, or on a standby.
const READ_ONLY: &str = "25006";

/// What to do where a function does not find what it names.
fn astray_hint() -> Text {
    tr!(
        "A function of the database names it without its schema: write the schema there, or give the function its own search path (ALTER FUNCTION … SET search_path = …)."
    )
}

/// Whether an error came up inside a function. The innermost context comes first; a deployment runs its scripts in
/// anonymous blocks.
fn in_a_function(db: &DbError) -> bool {
    let first = db.where_().and_then(|context| context.lines().next());
    first.is_some_and(|line| {
        line.contains(" function ") && !line.contains("inline_code_block")
            || line.starts_with("SQL function ")
    })
}

fn from_server(db: &DbError, doing: Text) -> Error {
    let code = db.code().code();
    let kind = match code {
        "42501" | READ_ONLY => Kind::Permission,
        "57014" => Kind::Database,
        _ if code.starts_with("08") || code.starts_with("28") || code.starts_with("57P") => {
            Kind::Connection
        }
        "3D000" | "53300" => Kind::Connection,
        _ => Kind::Database,
    };
    let mut message = db.message().trim_end_matches('.').to_owned();
    if let Some(detail) = db.detail() {
        message.push_str(&format!(" ({})", detail.trim_end_matches('.')));
    }
    message.push('.');
    let message = Text::verbatim(message);
    let astray = matches!(code, "42P01" | "42883" | "42704") && in_a_function(db);
    let mut error = Error::new(kind, tr!("{doing}: {message}", doing, message))
        .sqlstate(code)
        .with_said(Said {
            message: match astray {
                true => Text::sentences([message, astray_hint()]),
                false => message,
            },
            schema: db.schema().map(str::to_owned),
            constraint: db.constraint().map(str::to_owned),
            raised: db.routine() == Some(RAISE),
        });
    let hint = match kind {
        _ if code == READ_ONLY => Some(tr!(
            "Use a server that is no standby, and a role whose sessions may write (default_transaction_read_only)."
        )),
        Kind::Permission => Some(tr!(
            "Ask the owner of the database for that right (docs/roles.md lists what is needed), or use another role."
        )),
        _ if astray => Some(astray_hint()),
        _ => db.hint().map(Text::verbatim),
    };
    if let Some(hint) = hint {
        error = error.hint(hint);
    }
    error
}

/// Whether two transactions got in each other's way, so that trying again is the right answer.
pub fn is_collision(error: &Error) -> bool {
    let collisions = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ]
    .map(|s| s.code().to_owned());
    error
        .sqlstate_code()
        .is_some_and(|code| collisions.iter().any(|c| c == code))
}

/// Whether a unique constraint refused a row.
pub fn is_unique_violation(error: &Error) -> bool {
    error.sqlstate_code() == Some(SqlState::UNIQUE_VIOLATION.code())
}
