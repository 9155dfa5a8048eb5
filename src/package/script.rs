//! SQL scripts as text: finding what only `psql` understands, and wrapping a script so that
//! PostgreSQL itself refuses transaction control in it.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::postgres::quote;
use crate::text::{Text, tr};

/// Something in a script that cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// What is there.
    pub what: Text,
}

/// Walks over the parts of a script that are outside quotes and comments.
struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

/// One step of the scanner.
enum Step {
    /// A character outside quotes and comments, at this offset.
    Plain(usize),
    /// A quoted part or comment was skipped; it began here and was not closed.
    Open(usize, fn() -> Text),
    /// A quoted part or comment was skipped.
    Skipped,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Whether the byte before the current one belongs to an identifier or number.
    fn after_word(&self, at: usize) -> bool {
        at > 0 && is_word(self.bytes[at - 1])
    }

    fn step(&mut self) -> Option<Step> {
        let start = self.at;
        let step = match (self.peek(0)?, self.peek(1)) {
            (b'\'', _) => {
                let escapes = start > 0
                    && matches!(self.bytes[start - 1], b'e' | b'E')
                    && !self.after_word(start - 1);
                self.quoted(b'\'', escapes, || tr!("a text in single quotes"))
            }
            (b'"', _) => self.quoted(b'"', false, || tr!("a name in double quotes")),
            (b'-', Some(b'-')) => {
                let rest = &self.bytes[start..];
                let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
                self.at = end.map_or(self.bytes.len(), |length| start + length);
                Step::Skipped
            }
            (b'/', Some(b'*')) => self.comment(),
            (b'$', _) if !self.after_word(start) => match self.dollar_tag() {
                Some(tag) => self.until(tag),
                None => self.plain(),
            },
            _ => self.plain(),
        };
        Some(step)
    }

    fn plain(&mut self) -> Step {
        self.at += 1;
        Step::Plain(self.at - 1)
    }

    fn quoted(&mut self, quote: u8, escapes: bool, what: fn() -> Text) -> Step {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            let escaped = byte == b'\\' && escapes;
            if escaped || byte == quote && self.peek(1) == Some(quote) {
                self.at += 2;
            } else {
                self.at += 1;
                if byte == quote {
                    return Step::Skipped;
                }
            }
        }
        self.at = self.bytes.len();
        Step::Open(start, what)
    }

    /// Comments nest.
    fn comment(&mut self) -> Step {
        let start = self.at;
        let mut depth = 0usize;
        while let Some(byte) = self.peek(0) {
            match (byte, self.peek(1)) {
                (b'/', Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Step::Skipped;
                    }
                }
                _ => self.at += 1,
            }
        }
        Step::Open(start, || tr!("a comment"))
    }

    /// The tag `$…$` that begins here.
    fn dollar_tag(&self) -> Option<&'a str> {
        let rest = &self.text[self.at + 1..];
        let length = rest.find('$')?;
        let name = &rest.as_bytes()[..length];
        let valid = name.iter().all(|b| is_word(*b) && *b != b'$')
            && !name.first().is_some_and(u8::is_ascii_digit);
        valid.then(|| &self.text[self.at..self.at + length + 2])
    }

    fn until(&mut self, tag: &str) -> Step {
        let start = self.at;
        let body = start + tag.len();
        match self.text[body..].find(tag) {
            Some(length) => {
                self.at = body + length + tag.len();
                Step::Skipped
            }
            None => {
                self.at = self.bytes.len();
                Step::Open(start, || tr!("a text in dollar quotes"))
            }
        }
    }
}

/// Bytes of identifiers, as PostgreSQL's lexer sees them: everything beyond ASCII counts.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
        + 1
}

/// Finds the first thing in a script that only `psql` understands (a backslash outside quotes), or
/// that no program does (a quote that is not closed, a null character).
pub(super) fn problem(text: &str) -> Option<Problem> {
    if let Some(at) = text.find('\0') {
        return Some(Problem {
            line: line_of(text, at),
            what: tr!("a null character"),
        });
    }
    let mut scanner = Scanner::new(text);
    while let Some(step) = scanner.step() {
        let (at, what) = match step {
            Step::Plain(at) if text.as_bytes()[at] == b'\\' => {
                let command: String = text[at..]
                    .chars()
                    .take_while(|c| !c.is_whitespace())
                    .take(20)
                    .collect();
                (at, tr!("the psql command “{command}”", command))
            }
            Step::Open(at, what) => (at, tr!("{what} that is not closed", what = what())),
            _ => continue,
        };
        return Some(Problem {
            line: line_of(text, at),
            what,
        });
    }
    None
}

/// Makes the output of `pg_dump` plain SQL for every supported server: drops the `\restrict` lines
/// and the settings that older servers do not know, and lets schemas be there already (an
/// extension may live in a packaged schema, and has to be created before).
pub(super) fn portable(dump: &str, schemas: &[String]) -> String {
    replace_lines(dump, |line| portable_line(line, schemas))
}

/// Replaces lines that begin outside of quotes and comments.
fn replace_lines(dump: &str, replacement: impl Fn(&str) -> Option<Cow<'static, str>>) -> String {
    let mut sql = String::with_capacity(dump.len() + 64);
    let mut scanner = Scanner::new(dump);
    let mut copied = 0;
    let mut line_start = true;
    loop {
        let at = scanner.at;
        if line_start {
            let line = dump[at..].split_inclusive('\n').next().unwrap_or("");
            if let Some(replacement) = replacement(line.trim_end()) {
                sql.push_str(&dump[copied..at]);
                sql.push_str(&replacement);
                copied = at + line.trim_end().len();
                scanner.at = copied;
            }
        }
        match scanner.step() {
            Some(Step::Plain(at)) => line_start = dump.as_bytes()[at] == b'\n',
            Some(_) => line_start = false,
            None => break,
        }
    }
    sql.push_str(&dump[copied..]);
    sql
}

fn portable_line(line: &str, schemas: &[String]) -> Option<Cow<'static, str>> {
    if line.starts_with("\\restrict ")
        || line.starts_with("\\unrestrict ")
        || line.starts_with("SET transaction_timeout ")
    {
        return Some(Cow::Borrowed(""));
    }
    let schema = line.strip_prefix("CREATE SCHEMA ")?.strip_suffix(';')?;
    let known = schemas.iter().any(|name| quote(name) == schema);
    known.then(|| Cow::Owned(format!("CREATE SCHEMA IF NOT EXISTS {schema};")))
}

/// Makes the output of `pg_dump` fit for a server before PostgreSQL 13. `uuid` makes a random uuid.
pub(super) fn before_13(dump: &str, uuid: &str) -> String {
    // On partitions only a superuser may say so there; the deployment makes these triggers anew.
    let said = |line: &str| {
        line.starts_with("ALTER TABLE ") && line.contains(" TRIGGER \"lizsync_capture_")
    };
    let sql = replace_lines(dump, |line| said(line).then_some(Cow::Borrowed("")));
    without_builtin_uuid(&sql, uuid)
}

/// Puts `uuid`, an expression, in the place of `gen_random_uuid()`, for servers without it. Only
/// PostgreSQL's own: another one stands behind the name of its schema.
fn without_builtin_uuid(dump: &str, uuid: &str) -> String {
    const NAME: &str = "\"gen_random_uuid\"";
    let mut sql = String::with_capacity(dump.len());
    let mut scanner = Scanner::new(dump);
    let (mut start, mut copied) = (0, 0);
    while let Some(step) = scanner.step() {
        let call = matches!(step, Step::Skipped)
            && &dump[start..scanner.at] == NAME
            && dump[scanner.at..].starts_with("()")
            && !dump[..start].ends_with('.');
        if call {
            sql.push_str(&dump[copied..start]);
            sql.push_str(uuid);
            scanner.at += 2;
            copied = scanner.at;
        }
        start = scanner.at;
    }
    sql.push_str(&dump[copied..]);
    sql
}

/// A dollar tag that the text cannot close.
fn tag_for(text: &str) -> String {
    let mut tag = "$lizsync".to_owned();
    let mut number = 0u32;
    while text.contains(&tag) {
        tag = format!("$lizsync{number}");
        number += 1;
    }
    tag + "$"
}

/// One statement that executes the whole script inside the transaction that is open: as the text
/// of EXECUTE, where PostgreSQL refuses COMMIT and the like.
pub(super) fn wrap(text: &str) -> String {
    // Nothing may follow the text directly: it may end in a comment, or in half a tag.
    let inner = tag_for(text);
    let body = format!("BEGIN EXECUTE {inner}{text}\n{inner}; END");
    let outer = tag_for(&body);
    format!("DO {outer}{body}{outer}")
}

/// The text of an SQL file: UTF-8, without its byte order mark, and checked with [`problem`].
///
/// # Errors
/// [`Kind::File`](crate::error::Kind::File); `name` says which script it is.
pub(super) fn read(bytes: Vec<u8>, name: &Text) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        Error::file(tr!(
            "{name} is not UTF-8 text (line {line}).",
            name,
            line = line + 1
        ))
    })?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    match problem(&text) {
        None => Ok(text),
        Some(Problem { line, what }) => Err(Error::file(tr!(
            "{name} holds {what} in line {line}: it must be plain SQL.",
            name,
            what,
            line
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn what(text: &str) -> String {
        problem(text).map_or_else(|| "fine".into(), |p| format!("{}: {}", p.line, p.what))
    }

    #[test]
    fn backslashes_in_quotes_and_comments_are_fine() {
        for text in [
            "",
            "SELECT '\\', 'it''s \\d'",
            "SELECT E'\\'\\\\', e'a\\'b\\! c'",
            "SELECT \"a\\b\"\"\\c\"",
            "-- \\connect x\nSELECT 1",
            "/* \\i x /* nested \\q */ \\d */ SELECT 1",
            "DO $$ BEGIN PERFORM '\\'; END $$",
            "DO $é1_$ \\d $$ $x$ \\ $é1_$",
            "PREPARE p AS SELECT $1, a$b$c FROM t WHERE x = $2",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC; SELECT 1; END;",
        ] {
            assert_eq!(what(text), "fine", "{text}");
        }
    }

    #[test]
    fn meta_commands_are_found() {
        for (text, expected) in [
            ("SELECT 1;\n\\! rm -rf x", "2: the psql command “\\!”"),
            ("\\restrict abc", "1: the psql command “\\restrict”"),
            ("SELECT 1 \\gexec", "1: the psql command “\\gexec”"),
            // Without E, a backslash does not escape the quote.
            ("SELECT '\\' \\! x '", "1: the psql command “\\!”"),
            ("SELECT typE'\\' \\! x '", "1: the psql command “\\!”"),
            ("/* /* */ \\x */ \\y", "1: the psql command “\\y”"),
            ("-- a\r\\q", "1: the psql command “\\q”"),
            ("SELECT $1$ \\q", "1: the psql command “\\q”"),
            ("SELECT a$b$ \\q", "1: the psql command “\\q”"),
            ("COPY t FROM stdin;\n1\n\\.\n", "3: the psql command “\\.”"),
            (
                "SELECT 'open",
                "1: a text in single quotes that is not closed",
            ),
            (
                "SELECT E'\\",
                "1: a text in single quotes that is not closed",
            ),
            ("\n\"open", "2: a name in double quotes that is not closed"),
            ("/* /* */", "1: a comment that is not closed"),
            (
                "DO $x$ BEGIN $y$",
                "1: a text in dollar quotes that is not closed",
            ),
            ("a\n\0", "2: a null character"),
        ] {
            assert_eq!(what(text), expected, "{text}");
        }
    }

    #[test]
    fn output_of_pg_dump_becomes_plain_sql() {
        let dump = "--\n-- dump\n--\n\n\\restrict abc\n\nSET statement_timeout = 0;\nSET transaction_timeout = 0;\n\
            CREATE SCHEMA \"g\"\"s\";\nCREATE SCHEMA \"x\";\nCREATE FUNCTION f() AS $$\n\\restrict no\nCREATE SCHEMA \"x\";\n$$;\n\
            SELECT '\nSET transaction_timeout = 0;\n';\n\\unrestrict abc\n\n";
        let expected = "--\n-- dump\n--\n\n\n\nSET statement_timeout = 0;\n\n\
            CREATE SCHEMA IF NOT EXISTS \"g\"\"s\";\nCREATE SCHEMA IF NOT EXISTS \"x\";\nCREATE FUNCTION f() AS $$\n\\restrict no\nCREATE SCHEMA \"x\";\n$$;\n\
            SELECT '\nSET transaction_timeout = 0;\n';\n\n\n";
        assert_eq!(portable(dump, &["g\"s".into(), "x".into()]), expected);
        assert_eq!(what(expected), "fine");
    }

    #[test]
    fn servers_without_gen_random_uuid_get_something_else() {
        let dump = r#"CREATE TABLE "t" ("uid" "uuid" DEFAULT "gen_random_uuid"() NOT NULL, "x" "uuid" DEFAULT "p"."gen_random_uuid"());
ALTER TABLE "t" ALTER "u" SET DEFAULT "gen_random_uuid"(); COMMENT ON TABLE "t" IS 'ü "gen_random_uuid"()'; SELECT "gen_random_uuid", "a""gen_random_uuid"();
CREATE FUNCTION "f"() AS $$ SELECT "gen_random_uuid"() $$;"#;
        let expected = dump
            .replacen("\"gen_random_uuid\"() NOT", "(u) NOT", 1)
            .replacen("DEFAULT \"gen_random_uuid\"();", "DEFAULT (u);", 1);
        assert_eq!(without_builtin_uuid(dump, "(u)"), expected);

        let trigger = "ALTER TABLE \"s\".\"t\" ENABLE ALWAYS TRIGGER \"lizsync_capture_row\";\n";
        let own = "ALTER TABLE \"s\".\"t\" ENABLE ALWAYS TRIGGER \"own\";\n";
        assert_eq!(
            before_13(&format!("{own}{trigger}{own}"), "u"),
            format!("{own}\n{own}")
        );
    }

    #[test]
    fn files_must_be_utf8_and_lose_their_byte_order_mark() {
        let sql = |bytes: &[u8]| read(bytes.to_vec(), &Text::verbatim("x.sql"));
        assert_eq!(sql("\u{feff}SELECT 'ü'".as_bytes()).unwrap(), "SELECT 'ü'");
        let message = sql(b"SELECT\n'\xfc'").unwrap_err().to_string();
        assert_eq!(message, "x.sql is not UTF-8 text (line 2).");
        assert!(
            sql(b"\\q")
                .unwrap_err()
                .to_string()
                .contains("psql command “\\q” in line 1")
        );
    }

    /// What PostgreSQL reads from a dollar-quoted text at `start`.
    fn unquoted(sql: &str, start: usize) -> &str {
        let tag = &sql[start..=start + 1 + sql[start + 1..].find('$').unwrap()];
        let body = start + tag.len();
        &sql[body..body + sql[body..].find(tag).unwrap()]
    }

    const PIECES: &str =
        "(\\PC|[\\\\'\"$eE\n-]|\\$lizsync|\\$lizsync0?\\$|/\\*|\\*/|\\$\\$|--){0,40}";

    proptest! {
        #[test]
        fn wrapping_keeps_the_text(text in PIECES) {
            let wrapped = wrap(&text);
            let body = unquoted(&wrapped, "DO ".len());
            prop_assert_eq!(&wrapped[wrapped.len() - 1..], "$");
            let inner = unquoted(body, "BEGIN EXECUTE ".len());
            prop_assert_eq!(inner.strip_suffix('\n'), Some(text.as_str()));
            prop_assert!(body.ends_with("; END"));
            // One statement, whatever the text holds.
            prop_assert_eq!(problem(&wrapped), None);
        }

        #[test]
        fn scanning_never_panics(text in PIECES, any in ".*") {
            let _ = (problem(&text), problem(&any), portable(&text, &[]), portable(&any, &[]));
            let _ = (before_13(&text, "u"), before_13(&any, "u"));
        }

        #[test]
        fn quoted_text_is_never_a_meta_command(text in "\\PC*") {
            prop_assert_eq!(problem(&format!("SELECT {}", crate::postgres::literal(&text))), None);
            prop_assert_eq!(problem(&format!("SELECT {} AS x", quote(&text))), None);
            prop_assert_eq!(problem(&wrap(&text)), None);
        }

        #[test]
        fn nothing_else_of_a_dump_changes(text in "[a-zäé \\n'$;-]{0,60}") {
            prop_assert_eq!(&portable(&text, &[]), &text);
            prop_assert_eq!(before_13(&text, "u"), text);
        }
    }
}
