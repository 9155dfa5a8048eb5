//! Waiting for something that cannot be interrupted, in a way that can.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::feedback::Feedback;

/// How often a cancel is looked for.
const POLL: Duration = Duration::from_millis(50);

/// Runs `job` on a thread of its own; `None` when `timeout` passes before it ends. The thread is
/// left to itself then, and on a cancel: `job` must be something that ends soon in any case.
///
/// # Errors
/// [`Kind::Canceled`](crate::error::Kind::Canceled) follows a cancel within 50 ms.
pub fn beside<T: Send + 'static>(
    feedback: &Feedback,
    timeout: Option<Duration>,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>> {
    feedback.check()?;
    let started = Instant::now();
    let (sender, results) = channel();
    thread::Builder::new()
        .name("lizsync-connect".into())
        .spawn(move || {
            // Nobody receives it when the wait was given up.
            let _ = sender.send(job());
        })
        .map_err(|error| Error::internal(format!("A thread cannot be started: {error}.")))?;
    loop {
        match results.recv_timeout(POLL) {
            Ok(result) => return Ok(Some(result)),
            Err(RecvTimeoutError::Timeout) => {
                feedback.check()?;
                if timeout.is_some_and(|timeout| started.elapsed() >= timeout) {
                    return Ok(None);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::internal(
                    "A thread that was connecting has ended unexpectedly.",
                ));
            }
        }
    }
}
