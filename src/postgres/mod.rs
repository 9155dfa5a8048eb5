//! PostgreSQL: connections, identifiers, SQL files and errors.

mod connect;
mod error;
mod ident;
mod lock;
mod template;

pub use connect::{Connection, open};
pub use error::{Doing, is_collision, is_unique_violation};
pub use ident::{Table, literal, names, quote};
pub use lock::lock_clone;
pub use template::Template;
