//! The one error type: what failed, on which object, and what to do about it.

use std::fmt;

use serde_json::{Map, Value};

use crate::language::Language;
use crate::text::{Text, tr};

/// What kind of thing failed. The numbers are those of `lizsync_status` and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Kind {
    /// A parameter is missing, unknown, of the wrong type, or its value cannot be used.
    Parameter = 1,
    /// No algorithm has that id.
    UnknownAlgorithm = 2,
    /// A connection cannot be made, or broke.
    Connection = 3,
    /// The role lacks a right.
    Permission = 4,
    /// PostgreSQL refused a statement.
    Database = 5,
    /// A database is not in the state the algorithm needs (not installed, already there ...).
    State = 6,
    /// A local file cannot be read, written or understood.
    File = 7,
    /// A file transfer failed.
    Transfer = 8,
    /// An external program is missing or failed.
    Program = 9,
    /// The user canceled.
    Canceled = 10,
    /// A defect of this library.
    Internal = 11,
}

impl Kind {
    /// The number of this kind in the C interface.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The name of this kind in `error.kind` of the outputs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Parameter => "parameter",
            Kind::UnknownAlgorithm => "unknown_algorithm",
            Kind::Connection => "connection",
            Kind::Permission => "permission",
            Kind::Database => "database",
            Kind::State => "state",
            Kind::File => "file",
            Kind::Transfer => "transfer",
            Kind::Program => "program",
            Kind::Canceled => "canceled",
            Kind::Internal => "internal",
        }
    }
}

/// A failure, written for the person who has to act on it.
///
/// Messages never hold a password: connection strings enter them only in redacted form.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: Kind,
    message: Text,
    hint: Option<Text>,
    sqlstate: Option<String>,
    said: Option<Box<Said>>,
    outputs: Option<Box<Map<String, Value>>>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What PostgreSQL itself said, apart from what was being done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Message and detail.
    pub message: Text,
    /// The schema of the constraint or table.
    pub schema: Option<String>,
    /// The constraint that was violated.
    pub constraint: Option<String>,
    /// Whether a function of a user's raised it, with a code of its own choice.
    pub raised: bool,
}

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl Error {
    /// An error of the given kind; `message` says what failed and names the object.
    pub fn new(kind: Kind, message: Text) -> Self {
        Self {
            kind,
            message,
            hint: None,
            sqlstate: None,
            said: None,
            outputs: None,
            source: None,
        }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: Text) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Adds PostgreSQL's error code.
    #[must_use]
    pub fn sqlstate(mut self, code: impl Into<String>) -> Self {
        self.sqlstate = Some(code.into());
        self
    }

    /// Adds what PostgreSQL itself said.
    #[must_use]
    pub(crate) fn with_said(mut self, said: Said) -> Self {
        self.said = Some(Box::new(said));
        self
    }

    /// Adds what was done all the same, as the outputs of a success.
    #[must_use]
    pub(crate) fn with_outputs(mut self, outputs: Map<String, Value>) -> Self {
        self.outputs = Some(Box::new(outputs));
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Puts what was being done in front of the message.
    #[must_use]
    pub fn during(mut self, doing: Text) -> Self {
        self.message = tr!("{doing}: {message}", doing, message = self.message);
        self
    }

    /// A parameter whose value cannot be used.
    pub fn parameter(message: Text) -> Self {
        Self::new(Kind::Parameter, message)
    }

    /// A database that is not in the state the algorithm needs.
    pub fn state(message: Text) -> Self {
        Self::new(Kind::State, message)
    }

    /// A local file that cannot be used.
    pub fn file(message: Text) -> Self {
        Self::new(Kind::File, message)
    }

    /// The user canceled.
    pub fn canceled() -> Self {
        Self::new(Kind::Canceled, tr!("Canceled: nothing more was changed."))
    }

    /// A defect of this library, which users should report. It is not translated: it is for us.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, Text::verbatim(message))
    }

    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the user can do about it, where that is not in the message.
    pub fn hint_text(&self) -> Option<&Text> {
        self.hint.as_ref()
    }

    /// What failed, without the hint.
    pub fn message_text(&self) -> &Text {
        &self.message
    }

    /// PostgreSQL's error code, where PostgreSQL raised the error.
    pub fn sqlstate_code(&self) -> Option<&str> {
        self.sqlstate.as_deref()
    }

    /// What PostgreSQL itself said, where it raised the error.
    pub fn said(&self) -> Option<&Said> {
        self.said.as_deref()
    }

    /// What was done all the same.
    pub(crate) fn outputs(&self) -> Option<&Map<String, Value>> {
        self.outputs.as_deref()
    }

    /// Message and hint, to be put into another message.
    pub fn whole(&self) -> Text {
        match &self.hint {
            Some(hint) => Text::sentences([&self.message, hint]),
            None => self.message.clone(),
        }
    }

    /// The sentence for OUTPUT_STRING: message and hint, in English.
    pub fn sentence(&self) -> String {
        self.sentence_in(Language::ENGLISH)
    }

    /// As [`sentence`](Self::sentence), in another language.
    pub fn sentence_in(&self, language: Language) -> String {
        self.whole().in_language(language)
    }
}
