//! Text that must not be shown.

use std::fmt;

use zeroize::Zeroizing;

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

/// A text that stands where a name belongs, for a message: quoted, or `instead` when it may be a
/// mistyped connection string, which may hold a password.
pub fn shown(text: &str, instead: &str) -> String {
    let tells = |word: &str| {
        let word = word.to_ascii_lowercase();
        word.contains("pass") || matches!(word.as_str(), "pw" | "pwd" | "user" | "host" | "dbname")
    };
    if text.len() > 240 || text.chars().count() > 60 || text.contains([':', '@', '/', '=']) {
        return instead.to_owned();
    }
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    let several = words.clone().filter(|word| !word.is_empty()).count() > 1;
    if several && !is_identifier(text) && words.any(tells) {
        instead.to_owned()
    } else {
        format!("“{text}”")
    }
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
    use super::shown;

    #[test]
    fn a_name_is_shown_and_what_may_hold_a_password_is_not() {
        for name in ["central", "Ma base de données", "PASS_WORD", "a,b", "host"] {
            assert_eq!(shown(name, "a name"), format!("“{name}”"));
        }
        for text in [
            "postgresql://anna:sesame@db/gis",
            "anna:sesame",
            "host db user anna password sesame",
            "db;pwd sesame",
            "password,sesame",
            "passwort=sesame",
        ] {
            assert_eq!(shown(text, "a name"), "a name");
        }
    }
}
