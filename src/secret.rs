//! Text that must not be shown.

use std::fmt;

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::text::{Text, tr};

/// A password, or a text that holds one: prints as `***` and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that has to hand it on.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// A text that is put together from pieces. Nothing of it stays behind: it has its whole capacity from the beginning, so
/// that it is never moved, and is wiped when it is dropped unfinished.
pub(crate) struct Pieces(Zeroizing<String>);

impl Pieces {
    /// An empty text with room for `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(capacity)))
    }

    pub(crate) fn push(&mut self, c: char) {
        self.0.push(c);
    }

    pub(crate) fn finish(self) -> Secret {
        Secret(self.0)
    }
}

/// JSON that may hold passwords: prints as `***`, and its texts are wiped when dropped.
#[derive(Clone)]
pub struct SecretJson(Value);

impl SecretJson {
    /// Wraps `value`.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// The value itself.
    pub fn reveal(&self) -> &Value {
        &self.0
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Wipes all texts, also those that are names: what a caller took for a name may be a password.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => {
            for (mut name, mut value) in std::mem::take(map) {
                name.zeroize();
                wipe(&mut value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

/// A text that stands where a name belongs, for a message: quoted, or nothing when it may be a
/// mistyped connection string, which may hold a password.
pub fn shown(text: &str) -> Option<Text> {
    let tells = |word: &str| {
        let word = word.to_ascii_lowercase();
        word.contains("pass") || matches!(word.as_str(), "pw" | "pwd" | "user" | "host" | "dbname")
    };
    if text.len() > 240 || text.chars().count() > 60 || text.contains([':', '@', '/', '=']) {
        return None;
    }
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    let several = words.clone().filter(|word| !word.is_empty()).count() > 1;
    if several && !is_identifier(text) && words.any(tells) {
        None
    } else {
        Some(quoted(text))
    }
}

/// Names for a message, all of them or none: one mistyped connection string may look like several.
pub fn shown_list(names: &[String]) -> Text {
    match names
        .iter()
        .map(|name| shown(name))
        .collect::<Option<Vec<_>>>()
    {
        None => tr!("not shown here, as they may hold a password"),
        Some(list) => Text::list(list),
    }
}

/// A name in quotes.
pub fn quoted(name: &str) -> Text {
    tr!("“{name}”", name)
}

/// Whether a text that stands where a file or another name belongs is a connection string by mistake.
pub fn is_connection(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let assigned = |word: &str| {
        text.match_indices(word)
            .any(|(at, _)| text[at + word.len()..].trim_start().starts_with('='))
    };
    // user:password; one letter before the colon is a drive of Windows.
    let first = text.split(['/', '\\']).next().unwrap_or_default();
    text.contains("://")
        || ["password", "passwd", "pwd", "user", "host", "dbname"]
            .into_iter()
            .any(assigned)
        || first.find(':').is_some_and(|at| at > 1)
}

/// Whether a value of a connection string is one of its own by mistake, or a login with its password. Names may hold a colon.
pub fn is_nested(text: &str) -> bool {
    text.contains("://") || text.contains(['=', '@']) && is_connection(text)
}

/// A text of another program, in which the password is replaced by `***`, as it is and
/// percent-encoded.
pub fn without(text: &str, password: &Secret) -> String {
    let password = password.reveal();
    if password.is_empty() {
        return text.to_owned();
    }
    let encoded = |hex: fn(u8) -> String| -> String {
        password
            .bytes()
            .map(|b| match b {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(b).to_string()
                }
                _ => hex(b),
            })
            .collect()
    };
    let forms = [
        encoded(|b| format!("%{b:02X}")),
        encoded(|b| format!("%{b:02x}")),
        password.to_owned(),
    ];
    forms
        .iter()
        .fold(text.to_owned(), |text, form| text.replace(form, "***"))
}

fn is_identifier(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        Pieces, Secret, SecretJson, is_connection, is_nested, shown, shown_list, wipe, without,
    };

    #[test]
    fn a_connection_string_in_the_place_of_a_file_is_seen() {
        for text in [
            "postgresql://anna:sesame@db/gis",
            "host=db user=anna password = sesame",
            "\"PASSWORD=sesame",
            "anna:sesame",
        ] {
            assert!(is_connection(text), "{text}");
        }
        for text in [
            "/usr/bin/",
            "C:\\data\\a=b.zip",
            "./host/a b.zip",
            "/tmp/10:30.zip",
            "é",
        ] {
            assert!(!is_connection(text), "{text}");
        }
        for text in [
            "postgresql://anna:sesame@db/gis",
            "anna:sesame@db",
            "x password=sesame",
        ] {
            assert!(is_nested(text), "{text}");
        }
        for text in ["anna", "anna@example.org", "a:b", "a=b", "été", ""] {
            assert!(!is_nested(text), "{text}");
        }
        let list = ["gis".to_owned(), "password=x".to_owned()];
        assert!(!shown_list(&list).to_string().contains("gis"));
        assert_eq!(shown_list(&list[..1]).to_string(), "“gis”");
    }

    #[test]
    fn the_texts_of_json_are_wiped() {
        let mut value = json!({"a": ["sesame", {"sesame": "sesame"}], "b": 1, "c": "sesame"});
        let list = value["a"].as_array_mut().unwrap();
        wipe(&mut list[0]);
        assert_eq!(list[0], "");
        wipe(&mut list[1]);
        assert_eq!(list[1], json!({}));
        wipe(&mut value);
        assert_eq!(value, json!({}));
        let secret = SecretJson::new(json!("sesame"));
        assert_eq!(format!("{secret:?}"), "***");
    }

    #[test]
    fn a_text_of_pieces_is_not_moved() {
        let mut pieces = Pieces::with_capacity(8);
        let place = pieces.0.as_ptr();
        "sésame!".chars().for_each(|c| pieces.push(c));
        let secret = pieces.finish();
        assert_eq!(secret.reveal(), "sésame!");
        assert_eq!(secret.reveal().as_ptr(), place);
    }

    #[test]
    fn a_password_is_taken_out_in_every_form() {
        let password = Secret::new("a b/é");
        let text = without("x a b/é y a%20b%2F%C3%A9 z a%20b%2f%c3%a9", &password);
        assert_eq!(text, "x *** y *** z ***");
        assert_eq!(without("x", &Secret::new("")), "x");
    }

    #[test]
    fn a_name_is_shown_and_what_may_hold_a_password_is_not() {
        for name in ["central", "Ma base de données", "PASS_WORD", "a,b", "host"] {
            assert_eq!(shown(name).unwrap().to_string(), format!("“{name}”"));
        }
        for text in [
            "postgresql://anna:sesame@db/gis",
            "anna:sesame",
            "host db user anna password sesame",
            "db;pwd sesame",
            "password,sesame",
            "passwort=sesame",
        ] {
            assert_eq!(shown(text), None);
        }
        assert!(shown(&"é".repeat(60)).is_some());
        assert_eq!(shown(&"é".repeat(61)), None);
    }
}
