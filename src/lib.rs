//! LizSync: offline editing of PostGIS databases.
//!
//! Field teams edit in *clone* databases and synchronise with one *central* database. This crate
//! does the work; it is used from Rust through [`registry`], from C through `include/lizsync.h`,
//! and from Python and QGIS through the package `lizsync`, which loads the C library.
//!
//! The layers, from top to bottom (each uses only what is below it):
//! `ffi`, [`registry`], `algorithms`, the engines `structure`, `package`, `sync`, `files` and
//! [`project`],
//! `postgres`, [`report`], [`schema`], and [`feedback`], [`error`], [`secret`], [`text`], [`language`].

// What input or the world decides is an error, never a panic.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod algorithms;
mod destination;
pub mod error;
pub mod feedback;
pub mod ffi;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
mod hex;
pub mod language;
mod package;
pub mod postgres;
mod private;
pub mod project;
pub mod registry;
pub mod report;
pub mod schema;
pub mod secret;
pub mod structure;
pub mod sync;
pub mod text;

/// The version of this product, also the version of the database structure that it installs.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
