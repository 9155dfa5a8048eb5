//! Packages of real databases, and their deployment.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod archives;
mod creation;
mod failures;
mod fixture;
mod refusals;
mod round_trip;
