//! The grammar of PostgreSQL data sources. Pure: text in, text out.
//!
//! QGIS writes `dbname='d' host=h port=5432 user='u' password='p' key='id' table="s"."t" (geom)
//! sql=…`; GDAL takes conninfo strings as libpq reads them. Both are sequences of `key=value`, with
//! other rules for quotes. A [`Source`] keeps every byte of what it was parsed from, so that what
//! is not replaced is printed as it was.

mod reader;
mod replace;

use std::fmt;

use reader::{Reader, is_space};

/// Whose rules for quotes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `QgsDataSourceUri`: either kind of quote, a backslash only before the quote and itself,
    /// `table` with its geometry column, and `sql`, which runs to the end.
    Qgis,
    /// libpq: single quotes, and a backslash takes the next character as it is.
    Libpq,
}

/// A data source in pieces.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    dialect: Dialect,
    pieces: Vec<Piece>,
}

/// One piece of a source, with its text.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// White space between two others.
    Gap(String),
    /// A word that is no `key=value`: readers skip it.
    Stray(String),
    /// A key with its value.
    Pair(Pair),
}

/// A key with its value.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub key: String,
    /// The value, without quotes and escapes.
    pub value: String,
    /// Whether the value stands in quotes.
    pub quoted: bool,
    /// Whether quotes are closed, and none stands where it has no meaning.
    sound: bool,
    raw: String,
}

/// Keys that say which database is meant and who asks it. The rest (`key`, `table`, `sql` …) says
/// what is taken from it.
const CONNECTION: &[&str] = &[
    "service",
    "servicefile",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "username",
    "password",
    "passfile",
    "authcfg",
    "sslmode",
    "requiressl",
    "sslnegotiation",
    "sslcert",
    "sslkey",
    "sslcertmode",
    "sslpassword",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "channel_binding",
    "require_auth",
    "requirepeer",
    "gssencmode",
    "krbsrvname",
    "gsslib",
];

/// Further keys of sources and of libpq, which stay as they are.
const OTHERS: &[&str] = &[
    "active_schema",
    "application_name",
    "checkPrimaryKeyUnicity",
    "client_encoding",
    "column",
    "connect_timeout",
    "driver",
    "estimatedmetadata",
    "fallback_application_name",
    "filter",
    "geometrytype",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "key",
    "load_balance_hosts",
    "mode",
    "options",
    "preliminary_resolution",
    "schema",
    "schemas",
    "selectatid",
    "session_role",
    "sql",
    "srid",
    "table",
    "tables",
    "target_session_attrs",
    "tcp_user_timeout",
    "temporalDefaultTime",
    "temporalFieldIndex",
    "type",
    "where",
];

impl Source {
    /// Takes a text apart. Every text is one: what makes no sense becomes words that are skipped,
    /// as the readers do it.
    pub fn parse(text: &str, dialect: Dialect) -> Self {
        let mut reader = Reader { text, at: 0 };
        let mut pieces = Vec::new();
        while reader.at < text.len() {
            let start = reader.at;
            if reader.skip(|c| is_space(c, dialect)) {
                pieces.push(Piece::Gap(text[start..reader.at].to_owned()));
            } else {
                pieces.push(reader.word(dialect));
            }
        }
        Self { dialect, pieces }
    }

    /// The value of a key: of several the last counts, and an empty one is none.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs()
            .rev()
            .find(|pair| pair.key == key)
            .map(|pair| pair.value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// As [`get`](Self::get), but the first of several: in what was cut badly, the later ones may be
    /// pieces of a password.
    pub fn first(&self, key: &str) -> Option<&str> {
        self.pairs()
            .find(|pair| pair.key == key)
            .map(|pair| pair.value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Whether a key is there, even with an empty value.
    pub fn has(&self, key: &str) -> bool {
        self.pairs().any(|pair| pair.key == key)
    }

    /// Whether a database is named, and not only what libpq takes by default.
    pub fn names_database(&self) -> bool {
        ["service", "dbname", "host"]
            .iter()
            .any(|key| self.has(key))
    }

    /// Whether there is nothing that a reader would skip, and no quote too many or too few. What
    /// QGIS stripped of a password badly is not.
    pub fn is_sound(&self) -> bool {
        self.pieces.iter().all(|piece| match piece {
            Piece::Gap(_) => true,
            Piece::Stray(_) => false,
            Piece::Pair(pair) => pair.sound,
        })
    }

    /// Whether it is sound, names a database, and every key is one that sources have: no other text
    /// is like that.
    pub fn is_unmistakable(&self) -> bool {
        let known = |pair: &Pair| {
            let key = pair.key.as_str();
            CONNECTION.contains(&key) || OTHERS.contains(&key)
        };
        self.is_sound() && self.names_database() && self.pairs().all(known)
    }

    /// Whose rules hold.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn pairs(&self) -> impl DoubleEndedIterator<Item = &Pair> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Pair(pair) => Some(pair),
            _ => None,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| {
            f.write_str(match piece {
                Piece::Gap(text) | Piece::Stray(text) => text,
                Piece::Pair(pair) => &pair.raw,
            })
        })
    }
}

#[cfg(test)]
mod tests;
