//! The language of a page, where its texts are put into words.

use crate::language::Language;
use crate::text::Text;

use super::{brief, numbers};

/// Puts texts into words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(Language);

impl Words {
    pub(super) fn new(language: Language) -> Self {
        Self(language)
    }

    /// The code of the language, as HTML wants it.
    pub(super) fn code(self) -> &'static str {
        self.0.code()
    }

    /// The words of a text.
    pub(super) fn say(self, text: Text) -> String {
        text.in_language(self.0)
    }

    /// The words of a text that holds what a database says.
    pub(super) fn brief(self, text: &Text) -> String {
        brief(&text.in_language(self.0))
    }

    /// A whole number.
    pub(super) fn number(self, number: u64) -> String {
        self.say(numbers::number(number))
    }
}
