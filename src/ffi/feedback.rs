//! The callbacks of a C caller.

use std::ffi::{CString, c_char, c_int, c_void};

use crate::feedback::Event;

/// What the caller wants to hear while an algorithm runs. Each callback may be null; all are called
/// on the thread that called `lizsync_run`, and must not unwind.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types)]
pub struct lizsync_feedback {
    /// Handed to every callback.
    pub user_data: *mut c_void,
    /// How far the work is, in percent.
    pub progress: Option<unsafe extern "C" fn(user_data: *mut c_void, percent: f64)>,
    /// A sentence in UTF-8, valid during the call; level 0 debug, 1 information, 2 warning, 3 error.
    pub message:
        Option<unsafe extern "C" fn(user_data: *mut c_void, level: c_int, utf8: *const c_char)>,
    /// Whether the caller wants the algorithm to stop; asked at least every 100 ms.
    pub is_canceled: Option<unsafe extern "C" fn(user_data: *mut c_void) -> bool>,
}

impl lizsync_feedback {
    /// Hands one event to the caller.
    pub(super) fn deliver(&self, event: Event) {
        match event {
            Event::Progress(percent) => {
                if let Some(progress) = self.progress {
                    // SAFETY: the caller of `lizsync_run` promises callable callbacks.
                    unsafe { progress(self.user_data, percent) }
                }
            }
            Event::Message(level, text) => {
                if let Some(message) = self.message {
                    let text = CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default();
                    // SAFETY: as above; the text outlives the call.
                    unsafe { message(self.user_data, level as c_int, text.as_ptr()) }
                }
            }
        }
    }

    /// Asks the caller whether to stop.
    pub(super) fn canceled(&self) -> bool {
        // SAFETY: the caller of `lizsync_run` promises callable callbacks.
        self.is_canceled
            .is_some_and(|is_canceled| unsafe { is_canceled(self.user_data) })
    }
}
