//! Packages of real databases, and their deployment.
#![allow(missing_docs)]

mod additional;
mod archives;
mod creation;
mod failures;
mod fixture;
mod ledgers;
mod listed;
mod paths;
mod refusals;
mod round_trip;
