//! Running work on another thread while the caller's own thread pumps its callbacks.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{lizsync_feedback, logger, panicked};
use crate::error::{Error, Result};
use crate::feedback::{Event, Feedback};

/// How often the caller is asked whether to stop.
const POLL: Duration = Duration::from_millis(50);
/// How often a cancel is repeated: one that falls between two queries interrupts neither.
const REPEAT: Duration = Duration::from_millis(300);

/// What the worker says to the pump.
enum Signal {
    Event(Event),
    Ended,
}

/// Says that the worker ended, also when it panics.
struct SayEnded(Sender<Signal>);

impl Drop for SayEnded {
    fn drop(&mut self) {
        // The pump listens until it hears this.
        let _ = self.0.send(Signal::Ended);
    }
}

/// Runs `work` on a worker thread; messages and cancel go through the calling thread.
pub(super) fn pump(
    callbacks: Option<lizsync_feedback>,
    work: impl FnOnce(&Feedback) -> Result<Value> + Send + 'static,
) -> Result<Value> {
    logger::install();
    if callbacks.is_some_and(|callbacks| callbacks.canceled()) {
        return Err(Error::canceled());
    }
    let (sender, signals) = channel();
    let ended = SayEnded(sender.clone());
    let feedback = Feedback::new(move |event| {
        // Nobody listens any more only when the work has ended.
        let _ = sender.send(Signal::Event(event));
    });
    let for_worker = feedback.clone();
    let worker = spawn("lizsync", move || {
        let _ended = ended;
        let _forwarding = logger::forward_to(&for_worker);
        work(&for_worker)
    })?;

    let mut canceling = None;
    loop {
        match signals.recv_timeout(POLL) {
            Ok(Signal::Event(event)) => {
                if let Some(callbacks) = &callbacks {
                    callbacks.deliver(event);
                }
            }
            Ok(Signal::Ended) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        // Asked also after a yes: a caller may use the moment for work of its own thread.
        let canceled = callbacks.is_some_and(|callbacks| callbacks.canceled());
        if canceled && canceling.is_none() {
            canceling = Some(cancel(&feedback));
        }
    }
    worker.join().unwrap_or_else(|_| Err(panicked()))
}

/// Cancels from a thread of its own, since a cancel request opens a connection, until the result
/// is dropped.
fn cancel(feedback: &Feedback) -> Sender<()> {
    let (running, ended) = channel();
    let for_thread = feedback.clone();
    let spawned = spawn("lizsync-cancel", move || {
        loop {
            for_thread.cancel();
            if ended.recv_timeout(REPEAT) != Err(RecvTimeoutError::Timeout) {
                break;
            }
        }
    });
    if spawned.is_err() {
        feedback.cancel();
    }
    running
}

fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<thread::JoinHandle<T>> {
    thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map_err(|error| Error::internal(format!("A thread cannot be started: {error}.")))
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;
    use std::ptr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::error::Kind;

    static POLLS: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn count(_: *mut c_void) -> bool {
        POLLS.fetch_add(1, Ordering::SeqCst);
        false
    }

    unsafe extern "C" fn yes(_: *mut c_void) -> bool {
        true
    }

    fn asking(is_canceled: unsafe extern "C" fn(*mut c_void) -> bool) -> Option<lizsync_feedback> {
        Some(lizsync_feedback {
            user_data: ptr::null_mut(),
            progress: None,
            message: None,
            is_canceled: Some(is_canceled),
        })
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        let error = pump(None, |_| panic!("on purpose")).unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(!error.sentence().contains("on purpose"));
    }

    #[test]
    fn the_caller_is_asked_at_least_every_100_ms() {
        let begin = Instant::now();
        pump(asking(count), |_| {
            while POLLS.load(Ordering::SeqCst) < 20 {
                thread::yield_now();
            }
            Ok(Value::Null)
        })
        .unwrap();
        assert!(begin.elapsed() < Duration::from_millis(2000));
    }

    #[test]
    fn what_is_canceled_before_it_begins_does_not_begin() {
        let error = pump(asking(yes), |_| panic!("it began")).unwrap_err();
        assert_eq!(error.kind(), Kind::Canceled);
    }
}
