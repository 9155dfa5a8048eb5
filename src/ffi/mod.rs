//! The C interface: the only unsafe code.
//!
//! Every exported function goes through [`guard`], so none unwinds into C. Strings that the library
//! returns are owned by the caller, who frees them with `lizsync_string_free`; strings and structs
//! given to it are only borrowed for the call.
#![allow(unsafe_code)]

mod feedback;
mod logger;
mod run;

use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use once_cell::sync::Lazy;
use serde_json::{Value, json};

use crate::error::{Error, Kind, Result};
use crate::language::Language;
use crate::secret::SecretJson;
use crate::text::tr;
use crate::{registry, schema};

pub use feedback::lizsync_feedback;

/// Raised when an existing call changes.
pub const LIZSYNC_ABI_VERSION: u32 = 1;

/// How a call ended. The numbers are fixed and never reused.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub enum lizsync_status {
    /// Success.
    LIZSYNC_OK = 0,
    /// A parameter is missing, unknown, of the wrong type, or its value cannot be used.
    LIZSYNC_INVALID_PARAMETER = 1,
    /// No algorithm has that id.
    LIZSYNC_UNKNOWN_ALGORITHM = 2,
    /// A connection cannot be made, or broke.
    LIZSYNC_CONNECTION = 3,
    /// The role lacks a right.
    LIZSYNC_PERMISSION = 4,
    /// PostgreSQL refused a statement.
    LIZSYNC_DATABASE = 5,
    /// A database is not in the state that the algorithm needs.
    LIZSYNC_STATE = 6,
    /// A local file cannot be read, written or understood.
    LIZSYNC_FILE = 7,
    /// A file transfer failed.
    LIZSYNC_TRANSFER = 8,
    /// An external program is missing or failed.
    LIZSYNC_PROGRAM = 9,
    /// The caller canceled.
    LIZSYNC_CANCELED = 10,
    /// A defect of the library.
    LIZSYNC_INTERNAL = 11,
}

impl From<Kind> for lizsync_status {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Parameter => Self::LIZSYNC_INVALID_PARAMETER,
            Kind::UnknownAlgorithm => Self::LIZSYNC_UNKNOWN_ALGORITHM,
            Kind::Connection => Self::LIZSYNC_CONNECTION,
            Kind::Permission => Self::LIZSYNC_PERMISSION,
            Kind::Database => Self::LIZSYNC_DATABASE,
            Kind::State => Self::LIZSYNC_STATE,
            Kind::File => Self::LIZSYNC_FILE,
            Kind::Transfer => Self::LIZSYNC_TRANSFER,
            Kind::Program => Self::LIZSYNC_PROGRAM,
            Kind::Canceled => Self::LIZSYNC_CANCELED,
            Kind::Internal => Self::LIZSYNC_INTERNAL,
        }
    }
}

/// Runs `body`; a panic becomes `otherwise`.
fn guard<T>(otherwise: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| otherwise())
}

/// Returns the number that is raised when an existing call changes.
#[unsafe(no_mangle)]
pub extern "C" fn lizsync_abi_version() -> u32 {
    LIZSYNC_ABI_VERSION
}

/// Returns the version of the library, a static string that is not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn lizsync_version() -> *const c_char {
    static TEXT: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(text) => text,
            Err(_) => c"",
        };
    TEXT.as_ptr()
}

/// Returns the registry: a JSON array with one object for each algorithm.
///
/// Free the string with `lizsync_string_free`. Null only when memory ran out.
#[unsafe(no_mangle)]
pub extern "C" fn lizsync_algorithms() -> *mut c_char {
    static TEXT: Lazy<String> = Lazy::new(|| registry::describe().to_string());
    guard(ptr::null_mut, || owned(&TEXT))
}

/// Validates the parameters and reaches the servers that they name; changes nothing.
///
/// `id` and `params_json` are UTF-8. `out_json`, unless null, is set to a JSON object that the
/// caller frees with `lizsync_string_free`, also on failure.
///
/// # Safety
/// `id` and `params_json` are null or point to NUL-terminated strings; `out_json` is null or
/// points to a writable pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lizsync_check(
    id: *const c_char,
    params_json: *const c_char,
    out_json: *mut *mut c_char,
) -> lizsync_status {
    // SAFETY: the caller's promises are those of `call`.
    unsafe {
        call(id, params_json, out_json, |id, given| {
            run::pump(None, move |feedback| {
                let outputs = registry::check(&id, given.reveal(), feedback)?;
                Ok(outputs.into_json_in(Language::wanted(given.reveal())))
            })
        })
    }
}

/// Runs one algorithm. The work is done on another thread; callbacks are called on this one.
///
/// `id` and `params_json` are UTF-8; `feedback` and each of its callbacks may be null. `out_json`,
/// unless null, is set to a JSON object that the caller frees with `lizsync_string_free`, also on
/// failure.
///
/// # Safety
/// As for `lizsync_check`; `feedback` is null or points to a valid struct whose callbacks may be
/// called during this call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lizsync_run(
    id: *const c_char,
    params_json: *const c_char,
    feedback: *const lizsync_feedback,
    out_json: *mut *mut c_char,
) -> lizsync_status {
    // SAFETY: the caller promises a valid struct or null; it is copied.
    let callbacks = unsafe { feedback.as_ref() }.copied();
    // SAFETY: the caller's promises are those of `call`.
    unsafe {
        call(id, params_json, out_json, |id, given| {
            run::pump(callbacks, move |feedback| {
                let outputs = registry::run(&id, given.reveal(), feedback)?;
                Ok(outputs.into_json_in(Language::wanted(given.reveal())))
            })
        })
    }
}

/// Frees a string that the library returned; null is fine.
///
/// # Safety
/// `text` is null or was returned by this library and not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lizsync_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the caller promises that the pointer came from `CString::into_raw` here.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// A copy of `text` that the caller owns.
fn owned(text: &str) -> *mut c_char {
    // A NUL would end the string early in C; JSON text escapes it, so there is none.
    let bytes: Vec<u8> = text.bytes().filter(|byte| *byte != 0).collect();
    CString::new(bytes).map_or(ptr::null_mut(), CString::into_raw)
}

/// What `lizsync_check` and `lizsync_run` share: reading the arguments and writing the outcome.
///
/// # Safety
/// As for `lizsync_check`.
unsafe fn call(
    id: *const c_char,
    params_json: *const c_char,
    out_json: *mut *mut c_char,
    work: impl FnOnce(String, SecretJson) -> Result<Value>,
) -> lizsync_status {
    if !out_json.is_null() {
        // SAFETY: the caller promises a writable pointer.
        unsafe { *out_json = ptr::null_mut() };
    }
    let mut language = Language::ENGLISH;
    let outcome = guard(
        || Err(panicked()),
        || {
            // SAFETY: the caller promises NUL-terminated strings or null.
            let (id, text) = unsafe { (text(id, "id")?, text(params_json, "params_json")?) };
            let given = parse(text)?;
            language = Language::wanted(given.reveal());
            work(id.to_owned(), given)
        },
    );
    let (status, outputs) = match outcome {
        Ok(outputs) => (lizsync_status::LIZSYNC_OK, outputs),
        Err(error) => (error.kind().into(), schema::failure(&error, language)),
    };
    if !out_json.is_null() {
        let text = guard(ptr::null_mut, || owned(&outputs.to_string()));
        // SAFETY: as above.
        unsafe { *out_json = text };
    }
    status
}

/// # Safety
/// `pointer` is null or points to a NUL-terminated string that outlives the result.
unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(Error::parameter(tr!("The argument {what} is null.", what)));
    }
    // SAFETY: not null, and the caller promises a NUL-terminated string.
    unsafe { CStr::from_ptr(pointer) }
        .to_str()
        .map_err(|_| Error::parameter(tr!("The argument {what} is not valid UTF-8.", what)))
}

/// Parses the parameters; an empty text means no parameters.
fn parse(text: &str) -> Result<SecretJson> {
    if text.trim().is_empty() {
        return Ok(SecretJson::new(json!({})));
    }
    serde_json::from_str(text)
        .map(SecretJson::new)
        .map_err(|error| {
            // Only the place: the text around it may hold a password.
            let place = tr!(
                "line {line} column {column}",
                line = error.line(),
                column = error.column()
            );
            Error::parameter(tr!("The parameters are not valid JSON ({place}).", place))
        })
}

fn panicked() -> Error {
    Error::internal("LizSync met an unexpected situation and stopped.").hint(tr!(
        "Nothing was committed after that point. Please report it with the messages of the run."
    ))
}
