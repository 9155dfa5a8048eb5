//! What a connection value means, by the rules of libpq. Nothing here opens a connection.
//!
//! Parsing (key=value, URI, service files, password files) works on text; [`resolve`] puts what was
//! given, the service, the environment and the defaults together into a [`Target`]. The environment
//! comes in through [`Surroundings`], so that tests bring their own.

mod keyvalue;
mod keywords;
mod lists;
mod passfile;
mod resolve;
mod service;
mod settings;
mod surroundings;
mod target;
mod uri;
mod wishes;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::text::tr;

pub(super) use keywords::VARIABLES;
pub use resolve::resolve;
pub use surroundings::Surroundings;
pub(super) use target::{
    Certificates, Host, Keepalive, Place, Session, SslMode, Target, TlsWishes,
};

/// Parameters of a connection by libpq keyword, as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conninfo(BTreeMap<&'static str, Secret>);

impl Conninfo {
    /// Reads a `postgresql://` URI or a `key=value` connection string.
    ///
    /// # Errors
    /// [`Kind::Parameter`](crate::error::Kind::Parameter) for a text that breaks the grammar or has
    /// a keyword unknown to libpq. The message never shows what may be a part of a password.
    pub fn parse(text: &str) -> Result<Self> {
        match uri::strip_scheme(text) {
            Some(rest) => uri::parse(rest),
            None => keyvalue::parse(text),
        }
    }

    /// Whether `text` is meant as a URI or as `key=value`; otherwise it can only be a name.
    pub fn is_meant(text: &str) -> bool {
        uri::strip_scheme(text).is_some() || text.contains('=')
    }

    /// The value of a keyword; an empty one counts as not given.
    pub(super) fn get(&self, keyword: &str) -> Option<&str> {
        self.0
            .get(keyword)
            .map(Secret::reveal)
            .filter(|value| !value.is_empty())
    }

    /// Sets a keyword, replacing what it was: the last one counts in a connection string.
    fn set(&mut self, keyword: &str, value: Secret) -> std::result::Result<(), Unknown> {
        let known = keywords::find(keyword).ok_or(Unknown)?;
        self.0.insert(known.name, value);
        Ok(())
    }

    /// Sets a keyword that is not there yet: the first one counts in a service file.
    fn fill(&mut self, keyword: &'static str, value: Secret) {
        self.0.entry(keyword).or_insert(value);
    }

    /// Takes from `other` what is not there yet.
    fn fill_from(&mut self, other: Self) {
        for (keyword, value) in other.0 {
            self.fill(keyword, value);
        }
    }
}

/// A keyword that libpq does not know.
#[derive(Debug)]
struct Unknown;

/// Names an unknown keyword, unless it may be a piece of a password: of one with a space in it
/// that was not quoted, or of something that is no connection string at all.
fn unknown_keyword(word: &str, after: Option<&str>) -> Error {
    let plausible = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let follows_password = matches!(after, Some("password" | "sslpassword"));
    if word == "authcfg" {
        return Error::parameter(tr!(
            "“authcfg” is an authentication configuration of QGIS, which only QGIS can read."
        ))
        .hint(tr!(
            "Choose the connection by its name in QGIS, or give user and password."
        ));
    }
    if !follows_password && !word.is_empty() && word.len() <= 40 && word.chars().all(plausible) {
        Error::parameter(tr!(
            "“{word}” is not a keyword of connection strings.",
            word
        ))
        .hint(tr!(
            "The keywords are those of libpq: host, port, dbname, user, password, sslmode …"
        ))
    } else {
        Error::parameter(
            tr!(
                "It holds a keyword that is not shown here, because it may be a part of a password."
            ),
        )
        .hint(
            tr!(
                "Put values with spaces in single quotes (with \\ before ' and \\); in a URI, percent-encode special characters."
            ),
        )
    }
}
