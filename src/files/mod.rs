//! QGIS projects, files and photos over FTP.

mod client;
mod connect;
mod listing;
mod local;
mod media;
mod mentions;
mod mirror;
mod names;
mod password;
mod plan;
mod remote;
mod session;
mod transfer;

pub use media::send_media;
pub use mentions::{Mentions, mentioned};
pub use mirror::{Outcome, Wishes, fetch, send};
pub use names::Excluded;
pub use password::Places;
pub use session::{Account, Session, Tls};
