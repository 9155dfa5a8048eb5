//! Taking a text apart.

use super::{Dialect, Pair, Piece};

/// The white space of the reader whose rules hold.
pub(super) fn is_space(c: char, dialect: Dialect) -> bool {
    match dialect {
        Dialect::Qgis => c.is_whitespace(),
        Dialect::Libpq => matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c'),
    }
}

/// A place in a text.
pub(super) struct Reader<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Skips what `skipped` says; whether there was any.
    pub fn skip(&mut self, skipped: impl Fn(char) -> bool) -> bool {
        let start = self.at;
        while self.peek().is_some_and(&skipped) {
            self.next();
        }
        self.at > start
    }

    /// Goes on behind white space if `wanted` follows it.
    fn follows(&mut self, wanted: char, dialect: Dialect) -> bool {
        let start = self.at;
        self.skip(|c| is_space(c, dialect));
        if self.peek() == Some(wanted) {
            self.next();
            return true;
        }
        self.at = start;
        false
    }

    /// Reads a key with its value, or a stray word. There is a character that is no space.
    pub fn word(&mut self, dialect: Dialect) -> Piece {
        let start = self.at;
        let named = self.skip(|c| c != '=' && !is_space(c, dialect));
        let key = self.text[start..self.at].to_owned();
        if !named {
            self.next();
            return Piece::Stray(self.text[start..self.at].to_owned());
        }
        if !self.follows('=', dialect) {
            return Piece::Stray(key);
        }
        let qgis = dialect == Dialect::Qgis;
        let (value, quoted, mut sound) = if qgis && key == "sql" {
            self.skip(|c| is_space(c, dialect));
            let rest = self.text[self.at..].to_owned();
            self.at = self.text.len();
            (rest, false, true)
        } else {
            self.value(dialect)
        };
        if qgis && key == "table" {
            if self.follows('.', dialect) {
                sound &= self.value(dialect).2;
            }
            if self.follows('(', dialect) {
                sound &= self.geometry_column();
            }
        }
        Piece::Pair(Pair {
            key,
            value,
            quoted,
            sound,
            raw: self.text[start..self.at].to_owned(),
        })
    }

    /// Reads a value: the text, whether it was quoted, whether it is sound.
    fn value(&mut self, dialect: Dialect) -> (String, bool, bool) {
        self.skip(|c| is_space(c, dialect));
        let quote = self
            .peek()
            .filter(|&c| c == '\'' || (c == '"' && dialect == Dialect::Qgis));
        let mut value = String::new();
        let mut sound = true;
        if quote.is_some() {
            self.next();
        }
        loop {
            let before = self.at;
            match (self.next(), quote) {
                (None, _) => return (value, quote.is_some(), sound && quote.is_none()),
                (Some(c), Some(quote)) if c == quote => return (value, true, sound),
                (Some(c), None) if is_space(c, dialect) => {
                    self.at = before;
                    return (value, false, sound);
                }
                (Some('\\'), _) => match (self.peek(), dialect) {
                    (None, _) => {}
                    (Some(c), Dialect::Libpq) => {
                        value.push(c);
                        self.next();
                    }
                    (Some(c), Dialect::Qgis) if c == '\\' || c == quote.unwrap_or('\'') => {
                        // QGIS never writes one without quotes around it.
                        sound &= c == '\\' || quote.is_some();
                        value.push(c);
                        self.next();
                    }
                    (Some(_), Dialect::Qgis) => value.push('\\'),
                },
                (Some(c), _) => {
                    sound &= quote.is_some() || !matches!(c, '\'' | '"');
                    value.push(c);
                }
            }
        }
    }

    /// Reads a geometry column up to its parenthesis; whether there is one.
    fn geometry_column(&mut self) -> bool {
        while let Some(c) = self.next() {
            match c {
                ')' => return true,
                '\\' => {
                    self.next();
                }
                _ => {}
            }
        }
        false
    }
}
