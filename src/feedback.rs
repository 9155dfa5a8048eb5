//! What an algorithm says while it runs, and how it learns that it should stop.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::language::Language;
use crate::text::Text;

/// How important a message is. The numbers are those of the C interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum Level {
    /// Diagnostics for whoever looks into a problem.
    Debug = 0,
    /// What is being done.
    Info = 1,
    /// Something that the user should look at.
    Warning = 2,
    /// Something that failed.
    Error = 3,
}

/// What an algorithm reports.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// How far the work is, in percent.
    Progress(f64),
    /// A sentence for the user.
    Message(Level, String),
}

type Sink = Box<dyn Fn(Event) + Send + Sync>;
type Hook = Arc<dyn Fn() + Send + Sync>;

/// The link between an algorithm and its caller. Cheap to clone; shared between threads.
#[derive(Clone)]
pub struct Feedback {
    inner: Arc<Inner>,
    language: Language,
}

struct Inner {
    sink: Sink,
    canceled: AtomicBool,
    hooks: Mutex<BTreeMap<u64, Hook>>,
    next_hook: AtomicU64,
}

/// Keeps a cancel hook registered; dropping it takes the hook away.
pub struct CancelGuard {
    feedback: Feedback,
    id: u64,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.feedback.hooks().remove(&self.id);
    }
}

impl Feedback {
    /// A feedback that hands every event to `sink`, on whichever thread the event arises.
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self {
            inner: Arc::new(Inner {
                sink: Box::new(sink),
                canceled: AtomicBool::new(false),
                hooks: Mutex::default(),
                next_hook: AtomicU64::new(0),
            }),
            language: Language::ENGLISH,
        }
    }

    /// The same link, with its messages in that language.
    #[must_use]
    pub fn speaking(&self, language: Language) -> Self {
        Self {
            inner: self.inner.clone(),
            language,
        }
    }

    /// The language of its messages.
    pub fn language(&self) -> Language {
        self.language
    }

    /// A feedback that nobody listens to.
    pub fn silent() -> Self {
        Self::new(|_| ())
    }

    fn hooks(&self) -> MutexGuard<'_, BTreeMap<u64, Hook>> {
        self.inner
            .hooks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Says how far the work is, in percent.
    pub fn progress(&self, percent: f64) {
        (self.inner.sink)(Event::Progress(percent.clamp(0.0, 100.0)));
    }

    /// Says something to the user.
    pub fn message(&self, level: Level, text: Text) {
        (self.inner.sink)(Event::Message(level, text.in_language(self.language)));
    }

    /// Says what is being done.
    pub fn info(&self, text: Text) {
        self.message(Level::Info, text);
    }

    /// Says what the user should look at.
    pub fn warning(&self, text: Text) {
        self.message(Level::Warning, text);
    }

    /// Asks the work to stop: [`check`](Self::check) fails from now on, and every hook is called
    /// (each interrupts one thing that may take long: a query, a child process).
    pub fn cancel(&self) {
        self.inner.canceled.store(true, Ordering::SeqCst);
        let hooks: Vec<Hook> = self.hooks().values().cloned().collect();
        // Side by side: one that has to wait for a server must not keep the others from their work.
        std::thread::scope(|threads| {
            for hook in &hooks {
                threads.spawn(|| hook());
            }
        });
    }

    /// Whether the caller asked to stop.
    pub fn is_canceled(&self) -> bool {
        self.inner.canceled.load(Ordering::SeqCst)
    }

    /// Fails with [`Kind::Canceled`](crate::error::Kind::Canceled) when the caller asked to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_canceled() {
            Err(Error::canceled())
        } else {
            Ok(())
        }
    }

    /// Registers what interrupts the work that is about to begin. `hook` is called from another
    /// thread, at any moment until the guard is dropped, and at once if the cancel came first.
    pub fn on_cancel(&self, hook: impl Fn() + Send + Sync + 'static) -> CancelGuard {
        let hook: Hook = Arc::new(hook);
        let id = self.inner.next_hook.fetch_add(1, Ordering::SeqCst);
        self.hooks().insert(id, hook.clone());
        if self.is_canceled() {
            hook();
        }
        CancelGuard {
            feedback: self.clone(),
            id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_hook_is_called_once_registered_or_when_the_cancel_came_first() {
        let feedback = Feedback::silent();
        let calls = Arc::new(AtomicUsize::new(0));
        let count = || {
            let calls = calls.clone();
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        let kept = feedback.on_cancel(count());
        drop(feedback.on_cancel(count()));
        feedback.cancel();
        assert_eq!(
            calls.load(Ordering::SeqCst),
            1,
            "the dropped hook must not be called"
        );
        let _late = feedback.on_cancel(count());
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        assert!(feedback.check().is_err());
        drop(kept);
    }
}
