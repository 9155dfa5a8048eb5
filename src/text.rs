//! What users read: text that is put into words only where it leaves the library, in the language of the call.
//!
//! Errors, hints and messages take a [`Text`], and only [`tr!`] makes one of a sentence, so none can be
//! written that translators do not see. A `Text` belongs to no thread and to no language.

use std::borrow::Cow;
use std::{fmt, io};

use crate::error::Error;
use crate::language::Language;

/// A message with what belongs into its places, in no language yet. It prints in English.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Box<Form>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    /// What has no language: names, numbers, what PostgreSQL or the system says.
    Verbatim(String),
    /// A message of the catalogue; the plural, and the number that chooses.
    Message {
        id: &'static str,
        plural: Option<(&'static str, u64)>,
        arguments: Vec<(&'static str, Text)>,
    },
    /// Several, with something between them.
    Joined(Vec<Text>, Text),
}

impl Text {
    /// A message of the catalogue: use [`tr!`].
    #[doc(hidden)]
    pub fn message(
        id: &'static str,
        plural: Option<(&'static str, u64)>,
        arguments: Vec<(&'static str, Text)>,
    ) -> Self {
        Self(Box::new(Form::Message {
            id,
            plural,
            arguments,
        }))
    }

    /// A label of the registry, which the catalogue has as it has messages.
    pub fn label(label: &'static str) -> Self {
        Self::message(label, None, Vec::new())
    }

    /// Nothing.
    pub fn empty() -> Self {
        Self::verbatim("")
    }

    /// What is the same in every language: a name, or what another program says.
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self(Box::new(Form::Verbatim(text.into())))
    }

    /// A number with one decimal, in the way of the language.
    pub fn decimal(number: f64) -> Self {
        Self::with_point(&format!("{number:.1}"))
    }

    /// A number with a decimal point, or without one, in the way of the language.
    pub fn with_point(number: &str) -> Self {
        match number.split_once('.') {
            Some((whole, tenths)) => tr!("{whole}.{tenths}", whole, tenths),
            None => Self::verbatim(number),
        }
    }

    /// A list: “a, b, c”.
    pub fn list(texts: impl IntoIterator<Item = impl Argument>) -> Self {
        Self::joined(texts, Self::verbatim(", "))
    }

    /// Parts of a sentence: “a; b; c”.
    pub fn clauses(texts: impl IntoIterator<Item = impl Argument>) -> Self {
        Self::joined(texts, tr!("; "))
    }

    /// Whole sentences, one behind the other.
    pub fn sentences(texts: impl IntoIterator<Item = impl Argument>) -> Self {
        Self::joined(texts, Self::verbatim(" "))
    }

    fn joined(texts: impl IntoIterator<Item = impl Argument>, between: Self) -> Self {
        let texts = texts.into_iter().map(|text| text.text()).collect();
        Self(Box::new(Form::Joined(texts, between)))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match &*self.0 {
            Form::Verbatim(text) => text.is_empty(),
            Form::Message { id, .. } => id.is_empty(),
            Form::Joined(texts, _) => texts.iter().all(Self::is_empty),
        }
    }

    /// The words, in that language.
    pub fn in_language(&self, language: Language) -> String {
        match &*self.0 {
            Form::Verbatim(text) => text.clone(),
            Form::Joined(texts, between) => {
                let texts: Vec<_> = texts
                    .iter()
                    .map(|text| text.in_language(language))
                    .collect();
                texts.join(&between.in_language(language))
            }
            Form::Message {
                id,
                plural: None,
                arguments,
            } => filled(&language.one(id), None, arguments, language),
            Form::Message {
                id,
                plural: Some((many, number)),
                arguments,
            } => {
                let pattern = language.many(id, many, *number);
                filled(&pattern, Some(*number), arguments, language)
            }
        }
    }
}

/// The pattern with its places filled: `{name}`, and `{n}` for the number.
fn filled(
    pattern: &str,
    number: Option<u64>,
    arguments: &[(&'static str, Text)],
    language: Language,
) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        let place = after.split_once('}').filter(|_| brace == "{");
        // Doubled braces mean themselves.
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
        } else if let Some((name, after)) = place {
            let argument = arguments.iter().find(|(known, _)| *known == name);
            match (argument, number) {
                (Some((_, argument)), _) => text.push_str(&argument.in_language(language)),
                (None, Some(number)) if name == "n" => text.push_str(&number.to_string()),
                (None, _) => text.push_str(&rest[at..=at + 1 + name.len()]),
            }
            rest = after;
        } else {
            text.push_str(brace);
            rest = after;
        }
    }
    text + rest
}

impl Default for Text {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_language(Language::ENGLISH))
    }
}

/// What can stand in a place of a message.
pub trait Argument {
    /// Its text.
    fn text(&self) -> Text;
}

impl Argument for Text {
    fn text(&self) -> Text {
        self.clone()
    }
}

impl Argument for Error {
    fn text(&self) -> Text {
        self.message_text().clone()
    }
}

/// So that an I/O error can carry a text through the crates in between.
impl std::error::Error for Text {}

impl Argument for io::Error {
    fn text(&self) -> Text {
        let ours = self
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Text>());
        ours.cloned()
            .unwrap_or_else(|| Text::verbatim(self.to_string()))
    }
}

impl<T: Argument + ?Sized> Argument for &T {
    fn text(&self) -> Text {
        (**self).text()
    }
}

/// Types whose text is the same in every language.
macro_rules! verbatim {
    ($($kind:ty),* $(,)?) => {
        $(impl Argument for $kind {
            fn text(&self) -> Text {
                Text::verbatim(self.to_string())
            }
        })*
    };
}

verbatim!(
    str,
    String,
    Cow<'_, str>,
    char,
    u8,
    u16,
    u32,
    u64,
    usize,
    i16,
    i32,
    i64,
    f32,
    f64,
    std::sync::Arc<str>,
    uuid::Uuid,
    postgres::Error,
    crate::postgres::Table,
    rustls::client::VerifierBuilderError,
    std::path::Display<'_>,
    std::net::IpAddr,
    std::process::ExitStatus,
    std::num::ParseIntError,
    serde_json::Error,
    rustls::Error,
    zip::result::ZipError,
);

/// A [`Text`] of the catalogue: `tr!("There is no algorithm {id}.", id)`, with `name = value` where the
/// value is no variable, and `tr!("{n} row" | "{n} rows" % number)` where the number decides, named or not.
macro_rules! tr {
    ($one:literal | $many:literal % $number:expr $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        // The compiler compares places and arguments; within concat! it takes none from the surroundings.
        let _ = || { let _ = (
            format_args!(concat!($one, "{n}"), n = "" $(, $name = "")*), format_args!(concat!($many, "{n}"), n = "" $(, $name = "")*),
        ); };
        #[allow(clippy::unnecessary_cast)]
        let number = $number as u64;
        $crate::text::Text::message($one, Some(($many, number)), vec![
            $((stringify!($name), $crate::text::Argument::text(&$crate::text::tr!(@value $name $(= $value)?)))),*
        ])
    }};
    ($id:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        let _ = || { let _ = format_args!(concat!($id) $(, $name = "")*); };
        $crate::text::Text::message($id, None, vec![
            $((stringify!($name), $crate::text::Argument::text(&$crate::text::tr!(@value $name $(= $value)?)))),*
        ])
    }};
    (@value $name:ident) => { $name };
    (@value $name:ident = $value:expr) => { $value };
}
pub(crate) use tr;

#[cfg(test)]
mod tests {
    use super::*;

    fn french() -> Language {
        Language::named("fr")
    }

    #[test]
    fn places_are_filled_in_every_language() {
        let id = "x";
        let text = tr!("There is no algorithm {id}.", id);
        assert_eq!(text.to_string(), "There is no algorithm x.");
        assert_eq!(
            text.in_language(french()),
            "Il n’existe pas de traitement x."
        );
    }

    #[test]
    fn the_number_decides_as_the_language_wants_it() {
        let rows = |number: u64| tr!("{n} row" | "{n} rows" % number);
        assert_eq!(rows(0).to_string(), "0 rows");
        assert_eq!(rows(1).to_string(), "1 row");
        assert_eq!(rows(0).in_language(french()), "0 ligne");
        assert_eq!(rows(2).in_language(french()), "2 lignes");
    }

    #[test]
    fn an_argument_that_looks_like_a_place_stays_as_it_is() {
        let id = "{id} {n} {{";
        let text = tr!("There is no algorithm {id}.", id);
        assert_eq!(text.to_string(), "There is no algorithm {id} {n} {{.");
    }

    #[test]
    fn braces_may_be_meant() {
        assert_eq!(
            filled("{{a}} } {b", None, &[], Language::ENGLISH),
            "{a} } {b"
        );
    }

    #[test]
    fn a_list_is_in_the_language_of_the_whole() {
        let list = Text::list([tr!("{n} row" | "{n} rows" % 2), Text::verbatim("gis")]);
        assert_eq!(list.to_string(), "2 rows, gis");
        assert_eq!(list.in_language(french()), "2 lignes, gis");
    }
}
