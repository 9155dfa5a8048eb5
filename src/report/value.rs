//! How values are shown: short, readable, and nothing that plays tricks with the page.

use super::geometry::geometry;
use super::numbers;
use crate::text::Text;

/// Characters of a value that are shown.
const SHOWN: usize = 280;

/// Characters of a name or a message that are shown.
const BRIEF: usize = 500;

/// Hexadecimal digits in a row that nobody reads any more.
const LONG: usize = 36;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, numbers, dates.
    Plain,
    /// A geometry or a geography of PostGIS.
    Geometry,
    /// Bytes, or a raster: nothing to be read.
    Binary,
}

impl Kind {
    /// What a column of that type holds.
    pub fn of(type_name: &str) -> Self {
        let name = type_name.split(['(', ' ']).next().unwrap_or_default();
        match name.rsplit('.').next().unwrap_or_default() {
            "geometry" | "geography" if !type_name.ends_with("[]") => Kind::Geometry,
            "bytea" | "raster" if !type_name.ends_with("[]") => Kind::Binary,
            _ => Kind::Plain,
        }
    }
}

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Null.
    Nothing,
    /// A text of no characters.
    Empty,
    /// The text, and how many characters more there are.
    Text(String, u64),
    /// What a geometry or bytes are, in words.
    Described(Text),
}

/// What is shown of a value. `value` may be its beginning only; `bytes`: how long the whole is.
pub fn shown(value: Option<&str>, bytes: u64, kind: Kind) -> Shown {
    let Some(value) = value else {
        return Shown::Nothing;
    };
    if value.is_empty() {
        return Shown::Empty;
    }
    match kind {
        Kind::Geometry => {
            if let Some(text) = geometry(value) {
                return Shown::Described(Text::verbatim(text));
            }
        }
        Kind::Binary => {
            // Two digits for each byte, after “\x” where it is bytea.
            let digits = if value.starts_with("\\x") {
                bytes.saturating_sub(2)
            } else {
                bytes
            };
            return Shown::Described(numbers::bytes(digits / 2));
        }
        Kind::Plain => {}
    }
    let beginning: String = value.chars().take(SHOWN).collect();
    let more = bytes.saturating_sub(beginning.len() as u64);
    // Of what was cut off by others the characters are not known, only the bytes.
    let more = match value.len() as u64 == bytes {
        true => value.chars().skip(SHOWN).count() as u64,
        false => more,
    };
    Shown::Text(readable(&beginning), more)
}

/// The same of a name or a message, which may be long only by mistake.
pub fn brief(text: &str) -> String {
    match text.char_indices().nth(BRIEF) {
        None => readable(text),
        Some((end, _)) => readable(&text[..end]) + "…",
    }
}

/// What PostgreSQL says of a row, in which long values (a geometry, bytes) are shortened.
pub fn message(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_hexdigit() => digits.push(c),
            _ => {
                match digits.len() > LONG {
                    true => short.push_str(&format!("{}…", &digits[..10])),
                    false => short.push_str(&digits),
                }
                digits.clear();
                short.extend(c);
            }
        }
    }
    brief(&short)
}

/// A text without characters that cannot be seen and change what can: control characters, and those
/// that turn the direction of what follows.
pub fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => readable.push('\n'),
            '\t' => readable.push(' '),
            '\u{0}'..='\u{1f}' => {
                readable.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => readable.push('\u{2421}'),
            '\u{80}'..='\u{9f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{200b}'
            | '\u{2060}'..='\u{2064}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' => readable.push_str(&format!("⟨U+{:04X}⟩", c as u32)),
            // Not to be written in HTML at all.
            c if (c as u32) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c) => {
                readable.push('\u{fffd}');
            }
            c => readable.push(c),
        }
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_harmless() {
        assert_eq!(shown(None, 0, Kind::Plain), Shown::Nothing);
        assert_eq!(shown(Some(""), 0, Kind::Plain), Shown::Empty);
        let long = "é".repeat(1000);
        let Shown::Text(text, more) = shown(Some(&long), 2000, Kind::Plain) else {
            panic!("no text")
        };
        assert_eq!((text.chars().count(), more), (280, 720));
        assert_eq!(
            readable("a\u{202e}b\u{0}\r\nc\td\u{7f}"),
            "a⟨U+202E⟩b␀␍\nc d␡"
        );
        assert_eq!(readable("שלום مرحبا"), "שלום مرحبا");
        let said = "contains (1, 0101000020E61000009A9999999999F9BFCDCCCCCCCC4C4840).";
        assert_eq!(
            message(said),
            "contains (1, 0101000020….".replace("….", "…).")
        );
        assert_eq!(
            message("6825fc2f-ed05-46ff-bdc3-dc6c9b889cf0"),
            "6825fc2f-ed05-46ff-bdc3-dc6c9b889cf0"
        );
        assert_eq!(
            shown(Some("\\x0102"), 6, Kind::Binary),
            Shown::Described(numbers::bytes(2))
        );
        assert_eq!(
            shown(Some("x"), 1, Kind::Geometry),
            Shown::Text("x".into(), 0)
        );
    }

    #[test]
    fn types_are_told_apart() {
        assert_eq!(Kind::of("geometry(Point,2154)"), Kind::Geometry);
        assert_eq!(Kind::of("geography"), Kind::Geometry);
        assert_eq!(Kind::of("geometry[]"), Kind::Plain);
        assert_eq!(Kind::of("bytea"), Kind::Binary);
        assert_eq!(Kind::of("character varying(20)"), Kind::Plain);
    }
}
