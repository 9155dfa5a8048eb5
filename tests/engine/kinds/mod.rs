//! Every kind of table and every kind of edit converges, and an idle run stays idle.
#![allow(missing_docs)]

pub mod compare;
mod edits;
mod inheritance;
mod names;
mod partitions;
mod tables;
mod triggers;
