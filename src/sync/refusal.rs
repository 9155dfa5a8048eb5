//! Changes that a side cannot take: why, and how that is told from what ends a run.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::text::Text;

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// PostgreSQL's error code.
    pub sqlstate: String,
    /// The constraint, where there is one.
    pub constraint: Option<String>,
    /// What the receiver says.
    pub message: Text,
}

impl Refusal {
    /// A refusal that no statement of PostgreSQL raised.
    pub fn new(sqlstate: &str, constraint: Option<&str>, message: Text) -> Self {
        Self {
            sqlstate: sqlstate.to_owned(),
            constraint: constraint.map(str::to_owned),
            message,
        }
    }

    /// The refusal in an error, if it speaks of the values or the table that were to be written, and
    /// not of the connection, of other sessions, of a limit of the server, or of a cancel.
    pub fn of(error: &Error) -> Option<Self> {
        let code = error.sqlstate_code()?;
        let class = code.get(..2)?;
        // What speaks of the connection, of another transaction, of resources, of the operator, of the
        // system or of a damaged file is not about a row; all else is, codes of extensions among them.
        let of_the_row = !matches!(class, "08" | "25" | "28" | "40" | "53" | "57" | "58" | "F0")
            && !matches!(code, "55P03" | "XX001" | "XX002");
        // Users' functions choose their codes as they like.
        let said = error.said().filter(|said| of_the_row || said.raised)?;
        Some(Self {
            sqlstate: code.to_owned(),
            constraint: said.constraint.clone(),
            message: said.message.clone(),
        })
    }

    /// Whether it speaks of the table rather than of a row, so that no row of it can be written.
    pub fn of_the_table(&self) -> bool {
        self.sqlstate.starts_with("42")
    }

    /// Whether it says that the role may not read the table, or that it (or a column) is not there.
    pub fn is_unreadable(&self) -> bool {
        matches!(
            self.sqlstate.as_str(),
            "42501" | "42P01" | "42703" | "3F000"
        )
    }

    /// Whether another row holds the value.
    pub fn is_held(&self) -> bool {
        matches!(self.sqlstate.as_str(), "23505" | "23P01")
    }
}

/// The refusals of a run on one side; rows of the staging table name one by its number.
#[derive(Debug, Clone, Default)]
pub struct Refusals {
    list: Vec<Refusal>,
    numbers: BTreeMap<Refusal, i32>,
}

impl Refusals {
    /// The number of a refusal, which is added where it is new.
    pub fn number(&mut self, refusal: Refusal) -> i32 {
        let next = i32::try_from(self.list.len()).unwrap_or(i32::MAX);
        *self.numbers.entry(refusal).or_insert_with_key(|new| {
            self.list.push(new.clone());
            next
        })
    }

    /// The refusals in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &Refusal> {
        self.list.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Why each side refused changes of the other one.
#[derive(Debug, Clone, Default)]
pub struct BySide {
    /// Refusals of the central.
    pub central: Refusals,
    /// Refusals of the clone.
    pub clone: Refusals,
}

impl BySide {
    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.central.is_empty() && self.clone.is_empty()
    }
}
