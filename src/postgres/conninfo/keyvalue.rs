//! Connection strings of the form `host=db dbname='my gis'`.

use std::iter::Peekable;
use std::str::Chars;

use super::{Conninfo, unknown_keyword};
use crate::error::{Error, Result};
use crate::secret::{Pieces, Secret};
use crate::text::tr;

/// Reads `keyword = value` pairs: spaces around `=` are allowed, a value with spaces stands in
/// single quotes, and a backslash takes the next character as it is, quoted or not.
pub(super) fn parse(text: &str) -> Result<Conninfo> {
    let mut conninfo = Conninfo::default();
    let mut chars = text.chars().peekable();
    let mut previous: Option<String> = None;
    loop {
        skip_spaces(&mut chars);
        if chars.peek().is_none() {
            return Ok(conninfo);
        }
        let keyword = keyword(&mut chars);
        skip_spaces(&mut chars);
        if chars.next_if_eq(&'=').is_none() {
            return Err(no_equals_sign(previous.as_deref()));
        }
        skip_spaces(&mut chars);
        let value = if chars.next_if_eq(&'\'').is_some() {
            quoted(&mut chars, text.len()).ok_or_else(|| not_closed(&keyword))?
        } else {
            unquoted(&mut chars, text.len())
        };
        conninfo
            .set(&keyword, value)
            .map_err(|_| unknown_keyword(&keyword, previous.as_deref()))?;
        previous = Some(keyword);
    }
}

/// The white space of C, which libpq goes by.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn skip_spaces(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|&c| is_space(c)).is_some() {}
}

fn keyword(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut keyword = String::new();
    while let Some(c) = chars.next_if(|&c| c != '=' && !is_space(c)) {
        keyword.push(c);
    }
    keyword
}

/// Reads up to a space. `most`: the value is no longer.
fn unquoted(chars: &mut Peekable<Chars<'_>>, most: usize) -> Secret {
    let mut value = Pieces::with_capacity(most);
    while let Some(c) = chars.next_if(|&c| !is_space(c)) {
        match c {
            '\\' => chars.next().into_iter().for_each(|c| value.push(c)),
            c => value.push(c),
        }
    }
    value.finish()
}

/// Reads up to the closing quote; `None` when there is none.
fn quoted(chars: &mut Peekable<Chars<'_>>, most: usize) -> Option<Secret> {
    let mut value = Pieces::with_capacity(most);
    loop {
        match chars.next()? {
            '\'' => return Some(value.finish()),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}

// The word without a sign may be the second half of a password, so it is not shown.
fn no_equals_sign(previous: Option<&str>) -> Error {
    Error::parameter(match previous {
        Some(keyword) => tr!(
            "A word after the value of “{keyword}” is not followed by “=”.",
            keyword
        ),
        None => tr!("A word at the beginning is not followed by “=”."),
    })
    .hint(tr!(
        "Write keyword=value, and put values with spaces in single quotes."
    ))
}

fn not_closed(keyword: &str) -> Error {
    Error::parameter(match super::keywords::find(keyword) {
        Some(_) => tr!(
            "The quote before the value of “{keyword}” is not closed.",
            keyword
        ),
        None => tr!("The quote before the value is not closed."),
    })
    .hint(tr!(
        "Inside single quotes, write \\' for a quote and \\\\ for a backslash."
    ))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Prints a value so that it is read back the same.
    pub fn print(value: &str) -> String {
        format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
    }

    fn get(text: &str, keyword: &str) -> String {
        parse(text).unwrap().0[keyword].reveal().to_owned()
    }

    #[test]
    fn values_are_read_as_libpq_reads_them() {
        assert_eq!(get("host=db", "host"), "db");
        assert_eq!(get(" host\t=\n db ", "host"), "db");
        assert_eq!(get("password = 'a b\\'c\\\\'", "password"), "a b'c\\");
        assert_eq!(get("password=a\\ b\\\\c'd", "password"), "a b\\c'd");
        assert_eq!(get("password=a=b user=x", "password"), "a=b");
        assert_eq!(get("host=''port=1", "port"), "1");
        assert_eq!(get("host= port=1", "host"), "port=1");
        assert_eq!(get("password=a\\", "password"), "a");
        assert_eq!(get("port=1 port=2", "port"), "2");
        assert_eq!(parse(" ").unwrap(), Conninfo::default());
    }

    #[test]
    fn what_breaks_the_grammar_is_an_error_that_shows_no_password() {
        let long = format!("{}=x", "Second".repeat(8));
        for text in [
            &long,
            "host",
            "host=db password=first Second",
            "password='first Second",
            "password='first Second\\'",
            "password=first Second=1",
            "password=x first=1",
            "postgis://anna:first-Second@db/gis?x=1",
            "=first Second",
        ] {
            let sentence = parse(text).unwrap_err().sentence();
            assert!(
                !sentence.contains("irst") && !sentence.contains("Second"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn an_unknown_keyword_is_named() {
        for text in [
            "frobnicate=1",
            "host=a frobnicate=1",
            "password=x host=a frobnicate=1",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Parameter);
            assert!(error.to_string().contains("frobnicate"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            values in proptest::collection::btree_map(
                proptest::sample::select(super::super::keywords::KEYWORDS).prop_map(|k| k.name),
                any::<String>(),
                0..6,
            )
        ) {
            let text: Vec<String> =
                values.iter().map(|(keyword, value)| format!("{keyword}={}", print(value))).collect();
            let read = parse(&text.join(" ")).unwrap();
            let read: Vec<(&str, &str)> = read.0.iter().map(|(k, v)| (*k, v.reveal())).collect();
            let given: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
            prop_assert_eq!(read, given);
        }

        #[test]
        fn no_text_makes_the_parser_fail_otherwise(text in any::<String>()) {
            let _ = Conninfo::parse(&text);
            let _ = Conninfo::parse(&format!("postgresql://{text}"));
        }
    }
}
