//! Servers that do not answer, and cancels.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use lizsync::error::Kind;
use lizsync::feedback::Feedback;
use lizsync::postgres::open;

use super::support::admin;
use super::{assert_says, certificate, connect, one, refusal, test, with_password};

#[test]
fn what_is_no_postgresql_server_is_said_to_be_none() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "N", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let error = refusal(&format!(
            "host=127.0.0.1 port={port} user=anna sslmode=require"
        ));
        let expected = match answer {
            "N" => "does not support TLS",
            "" => "closed before",
            _ => "not PostgreSQL",
        };
        assert_says(&error, Kind::Connection, &[expected]);
        server.join().unwrap();
    }
}

/// A server that takes connections and stays silent: calls `then` when a client has spoken, and
/// reports when the client is gone.
fn silent_server(then: impl Fn() + Send + 'static) -> (u16, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 8]).unwrap();
        then();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        while stream.read(&mut [0; 64]).unwrap() > 0 {}
    });
    (port, server)
}

#[test]
fn connecting_to_a_silent_server_can_be_canceled() {
    for mode in ["disable", "prefer", "require"] {
        let feedback = Feedback::silent();
        let (sender, canceled) = channel();
        let (port, server) = silent_server({
            let feedback = feedback.clone();
            move || {
                sender.send(Instant::now()).unwrap();
                feedback.cancel();
            }
        });
        let value = format!("host=127.0.0.1 port={port} user=anna sslmode={mode}");
        let error = open(&value, &BTreeMap::new(), &feedback).err().unwrap();
        assert_eq!(error.kind(), Kind::Canceled);
        assert!(canceled.recv().unwrap().elapsed() < Duration::from_secs(1));
        // The server sees the connection end: no thread is left behind that waits for it.
        server.join().unwrap();
    }
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    let (port, server) = silent_server(|| ());
    let started = Instant::now();
    let error = refusal(&format!(
        "host=127.0.0.1 port={port} user=anna dbname=gis sslmode=require connect_timeout=1"
    ));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_says(
        &error,
        Kind::Connection,
        &["no answer within 1 s", "connect_timeout"],
    );
    server.join().unwrap();
    let (port, _server) = silent_server(|| ());
    let uri = format!(
        "postgresql://postgres:{}@127.0.0.1:{port},127.0.0.1:{}/postgres?connect_timeout=1",
        test("PASSWORD"),
        test("PORT")
    );
    connect(&uri).unwrap();
}

/// Runs a query that would last, and cancels as soon as the server runs it.
fn cancel_a_query(value: &str) {
    let feedback = Feedback::silent();
    let mut connection = open(value, &BTreeMap::new(), &feedback).unwrap();
    let pid = one(&mut connection, "pg_backend_pid()");
    let canceler = thread::spawn(move || {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep'"
        );
        let mut watcher = admin();
        while watcher.query_one(&sql, &[]).unwrap().get::<_, i64>(0) == 0 {}
        feedback.cancel();
    });
    let started = Instant::now();
    assert!(connection.batch_execute("SELECT pg_sleep(60)").is_err());
    assert!(started.elapsed() < Duration::from_secs(30));
    canceler.join().unwrap();
}

#[test]
fn a_cancel_interrupts_a_query_by_the_way_of_the_connection() {
    let socket = format!(
        "host={} port={} user=postgres",
        test("SOCKET"),
        test("PORT")
    );
    let root = certificate("root.crt");
    for value in [
        socket,
        format!("{} sslmode=disable", with_password()),
        format!("{} sslmode=prefer", with_password()),
        format!("{} sslmode=verify-full sslrootcert={root}", with_password()),
    ] {
        cancel_a_query(&value);
    }
}

#[test]
fn a_cancel_frees_a_connection_whose_server_is_out_of_reach() {
    // A relay that takes one connection only, so that no cancel request comes through.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let relay = thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        drop(listener);
        let server = TcpStream::connect(format!("127.0.0.1:{}", test("PORT"))).unwrap();
        let copy = |mut from: TcpStream, mut to: TcpStream| {
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            })
        };
        let both = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let threads = [copy(client, server), copy(both.1, both.0)];
        for thread in threads {
            thread.join().unwrap();
        }
    });
    cancel_a_query(&format!("{} port={port}", with_password()));
    relay.join().unwrap();
}
