//! Text in XML, with the place of each character. Pure.

use std::ops::Range;

/// Where a value stands, which decides what has to be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// Between two tags.
    Text,
    /// An attribute in quotes of this kind.
    Attribute(char),
}

/// The characters that a piece of XML means, each with its place in it. `None` when it holds
/// something that cannot be read without knowing more: an entity of its own, a tag, CDATA.
pub(super) fn decode(raw: &str) -> Option<Vec<(char, Range<usize>)>> {
    let mut chars = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let (c, length) = first(&raw[at..])?;
        chars.push((c, at..at + length));
        at += length;
    }
    Some(chars)
}

/// The text that a piece of XML means; `None` as for [`decode`].
pub(super) fn read(raw: &str) -> Option<String> {
    if !raw.contains(['&', '<', '\r']) {
        return Some(raw.to_owned());
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while !rest.is_empty() {
        let (c, length) = first(rest)?;
        text.push(c);
        rest = &rest[length..];
    }
    Some(text)
}

/// The first character that is meant, and how many bytes it takes.
fn first(raw: &str) -> Option<(char, usize)> {
    Some(match raw.chars().next()? {
        '<' => return None,
        '&' => {
            // “&#x10ffff;” is the longest.
            let end = raw.bytes().take(12).position(|byte| byte == b';')?;
            (reference(&raw[1..end])?, end + 1)
        }
        // A line ends in one character, whatever it is in the file.
        '\r' if raw[1..].starts_with('\n') => ('\n', 2),
        c => (c, c.len_utf8()),
    })
}

/// The character that `&name;` stands for.
pub(super) fn reference(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?).filter(|c| is_allowed(*c))?
        }
    })
}

/// Whether XML 1.0 allows a character.
pub(super) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// The piece of XML with another meaning; what begins and ends alike is left as it is written.
pub(super) fn replaced(
    raw: &str,
    chars: &[(char, Range<usize>)],
    new: &str,
    within: Within,
) -> String {
    let new: Vec<char> = new.chars().collect();
    let alike = |(old, new): &(&(char, Range<usize>), &char)| old.0 == **new;
    let start = chars.iter().zip(&new).take_while(alike).count();
    let end = chars[start..]
        .iter()
        .rev()
        .zip(new[start..].iter().rev())
        .take_while(alike)
        .count();
    let begin = chars.get(start).map_or(raw.len(), |(_, range)| range.start);
    let finish = match end {
        0 => raw.len(),
        end => chars[chars.len() - end].1.start,
    };
    let middle: String = new[start..new.len() - end].iter().collect();
    format!(
        "{}{}{}",
        &raw[..begin],
        escape(&middle, within),
        &raw[finish..]
    )
}

/// Escapes a text as QGIS does.
pub(super) fn escape(text: &str, within: Within) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match (c, within) {
            ('&', _) => escaped.push_str("&amp;"),
            ('<', _) => escaped.push_str("&lt;"),
            ('>', Within::Text) => escaped.push_str("&gt;"),
            ('"', Within::Attribute('"')) => escaped.push_str("&quot;"),
            ('\'', Within::Attribute('\'')) => escaped.push_str("&apos;"),
            ('\n', Within::Attribute(_)) => escaped.push_str("&#xa;"),
            ('\t', Within::Attribute(_)) => escaped.push_str("&#x9;"),
            ('\r', _) => escaped.push_str("&#xd;"),
            (c, _) => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Within, decode, escape, read, replaced};

    #[test]
    fn references_are_read() {
        assert_eq!(
            read("a&amp;&lt;&gt;&quot;&apos;&#233;&#xe9;\r\n").unwrap(),
            "a&<>\"'éé\n"
        );
        for raw in ["&own;", "&", "a<b", "&#0;", "&#xd800;", "&#x;", "&#;"] {
            assert_eq!(read(raw), None, "{raw}");
        }
    }

    #[test]
    fn what_stays_is_written_as_it_was() {
        let change = |raw: &str, new, within| replaced(raw, &decode(raw).unwrap(), new, within);
        let quote = Within::Attribute('"');
        assert_eq!(
            change(
                "&apos;a&#39; host=&quot;x&quot; &gt;>",
                "'a' host=\"y&\n\" >>",
                quote
            ),
            "&apos;a&#39; host=&quot;y&amp;&#xa;&quot; &gt;>"
        );
        assert_eq!(change("aa", "aaa", quote), "aaa");
        assert_eq!(change("", "\"'", Within::Attribute('\'')), "\"&apos;");
        assert_eq!(change("abc", "", Within::Text), "");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(old in "[a-c&<'\"é\n]{0,8}", new in "[a-c&<>'\"é\n]{0,8}") {
            for within in [Within::Text, Within::Attribute('"'), Within::Attribute('\'')] {
                let raw = escape(&old, within);
                let chars = decode(&raw).unwrap();
                prop_assert_eq!(chars.iter().map(|(c, _)| c).collect::<String>(), old.clone());
                prop_assert_eq!(&replaced(&raw, &chars, &old, within), &raw);
                prop_assert_eq!(read(&replaced(&raw, &chars, &new, within)), Some(new.clone()));
            }
        }
    }
}
