//! The languages of the messages, and their catalogues.

use once_cell::sync::Lazy;
use serde_json::Value;
use tr::{MoTranslator, Translator};

use crate::error::{Error, Result};
use crate::text::tr;

/// The key of the parameters JSON that says in which language the call answers.
pub(crate) const LANGUAGE: &str = "language";

/// Languages besides English: code, and the catalogue that `make messages` compiles from `po/`.
static CATALOGUES: &[(&str, &[u8])] = &[(
    "fr",
    include_bytes!("../python/lizsync/locale/fr/LC_MESSAGES/lizsync.mo"),
)];

/// A catalogue that cannot be read is one that is not there; a test reads them all.
static TRANSLATORS: Lazy<Vec<Option<MoTranslator>>> = Lazy::new(|| {
    let read = |bytes: &[u8]| MoTranslator::from_vec_u8(bytes.to_vec()).ok();
    CATALOGUES.iter().map(|(_, bytes)| read(bytes)).collect()
});

/// The language of messages. English unless another one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Language(Option<usize>);

impl Language {
    /// The language of the source.
    pub const ENGLISH: Self = Self(None);

    /// The language of a code such as `fr`, `fr_FR`, `fr-CA` or `fr_FR.UTF-8`; English where there is no catalogue.
    pub fn named(code: &str) -> Self {
        let language = code.split(['_', '-', '.', '@']).next().unwrap_or_default();
        Self(
            CATALOGUES
                .iter()
                .position(|(known, _)| known.eq_ignore_ascii_case(language)),
        )
    }

    /// The language that the parameters JSON asks for; English where it does not.
    pub fn wanted(given: &Value) -> Self {
        given
            .get(LANGUAGE)
            .and_then(Value::as_str)
            .map_or(Self::ENGLISH, Self::named)
    }

    /// Its code: `en`, `fr`.
    pub fn code(self) -> &'static str {
        self.0
            .and_then(|at| CATALOGUES.get(at))
            .map_or("en", |(code, _)| code)
    }

    /// All languages but English.
    pub fn translated() -> impl Iterator<Item = Self> {
        (0..CATALOGUES.len()).map(|at| Self(Some(at)))
    }

    fn translator(self) -> Option<&'static MoTranslator> {
        TRANSLATORS.get(self.0?)?.as_ref()
    }

    /// The text of a message; English where the catalogue lacks it.
    pub(crate) fn one(self, id: &'static str) -> String {
        match self.translator() {
            Some(translator) => translator.translate(id, None).into_owned(),
            None => id.to_owned(),
        }
    }

    /// The text of a message that has a plural, for that number.
    pub(crate) fn many(self, one: &'static str, many: &'static str, number: u64) -> String {
        match self.translator() {
            Some(translator) => translator.ntranslate(number, one, many, None).into_owned(),
            None if number == 1 => one.to_owned(),
            None => many.to_owned(),
        }
    }
}

/// Whether the key is of its type. A language without a catalogue is fine: its messages are English.
pub(crate) fn check(given: Option<&Value>) -> Result<()> {
    match given {
        None | Some(Value::Null | Value::String(_)) => Ok(()),
        Some(_) => Err(Error::parameter(tr!(
            "“language” must be a text such as “fr” or “fr_FR”."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_its_code_and_the_others_are_english() {
        for code in ["fr", "fr_FR", "fr-CA", "FR", "fr_FR.UTF-8", "fr_BE@euro"] {
            assert_eq!(Language::named(code).code(), "fr", "{code}");
        }
        for code in ["", "en_GB", "C", "POSIX", "xx", "fro", "français"] {
            assert_eq!(Language::named(code), Language::ENGLISH, "{code}");
        }
    }

    #[test]
    fn every_catalogue_can_be_read() {
        for language in Language::translated() {
            assert!(language.translator().is_some(), "{}", language.code());
        }
    }
}
