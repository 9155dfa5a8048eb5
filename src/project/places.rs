//! The places in a project at which sources stand. Pure.
//!
//! A project is read once, from event to event, and only the places are remembered, by their bytes
//! in the file: what is not replaced cannot change.

mod names;
mod scan;

use std::collections::BTreeMap;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::text::{Text, tr};

use super::forms::Role;
use super::xml::{self, Within};
use scan::Scan;

/// A text that may be a source.
pub(super) struct Place {
    /// Its bytes in the file, without quotes or tags.
    pub range: Range<usize>,
    pub within: Within,
    /// What it means, without escapes.
    pub value: String,
    pub role: Role,
    /// The provider that the source is for.
    pub provider: Option<String>,
    /// The layer whose source it repeats.
    pub layer: Option<String>,
}

/// What was found in a project.
#[derive(Default)]
pub(super) struct Places {
    /// In the order of the file.
    pub places: Vec<Place>,
    /// The place of each layer's own source.
    pub layers: BTreeMap<String, usize>,
}

/// Reads a project.
///
/// # Errors
/// What is wrong with it, as a clause with the number of the line.
pub(super) fn find(text: &str) -> Result<Places, Text> {
    if let Some((at, _)) = text.char_indices().find(|(_, c)| !xml::is_allowed(*c)) {
        return Err(at_line(
            text,
            at,
            tr!("a character that XML does not allow"),
        ));
    }
    let mut scan = Scan::of(text);
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - body.len();
    let mut reader = Reader::from_str(body);
    reader.config_mut().check_comments = true;
    loop {
        let before = skipped + position(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            let at = skipped + position(reader.error_position());
            // What stands there is not shown: it may be a password that was not escaped.
            let why = match error {
                quick_xml::Error::IllFormed(_) => tr!("tags or references that do not fit"),
                _ => tr!("the syntax of XML is broken"),
            };
            at_line(text, at, why)
        })?;
        let ended = matches!(event, Event::Eof);
        scan.event(event, before)
            .map_err(|why| at_line(text, before, why))?;
        if ended {
            return Ok(scan.found);
        }
    }
}

fn position(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn at_line(text: &str, at: usize, why: Text) -> Text {
    let bytes = text.as_bytes();
    let before = &bytes[..at.min(bytes.len())];
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    tr!("line {line}: {why}", line, why)
}

#[cfg(test)]
mod tests;
