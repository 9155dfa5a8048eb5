//! The HTML report of a synchronisation: what is to be shown and a language go in, the text of one file comes out.
//! Pure. The page holds everything it needs: no script runs, and nothing is loaded.

mod advice;
mod geometry;
mod map;
mod numbers;
mod page;
mod parts;
mod text;
mod value;
mod view;
mod words;

use chrono::{DateTime, FixedOffset};

use crate::text::Text;

pub use page::render;
pub use value::{Kind, Shown, shown};
use value::{brief, message, readable};

/// A moment, with the UTC offset that it is shown in.
pub type Moment = DateTime<FixedOffset>;

/// How many tables, conflicts and changes that are set aside a page lists, each; what is more is counted.
pub const LISTED: usize = 250;

/// How many features the map shows for each direction.
pub const PLACED: usize = 2000;

/// One of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The central.
    Central,
    /// The clone.
    Clone,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Side::Central => Side::Clone,
            Side::Clone => Side::Central,
        }
    }
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is new.
    Insert,
    /// Some of its values are new.
    Update,
    /// It is gone.
    Delete,
}

/// All that a report says.
#[derive(Debug, Clone)]
pub struct Report {
    /// The version of this product.
    pub version: String,
    /// The id of the run, as `lizsync.history` has it.
    pub run: String,
    /// When it began, by the clock of this computer.
    pub began: Moment,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// The central.
    pub central: Server,
    /// The clone.
    pub clone: Server,
    /// Microseconds that the clone's clock is behind the central's; 0 where that cannot be measured.
    pub clone_behind: i64,
    /// What was changed, by table.
    pub tables: Vec<Counts>,
    /// What became of the central's edits.
    pub from_central: Account,
    /// What became of the clone's edits.
    pub from_clone: Account,
    /// The conflicts, or the first of them.
    pub conflicts: Vec<Conflict>,
    /// How many conflicts there are.
    pub all_conflicts: u64,
    /// What is set aside, or the first of it.
    pub set_aside: Vec<SetAside>,
    /// Where the changed features are; None where no table has places.
    pub map: Option<Map>,
    /// What could not be found out for the report.
    pub gaps: Vec<Gap>,
}

/// One of the two databases.
#[derive(Debug, Clone)]
pub struct Server {
    /// Database and host.
    pub name: Text,
    /// Its id in all ledgers.
    pub id: String,
    /// What PostgreSQL calls its own version.
    pub version: String,
    /// Its clock at the end of the run; None where it could not be read.
    pub clock: Option<Moment>,
}

/// What became of the captured edits of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Edits read.
    pub captured: u64,
    /// Rows changed on the other side.
    pub applied: u64,
    /// Edits that later ones replaced.
    pub superseded: u64,
    /// Edits of which nothing is left after conflicts.
    pub lost: u64,
    /// Changes that wait.
    pub set_aside: u64,
}

/// What was changed in one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// The table.
    pub table: String,
    /// In the clone.
    pub in_clone: Changed,
    /// In the central.
    pub in_central: Changed,
}

/// Rows that were changed on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// New ones.
    pub inserted: u64,
    /// Others with new values.
    pub updated: u64,
    /// Those that are gone.
    pub deleted: u64,
}

impl Changed {
    /// All of them.
    pub fn all(self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}

/// A row, as people find it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its table.
    pub table: String,
    /// Its uid.
    pub uid: String,
    /// What its name or title says.
    pub label: Option<String>,
}

/// Two edits of one value, or of one row, of which one lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The row.
    pub row: Row,
    /// The column; None where it is about the whole row.
    pub field: Option<String>,
    /// What settled it.
    pub rule: Rule,
    /// The edit that counts, where there is one.
    pub won: Option<Edit>,
    /// The edit that lost.
    pub lost: Edit,
}

/// What settles a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The later edit.
    Later,
    /// The deletion.
    Deletion,
    /// That there is no such column any more.
    NoColumn,
    /// That there is no such row any more.
    NoRow,
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where it was made.
    pub side: Side,
    /// Who made it.
    pub user: Option<String>,
    /// When, by the central's clock.
    pub time: Option<Moment>,
    /// What it wanted.
    pub wanted: Wanted,
}

/// What an edit wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A value.
    Value(Shown),
    /// Values of several columns.
    Values(Vec<(String, Shown)>),
    /// That the row goes.
    Deletion,
}

/// A change that the other side could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The row.
    pub row: Row,
    /// Where it was made.
    pub owner: Side,
    /// What it does.
    pub action: Action,
    /// Columns, what they were to be, and what they are on the other side, where that is known.
    pub values: Vec<(String, Shown, Option<Shown>)>,
    /// How many columns more there are.
    pub more_values: usize,
    /// Why it was refused.
    pub reason: String,
    /// PostgreSQL's code of that.
    pub code: String,
    /// Who made it.
    pub user: Option<String>,
    /// When, by the central's clock.
    pub time: Option<Moment>,
    /// Since when it waits.
    pub since: Option<Moment>,
}

/// Where features were changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    /// The reference system of the points; None where it is not known.
    pub system: Option<System>,
    /// The points.
    pub layers: Vec<Layer>,
    /// Places of other features around, to see where that is.
    pub around: Vec<[f64; 2]>,
    /// How many features with a place were changed.
    pub all: u64,
    /// Features that could not be brought into the reference system, and the one that they are in, if any.
    pub left_out: Vec<(u64, Option<String>)>,
    /// Metres on the ground for one unit to the right, and one upwards, in the middle of the map.
    pub metres: Option<[f64; 2]>,
}

/// A coordinate reference system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Such as `EPSG:2154`.
    pub code: String,
    /// What it is called.
    pub name: String,
}

/// The points of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The table.
    pub table: String,
    /// The side that was changed.
    pub changed: Side,
    /// How.
    pub action: Action,
    /// Where.
    pub points: Vec<[f64; 2]>,
}

/// What could not be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// The changes by table.
    Tables,
    /// The conflicts.
    Conflicts,
    /// What is set aside.
    SetAside,
    /// The map, or a part of it.
    Map,
}

#[cfg(test)]
mod tests;
