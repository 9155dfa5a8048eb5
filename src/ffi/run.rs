//! Running work on another thread while the caller's own thread pumps its callbacks.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{lizsync_feedback, logger, panicked};
use crate::error::{Error, Result};
use crate::feedback::{Event, Feedback};

/// How often the caller is asked whether to stop.
const POLL: Duration = Duration::from_millis(50);
/// How often a cancel is repeated: one that falls between two queries interrupts neither.
const REPEAT: Duration = Duration::from_millis(300);

/// Runs `work` on a worker thread; messages and cancel go through the calling thread.
pub(super) fn pump(
    callbacks: Option<lizsync_feedback>,
    work: impl FnOnce(&Feedback) -> Result<Value> + Send + 'static,
) -> Result<Value> {
    logger::install();
    let (sender, events) = channel();
    let feedback = Feedback::new(move |event| deliver(&sender, event));
    let for_worker = feedback.clone();
    let worker = thread::Builder::new()
        .name("lizsync".into())
        .spawn(move || {
            let _forwarding = logger::forward_to(&for_worker);
            work(&for_worker)
        })
        .map_err(|error| Error::internal(format!("A thread cannot be started: {error}.")))?;

    let mut last_cancel: Option<Instant> = None;
    while !worker.is_finished() {
        match events.recv_timeout(POLL) {
            Ok(event) => {
                if let Some(callbacks) = &callbacks {
                    callbacks.deliver(event);
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if let Some(callbacks) = &callbacks
            && last_cancel.is_none_or(|at| at.elapsed() >= REPEAT)
            && (last_cancel.is_some() || callbacks.canceled())
        {
            last_cancel = Some(Instant::now());
            let feedback = feedback.clone();
            // A cancel request opens a connection, which must not stop the pump.
            let _ = thread::Builder::new()
                .name("lizsync-cancel".into())
                .spawn(move || feedback.cancel());
        }
    }
    for event in events.try_iter() {
        if let Some(callbacks) = &callbacks {
            callbacks.deliver(event);
        }
    }
    worker.join().unwrap_or_else(|_| Err(panicked()))
}

fn deliver(sender: &Sender<Event>, event: Event) {
    // The receiver is gone only when nobody listens any more.
    let _ = sender.send(event);
}
