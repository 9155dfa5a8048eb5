//! QGIS projects, files and photos over FTP.

mod client;
mod connect;
pub mod listing;
mod local;
mod media;
mod mentions;
mod mirror;
pub mod names;
mod outcome;
mod password;
mod plan;
mod problems;
mod remote;
mod retire;
mod server;
mod session;
mod single;
mod transfer;

pub use media::send_media;
pub use mentions::{Mentions, mentioned};
pub use mirror::{Wishes, fetch, send};
pub use names::Excluded;
pub use outcome::{Direction, Outcome};
pub use password::Places;
pub use session::{Account, Session, Tls};
pub use single::Arrival;
