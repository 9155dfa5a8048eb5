//! The crate `log`, for C callers: diagnostics go to the message callback of the run they belong to.
//! A Rust host that has a logger of its own keeps it.

use std::cell::RefCell;

use log::{LevelFilter, Log, Metadata, Record};

use crate::feedback::{Feedback, Level};
use crate::text::Text;

thread_local! {
    static CURRENT: RefCell<Option<Feedback>> = const { RefCell::new(None) };
}

struct Forwarder;

impl Log for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Others log statements, which may hold data or secrets.
        metadata.target().split("::").next() == Some("lizsync")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            CURRENT.with_borrow(|current| {
                if let Some(feedback) = current {
                    feedback.message(Level::Debug, Text::verbatim(record.args().to_string()));
                }
            });
        }
    }

    fn flush(&self) {}
}

/// Forwards the diagnostics of this thread until dropped.
pub(super) struct Forwarding;

impl Drop for Forwarding {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| *current = None);
    }
}

/// Starts forwarding the diagnostics of this thread to `feedback`.
pub(super) fn forward_to(feedback: &Feedback) -> Forwarding {
    CURRENT.with_borrow_mut(|current| *current = Some(feedback.clone()));
    Forwarding
}

/// Makes the forwarder the logger of this library, unless the host set one.
pub(super) fn install() {
    if log::set_logger(&Forwarder).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}
