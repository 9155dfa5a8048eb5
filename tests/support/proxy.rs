//! A proxy between a run and its servers, which breaks connections at a chosen message: as a dead
//! client or a cut network looks to PostgreSQL, and to the client.
//!
//! It counts what the client asks for (queries, executions, pieces of COPY and their ends) over all
//! connections to both sides, and acts at the n-th: before it reaches the server, or when the server
//! has done it and the answer is lost. Only plain text is understood: `sslmode=disable`.
#![allow(dead_code, missing_docs)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Whether the message reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    /// The server has done what was asked for; its answer does not reach the client.
    After,
}

/// Whose connections end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Central,
    Clone,
}

pub const BOTH: &[Side] = &[Side::Central, Side::Clone];

/// What happens at a message, apart from the cut.
type Act = Box<dyn FnOnce() + Send>;

/// What is to happen.
struct Plan {
    at: usize,
    when: When,
    act: Option<Act>,
}

struct State {
    /// Messages counted.
    seen: usize,
    plan: Option<Plan>,
    /// The sides that `plan` ends.
    victims: Vec<Side>,
    /// Whether it happened.
    done: bool,
    closing: bool,
    sockets: Vec<(Side, TcpStream, UnixStream)>,
}

struct Shared(Mutex<State>, Condvar);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a message; the act, if this is the one, and when.
    fn count(&self) -> Option<(When, Option<Act>)> {
        let mut state = self.state();
        state.seen += 1;
        if state.plan.as_ref().is_none_or(|plan| plan.at != state.seen) {
            return None;
        }
        state.plan.take().map(|plan| (plan.when, plan.act))
    }

    /// Acts, and ends the connections of the victims on both of their ends.
    fn strike(&self, act: Option<Act>) {
        if let Some(act) = act {
            act();
        }
        let mut state = self.state();
        state.done = true;
        self.1.notify_all();
        for (side, client, server) in &state.sockets {
            if state.victims.contains(side) {
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            }
        }
    }

    fn is_victim(&self, side: Side) -> bool {
        self.state().victims.contains(&side)
    }
}

/// A proxy for the two databases of one run.
pub struct Proxy {
    shared: Arc<Shared>,
    ports: [u16; 2],
}

impl Proxy {
    /// A proxy that does nothing but count; the sockets are those of the two servers.
    pub fn new(sockets: [PathBuf; 2]) -> Self {
        Self::build(sockets, None, &[])
    }

    /// A proxy that ends the connections of `victims` at the message number `at` (from 1).
    pub fn cutting(sockets: [PathBuf; 2], at: usize, when: When, victims: &[Side]) -> Self {
        let act = None;
        Self::build(sockets, Some(Plan { at, when, act }), victims)
    }

    /// The same, after `act` was called; without victims, everything goes on then.
    pub fn acting(
        sockets: [PathBuf; 2],
        at: usize,
        when: When,
        victims: &[Side],
        act: impl FnOnce() + Send + 'static,
    ) -> Self {
        let act: Option<Act> = Some(Box::new(act));
        Self::build(sockets, Some(Plan { at, when, act }), victims)
    }

    fn build(sockets: [PathBuf; 2], plan: Option<Plan>, victims: &[Side]) -> Self {
        let state = State {
            seen: 0,
            done: plan.is_none(),
            plan,
            victims: victims.to_vec(),
            closing: false,
            sockets: Vec::new(),
        };
        let shared = Arc::new(Shared(Mutex::new(state), Condvar::new()));
        let [central, clone] = sockets;
        let ports = [(Side::Central, central), (Side::Clone, clone)]
            .map(|(side, socket)| listen(&shared, side, socket));
        Self { shared, ports }
    }

    /// The conninfo of a database behind this proxy.
    pub fn conninfo(&self, side: Side, database: &str) -> String {
        let port = self.ports[usize::from(side == Side::Clone)];
        format!("host=127.0.0.1 port={port} user=postgres dbname='{database}' sslmode=disable")
    }

    /// How many messages were counted.
    pub fn seen(&self) -> usize {
        self.shared.state().seen
    }

    /// Whether the message came; if so, waits until what was to happen at it has happened.
    pub fn done(&self) -> bool {
        let state = self.shared.state();
        let done = |state: &mut State| !state.done && state.plan.is_none();
        let limit = std::time::Duration::from_secs(120);
        let waited = self.shared.1.wait_timeout_while(state, limit, done);
        waited.unwrap_or_else(PoisonError::into_inner).0.done
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closing = true;
        for (_, client, server) in state.sockets.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
        drop(state);
        for port in self.ports {
            // So that the listener wakes up and sees that it is over.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        }
    }
}

fn listen(shared: &Arc<Shared>, side: Side, socket: PathBuf) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let shared = shared.clone();
    thread::spawn(move || {
        for client in listener.incoming() {
            let state = shared.state();
            if state.closing {
                return;
            }
            let cut = state.done && state.victims.contains(&side);
            drop(state);
            if let (false, Ok(client)) = (cut, client) {
                // A server that is not there is seen as a closed connection.
                let _ = connect(&shared, side, client, &socket);
            }
        }
    });
    port
}

fn connect(
    shared: &Arc<Shared>,
    side: Side,
    client: TcpStream,
    socket: &PathBuf,
) -> io::Result<()> {
    let server = UnixStream::connect(socket)?;
    client.set_nodelay(true)?;
    shared
        .state()
        .sockets
        .push((side, client.try_clone()?, server.try_clone()?));
    let link = Arc::new(Link::default());
    let (answers, client_back, link_back) =
        (server.try_clone()?, client.try_clone()?, link.clone());
    thread::spawn(move || {
        let client = client_back.try_clone();
        let _ = backward(answers, client_back, &link_back);
        // What one end closed is closed for the other, here and below.
        if let Ok(client) = client {
            let _ = client.shutdown(Shutdown::Both);
        }
        link_back.update(|tally| tally.closed = true);
    });
    let shared = shared.clone();
    thread::spawn(move || {
        let (ours, theirs) = (client.try_clone(), server.try_clone());
        let _ = forward(client, server, &shared, side, &link);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            let _ = ours.shutdown(Shutdown::Both);
            let _ = theirs.shutdown(Shutdown::Both);
        }
    });
    Ok(())
}

/// What the two directions of a connection know of each other.
#[derive(Default)]
struct Link {
    tally: Mutex<Tally>,
    changed: Condvar,
}

#[derive(Default)]
struct Tally {
    /// Requests that the server has not finished with.
    pending: i64,
    /// Answers are thrown away.
    muted: bool,
    closed: bool,
}

impl Link {
    fn update<T>(&self, change: impl FnOnce(&mut Tally) -> T) -> T {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let value = change(&mut tally);
        self.changed.notify_all();
        value
    }

    fn wait_until_answered(&self) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        while tally.pending > 0 && !tally.closed {
            tally = self
                .changed
                .wait(tally)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The first message, which has no type.
fn read_start(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes(head) as usize;
    let mut message = head.to_vec();
    message.resize(length, 0);
    from.read_exact(&mut message[4..])?;
    Ok(message)
}

/// A message with its type and length.
fn read_message(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut message = head.to_vec();
    message.resize(length + 1, 0);
    from.read_exact(&mut message[5..])?;
    Ok(message)
}

fn forward(
    mut client: TcpStream,
    mut server: UnixStream,
    shared: &Shared,
    side: Side,
    link: &Link,
) -> io::Result<()> {
    let start = read_start(&mut client)?;
    link.update(|tally| tally.pending += 1);
    server.write_all(&start)?;
    loop {
        let message = read_message(&mut client)?;
        let tag = message[0];
        let struck = match tag {
            b'Q' | b'E' | b'd' | b'c' => shared.count(),
            _ => None,
        };
        let Some((when, act)) = struck else {
            send(&mut server, &message, link)?;
            continue;
        };
        if when == When::Before {
            shared.strike(act);
            if shared.is_victim(side) {
                return Ok(());
            }
            send(&mut server, &message, link)?;
            continue;
        }
        link.update(|tally| tally.muted = shared.is_victim(side));
        send(&mut server, &message, link)?;
        if tag != b'd' {
            // An execution and the end of a COPY are answered when the client has asked for it.
            let mut last = tag;
            while last != b'Q' && last != b'S' {
                let message = read_message(&mut client)?;
                last = message[0];
                send(&mut server, &message, link)?;
            }
            link.wait_until_answered();
        }
        shared.strike(act);
        if shared.is_victim(side) {
            return Ok(());
        }
    }
}

fn send(server: &mut UnixStream, message: &[u8], link: &Link) -> io::Result<()> {
    if matches!(message[0], b'Q' | b'S') {
        link.update(|tally| tally.pending += 1);
    }
    server.write_all(message)
}

fn backward(mut server: UnixStream, mut client: TcpStream, link: &Link) -> io::Result<()> {
    loop {
        let message = read_message(&mut server)?;
        let muted = link.update(|tally| {
            // Ready, or waiting for the data of a COPY: the Sync after its start is not answered.
            if matches!(message[0], b'Z' | b'G') {
                tally.pending -= 1;
            }
            tally.muted
        });
        if !muted {
            client.write_all(&message)?;
        }
    }
}
