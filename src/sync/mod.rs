//! Synchronisation of a clone with its central. `docs/architecture.md` explains the protocol.

mod apply;
mod aside;
mod begin;
mod carry;
pub mod change;
mod checks;
mod clock;
mod conflicts;
mod events;
mod finish;
pub mod fold;
mod former;
mod lineage;
pub mod merge;
mod needs;
mod order;
mod outcome;
mod participant;
mod prune;
mod receipt;
mod refusal;
mod run;
mod scope;
mod sides;
mod stage;
mod streams;
mod tables;
mod transfer;
mod triggers;
mod unread;
mod wire;
mod write;

pub use outcome::Outcome;
pub use receipt::Receipt;
pub use run::run;
