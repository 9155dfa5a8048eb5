//! Passwords of the central in what is no source: a sentence in a variable, a note. Pure.
//!
//! Such a text is not changed, as nobody can say what it is, but somebody has to look at it.

use std::collections::BTreeSet;

use super::percent;
use super::xml::{Within, escape};

/// Shorter ones are found in other words.
const SHORTEST: usize = 6;

/// The first line of a project in which one of the passwords stands, in any way of writing it.
/// `ordinary` are words that a password may be equal to without being one there.
pub(super) fn line(text: &str, passwords: &BTreeSet<String>, ordinary: &[&str]) -> Option<usize> {
    let meant = passwords.iter().filter(|password| {
        password.chars().count() >= SHORTEST && !ordinary.contains(&password.as_str())
    });
    let at = meant.filter_map(|password| find(text, password)).min()?;
    Some(text[..at].matches('\n').count() + 1)
}

fn find(text: &str, password: &str) -> Option<usize> {
    let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
    let mut forms = BTreeSet::new();
    for plain in [password, &quoted] {
        forms.insert(plain.to_owned());
        forms.insert(escape(plain, Within::Text));
        forms.insert(escape(plain, Within::Attribute('"')));
        forms.insert(percent::encode(plain));
    }
    forms.iter().filter_map(|form| word(text, form)).min()
}

/// Where a text stands that is not a part of a longer word.
fn word(text: &str, wanted: &str) -> Option<usize> {
    let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(wanted).map(|(at, _)| at).find(|&at| {
        let (before, after) = (&text[..at], &text[at + wanted.len()..]);
        !part(before.chars().next_back()) && !part(after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn a_password_is_found_in_every_way_of_writing_it() {
        let line = |text: &str, password: &str| {
            super::line(text, &BTreeSet::from([password.to_owned()]), &["postgres"])
        };
        for text in [
            "it's <me>\\",
            "it\\'s <me>\\\\",
            "it\\'s &lt;me&gt;\\\\",
            "it%27s%20%3Cme%3E%5C",
        ] {
            assert_eq!(
                line(&format!("a\nb ({text})\n{text}"), "it's <me>\\"),
                Some(2),
                "{text}"
            );
        }
        assert_eq!(line("sesames asesame", "sesame"), None);
        assert_eq!(line("<provider>postgres</provider>", "postgres"), None);
        assert_eq!(line("gis", "gis"), None);
    }
}
