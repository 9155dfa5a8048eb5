//! Everything that happens between databases: one program, so that what its tests share is built once.
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod aside;
mod capture;
mod clock;
mod codes;
mod columns;
mod concurrency;
mod crash;
mod cycles;
mod echoes;
mod faults;
mod forged;
mod granted;
mod hostile;
mod keys;
mod kinds;
mod lineage;
mod memory;
mod mixed;
mod moments;
mod operators;
mod owned;
mod package;
mod partitions;
mod postgis;
mod prune;
mod random;
mod receipts;
mod redirected;
mod report;
mod report_map;
mod roles;
mod sessions;
mod stand_ins;
mod structure;
mod swaps;
mod sync;
mod values;
mod waiting;
mod whole;
