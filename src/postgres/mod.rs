//! PostgreSQL: connections, identifiers, SQL files and errors.

mod attempt;
mod connect;
mod conninfo;
mod error;
mod failure;
mod ident;
mod location;
mod lock;
pub mod path;
mod template;
pub(crate) mod tls;
mod wait;

pub use connect::{Connection, open, open_in};
pub use conninfo::Surroundings;
pub use error::{Doing, is_collision, is_unique_violation};
pub use ident::{Table, literal, names, quote, table_names};
pub use location::{Location, locate_in};
pub use lock::lock_clone;
pub use template::Template;
pub(crate) use wait::beside;
