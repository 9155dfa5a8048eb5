//! The C interface, called as C calls it.
#![allow(unsafe_code)]

mod support;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::net::TcpListener;
use std::ptr;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use lizsync::ffi::*;
use serde_json::{Value, json};
use support::Database;

/// How soon a cancel must have ended a run.
const SOON: Duration = Duration::from_secs(2);

/// Takes a string of the library.
fn take(text: *mut c_char) -> Value {
    assert!(!text.is_null(), "*out_json must be set");
    let value = serde_json::from_slice(unsafe { CStr::from_ptr(text) }.to_bytes()).unwrap();
    unsafe { lizsync_string_free(text) };
    value
}

fn pointer(text: Option<&[u8]>) -> (*const c_char, Option<CString>) {
    let owned = text.map(|text| CString::new(text).unwrap());
    (
        owned.as_ref().map_or(ptr::null(), |text| text.as_ptr()),
        owned,
    )
}

/// Runs and checks with these bytes (None is null), with and without `out_json`; both must agree.
fn refused(id: Option<&[u8]>, parameters: Option<&[u8]>) -> (lizsync_status, Value) {
    let (id, _id) = pointer(id);
    let (parameters, _parameters) = pointer(parameters);
    let mut out = ptr::dangling_mut();
    let status = unsafe { lizsync_run(id, parameters, ptr::null(), &mut out) };
    let outputs = take(out);
    assert_eq!(outputs["OUTPUT_STATUS"], 0);
    assert_eq!(outputs["error"]["code"], status as i32);
    assert!(
        outputs["OUTPUT_STRING"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    let mut out = ptr::dangling_mut();
    assert_eq!(status, unsafe { lizsync_check(id, parameters, &mut out) });
    assert_eq!(outputs, take(out));
    let unwanted = ptr::null_mut();
    assert_eq!(status, unsafe {
        lizsync_run(id, parameters, ptr::null(), unwanted)
    });
    assert_eq!(status, unsafe { lizsync_check(id, parameters, unwanted) });
    (status, outputs)
}

/// What callbacks were called, and where; `stop` says when to cancel.
struct Caller {
    threads: Vec<ThreadId>,
    progress: Vec<f64>,
    messages: Vec<(c_int, String)>,
    stop: Box<dyn FnMut() -> bool>,
    stopped: Option<Instant>,
}

impl Caller {
    fn new(stop: impl FnMut() -> bool + 'static) -> Self {
        Self {
            threads: Vec::new(),
            progress: Vec::new(),
            messages: Vec::new(),
            stop: Box::new(stop),
            stopped: None,
        }
    }

    unsafe fn called<'a>(user_data: *mut c_void) -> &'a mut Self {
        let caller = unsafe { &mut *user_data.cast::<Self>() };
        caller.threads.push(thread::current().id());
        caller
    }

    unsafe extern "C" fn progress(user_data: *mut c_void, percent: f64) {
        unsafe { Self::called(user_data) }.progress.push(percent);
    }

    unsafe extern "C" fn message(user_data: *mut c_void, level: c_int, utf8: *const c_char) {
        let text = unsafe { CStr::from_ptr(utf8) }.to_str().unwrap().to_owned();
        unsafe { Self::called(user_data) }
            .messages
            .push((level, text));
    }

    unsafe extern "C" fn is_canceled(user_data: *mut c_void) -> bool {
        let caller = unsafe { Self::called(user_data) };
        if caller.stopped.is_none() && (caller.stop)() {
            caller.stopped = Some(Instant::now());
        }
        caller.stopped.is_some()
    }

    fn run(&mut self, id: &str, parameters: &Value) -> (lizsync_status, Value) {
        let feedback = lizsync_feedback {
            user_data: ptr::from_mut(self).cast(),
            progress: Some(Self::progress),
            message: Some(Self::message),
            is_canceled: Some(Self::is_canceled),
        };
        let (id, _id) = pointer(Some(id.as_bytes()));
        let (parameters, _parameters) = pointer(Some(parameters.to_string().as_bytes()));
        let mut out = ptr::null_mut();
        let status = unsafe { lizsync_run(id, parameters, &feedback, &mut out) };
        (status, take(out))
    }

    fn assert_canceled_soon(&mut self, id: &str, parameters: &Value) {
        let (status, outputs) = self.run(id, parameters);
        assert_eq!(status, lizsync_status::LIZSYNC_CANCELED, "{outputs}");
        assert_eq!(outputs["error"]["kind"], "canceled");
        let since = self.stopped.expect("it ended without a cancel").elapsed();
        assert!(since < SOON, "the cancel took {since:?}");
    }
}

#[test]
fn the_registry_comes_out_as_json() {
    assert_eq!(take(lizsync_algorithms()), *lizsync::registry::describe());
    assert_eq!(lizsync_abi_version(), LIZSYNC_ABI_VERSION);
    let version = unsafe { CStr::from_ptr(lizsync_version()) };
    assert_eq!(version.to_str().unwrap(), lizsync::VERSION);
    unsafe { lizsync_string_free(ptr::null_mut()) };
}

#[test]
fn rubbish_is_refused() {
    use lizsync_status::{LIZSYNC_INVALID_PARAMETER, LIZSYNC_UNKNOWN_ALGORITHM};
    let id: Option<&[u8]> = Some(b"synchronize_database");
    let deep = ["[".repeat(200_000), "{\"a\":".repeat(200_000)];
    let secret = br#"{"CONNECTION_NAME_CENTRAL": "password=sesame"#;
    for parameters in [
        None,
        Some(&b"\xff\xfe"[..]),
        Some(b"{"),
        Some(b"[]"),
        Some(b"null"),
        Some(b"{} {}"),
        Some(b"{\"CONNECTION_NAME_CENTRAL\": \"\\ud800\"}"),
        Some(deep[0].as_bytes()),
        Some(deep[1].as_bytes()),
        Some(secret),
    ] {
        let (status, outputs) = refused(id, parameters);
        assert_eq!(status, LIZSYNC_INVALID_PARAMETER);
        assert!(!outputs.to_string().contains("sesame"));
    }
    for id in [None, Some(&b"\xff"[..])] {
        assert_eq!(refused(id, Some(b"{}")).0, LIZSYNC_INVALID_PARAMETER);
    }
    for id in [&b""[..], b"nope", &[b'x'; 100_000]] {
        assert_eq!(refused(Some(id), Some(b"{}")).0, LIZSYNC_UNKNOWN_ALGORITHM);
    }
}

#[test]
fn what_is_wrong_with_a_parameter_is_named() {
    for (parameters, named) in [
        (json!({}), "CONNECTION_NAME"),
        (json!({"CONNECTION_NAME": 7}), "CONNECTION_NAME"),
        (json!({"CONNECTION_NAME": "a", "SURPRISE": 1}), "SURPRISE"),
        (
            json!({"CONNECTION_NAME": "a", "OVERRIDE_AUDIT": "true"}),
            "OVERRIDE_AUDIT",
        ),
        (
            json!({"CONNECTION_NAME": "a", "connections": []}),
            "connections",
        ),
        (json!({"CONNECTION_NAME": "a\u{0}b"}), "CONNECTION_NAME"),
    ] {
        let text = parameters.to_string();
        let (status, outputs) = refused(Some(b"create_database_structure"), Some(text.as_bytes()));
        assert_eq!(status, lizsync_status::LIZSYNC_INVALID_PARAMETER);
        let sentence = outputs["OUTPUT_STRING"].as_str().unwrap();
        assert!(sentence.contains(named), "{sentence}");
    }
}

#[test]
fn callbacks_come_on_the_callers_thread() {
    let database = Database::new("ffi");
    let parameters = json!({"CONNECTION_NAME": database.conninfo()});
    let mut caller = Caller::new(|| false);
    let (status, outputs) = caller.run("create_database_structure", &parameters);
    assert_eq!(status, lizsync_status::LIZSYNC_OK, "{outputs}");
    assert_eq!(outputs["OUTPUT_STATUS"], 1);
    assert!(
        caller
            .threads
            .iter()
            .all(|thread| *thread == thread::current().id())
    );
    assert_eq!(caller.progress.last(), Some(&100.0));
    assert!(caller.progress.is_sorted());
    assert!(
        caller
            .messages
            .iter()
            .all(|(level, text)| (0..=3).contains(level) && !text.is_empty())
    );
}

#[test]
fn callbacks_may_be_null() {
    let database = Database::new("ffi");
    let nothing = lizsync_feedback {
        user_data: ptr::null_mut(),
        progress: None,
        message: None,
        is_canceled: None,
    };
    let (id, _id) = pointer(Some(b"create_database_structure"));
    let text = json!({"CONNECTION_NAME": database.conninfo()}).to_string();
    let (parameters, _parameters) = pointer(Some(text.as_bytes()));
    for expected in [lizsync_status::LIZSYNC_OK, lizsync_status::LIZSYNC_STATE] {
        let status = unsafe { lizsync_run(id, parameters, &nothing, ptr::null_mut()) };
        assert_eq!(status, expected);
    }
}

#[test]
fn a_cancel_interrupts_a_query() {
    let database = Database::new("ffi");
    let mut other = database.connect();
    let mut holding = other.transaction().unwrap();
    holding.batch_execute("CREATE SCHEMA audit").unwrap();
    let mut observer = support::admin();
    let name = database.name.clone();
    let waiting =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'";
    let mut caller = Caller::new(move || observer.query_one(waiting, &[&name]).unwrap().get(0));
    let parameters = json!({"CONNECTION_NAME": database.conninfo()});
    caller.assert_canceled_soon("create_database_structure", &parameters);
}

#[test]
fn a_cancel_interrupts_a_connection_attempt() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let parameters =
        json!({"CONNECTION_NAME": format!("host=127.0.0.1 port={port} user=a dbname=b")});
    let connected = move || {
        // The attempt has begun when the listener has it.
        silent.set_nonblocking(true).unwrap();
        match silent.accept() {
            Ok((stream, _)) => {
                // Kept open, so that the client goes on waiting.
                std::mem::forget(stream);
                true
            }
            Err(_) => false,
        }
    };
    Caller::new(connected).assert_canceled_soon("create_database_structure", &parameters);
}
