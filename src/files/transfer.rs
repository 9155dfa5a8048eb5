//! Transferring files over several connections at a time. A file gets its name when all of it is there.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::client::Client;
use super::session::{Problem, Session};
use super::single::{Arrival, Job, down, look_again, up};
use crate::error::{Error, Result};
use crate::text::{Text, tr};

/// How often a file is tried, and how long is waited before the second time; then twice as long.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(250);

/// Which way files go.
#[derive(Clone, Copy)]
pub enum Way<'w> {
    /// From the server to this machine.
    Down(&'w dyn Arrival),
    /// To the server. `replace`: whether one of the same name may be replaced.
    Up { replace: bool },
}

/// What became of the files.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The files that were transferred.
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// The files that were not, and why.
    pub failed: Vec<(String, Text)>,
}

struct Work<'w> {
    session: &'w Arc<Session>,
    way: Way<'w>,
    jobs: Mutex<VecDeque<Job>>,
    done: Mutex<Done>,
    /// What ends all work.
    ended: Mutex<Option<Error>>,
    moved: AtomicU64,
    all: u64,
    /// How many of the connections are there.
    connected: AtomicUsize,
}

/// Transfers the files over at most `connections`, of which `first` is one.
///
/// # Errors
/// A cancel, and what concerns not one file but all: no connection, no room on the disk.
pub fn transfer(
    session: &Arc<Session>,
    first: &mut Option<Client>,
    jobs: Vec<Job>,
    way: Way<'_>,
    connections: usize,
    progress: (f64, f64),
) -> Result<Done> {
    let all = jobs.iter().fold(0u64, |sum, job| {
        sum.saturating_add(job.size).saturating_add(1)
    });
    let count = connections.clamp(1, jobs.len().max(1));
    let work = Work {
        session,
        way,
        jobs: Mutex::new(jobs.into()),
        done: Mutex::default(),
        ended: Mutex::new(None),
        moved: AtomicU64::new(0),
        all,
        connected: AtomicUsize::new(usize::from(first.is_some())),
    };
    let kept = thread::scope(|threads| {
        let others: Vec<_> = (1..count)
            .map(|_| threads.spawn(|| work.run(None, progress)))
            .collect();
        let kept = work.run(first.take(), progress);
        for other in others {
            match other.join() {
                Ok(Some(client)) => client.leave(),
                Ok(None) => (),
                Err(_) => {
                    let error = Error::internal("A transfer ended unexpectedly.");
                    take(&work.ended).get_or_insert(error);
                }
            }
        }
        kept
    });
    *first = kept;
    if let Some(error) = take(&work.ended).take() {
        return Err(error);
    }
    let mut done = std::mem::take(&mut *take(&work.done));
    let left = std::mem::take(&mut *take(&work.jobs));
    let why = tr!("no connection was left");
    done.failed
        .extend(left.into_iter().map(|job| (job.path, why.clone())));
    done.files.sort();
    done.failed.sort();
    Ok(done)
}

fn take<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work<'_> {
    /// One connection: takes jobs as long as there are any. Returns the connection, if it still works.
    fn run(&self, mut client: Option<Client>, progress: (f64, f64)) -> Option<Client> {
        // Who holds no job need not be waited for: servers allow only so many connections.
        if client.is_none() && self.connected.load(Ordering::SeqCst) > 0 {
            client = self.connect().ok();
            client.as_ref()?;
        }
        while take(&self.ended).is_none() {
            let Some(mut job) = take(&self.jobs).pop_front() else {
                break;
            };
            match self.tried(&mut client, &mut job, progress) {
                Ok(()) => {
                    let mut done = take(&self.done);
                    done.bytes = done.bytes.saturating_add(job.size);
                    done.files.push(job.path);
                    drop(done);
                    self.moved(1, progress);
                }
                // It is the connection that does not come about: the others go on.
                Err((_, true)) if self.connected.load(Ordering::SeqCst) > 0 => {
                    take(&self.jobs).push_front(job);
                    break;
                }
                Err((problem, _)) if self.concerns_all(&problem) => {
                    let doing = tr!("Transferring {path}", path = job.path);
                    take(&self.ended).get_or_insert(problem.into_error(doing));
                }
                Err((problem, _)) => {
                    let text = problem.text();
                    let warning = tr!(
                        "{path} was not transferred: {why}.",
                        path = job.path,
                        why = text
                    );
                    self.session.feedback.warning(warning);
                    take(&self.done).failed.push((job.path, text));
                }
            }
        }
        client
    }

    fn connect(&self) -> std::result::Result<Client, Problem> {
        let client = Client::connect(self.session)?;
        self.connected.fetch_add(1, Ordering::SeqCst);
        Ok(client)
    }

    fn concerns_all(&self, problem: &Problem) -> bool {
        let done = take(&self.done);
        match problem {
            Problem::Final(error) => error.kind() != crate::error::Kind::File,
            Problem::Lost(_) => done.failed.len() >= 3 && done.files.is_empty(),
            Problem::Refused(code, _) => matches!(code, 452 | 552),
        }
    }

    /// A file, with as many tries as it may have. An error tells whether the last of them got no connection.
    fn tried(
        &self,
        client: &mut Option<Client>,
        job: &mut Job,
        progress: (f64, f64),
    ) -> std::result::Result<(), (Problem, bool)> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let (problem, connecting) = match self.once(client, job, attempt, progress) {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            };
            if let Problem::Lost(_) | Problem::Final(_) = problem {
                // What it is in the middle of is not known.
                if client.take().is_some() {
                    self.connected.fetch_sub(1, Ordering::SeqCst);
                }
            }
            self.session
                .feedback
                .check()
                .map_err(|error| (error.into(), false))?;
            if attempt == TRIES || !problem.is_passing() {
                return Err((problem, connecting));
            }
            log::debug!("{}: try {attempt}: {}", job.path, problem.text());
            self.wait(pause).map_err(|problem| (problem, false))?;
            pause *= 2;
            attempt += 1;
        }
    }

    /// Waits, unless a cancel comes.
    fn wait(&self, pause: Duration) -> std::result::Result<(), Problem> {
        let (sender, canceled) = channel::<()>();
        let sender = Mutex::new(sender);
        let _guard = self.session.feedback.on_cancel(move || {
            // Nobody waits any more where this fails.
            let _ = take(&sender).send(());
        });
        match canceled.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ => Ok(self.session.feedback.check()?),
        }
    }

    fn moved(&self, bytes: u64, (from, to): (f64, f64)) {
        let moved = self.moved.fetch_add(bytes, Ordering::SeqCst) + bytes;
        let part = (moved as f64 / self.all.max(1) as f64).min(1.0);
        self.session.feedback.progress(from + part * (to - from));
    }

    fn once(
        &self,
        client: &mut Option<Client>,
        job: &mut Job,
        attempt: u32,
        progress: (f64, f64),
    ) -> std::result::Result<(), (Problem, bool)> {
        let connected = match client {
            Some(connected) => connected,
            None => client.insert(self.connect().map_err(|problem| (problem, true))?),
        };
        let moved = |bytes| self.moved(bytes, progress);
        let outcome = match self.way {
            Way::Down(arrival) => {
                // The file may have become another one since it was listed.
                if attempt > 1 {
                    look_again(connected, job).map_err(|problem| (problem, false))?;
                }
                down(connected, job, arrival, &moved)
            }
            Way::Up { replace } => up(connected, job, replace, &moved, &|| self.wait(PAUSE)),
        };
        outcome.map_err(|problem| (problem, false))
    }
}
