//! Reads the messages out of the Rust source, and the literals that should be messages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};

/// A message of the source.
pub struct Message {
    pub one: String,
    pub many: Option<String>,
    pub files: BTreeSet<String>,
}

/// What was found.
#[derive(Default)]
pub struct Found {
    pub messages: Vec<Message>,
    /// Sentences outside of `tr!`: where, and what.
    pub strays: Vec<String>,
}

/// Calls and macros in which English is for us, or SQL.
const INNER: [&str; 14] = [
    "debug",
    "trace",
    "internal",
    "include_str",
    "assert",
    "assert_eq",
    "debug_assert",
    "expect",
    "cfg",
    "cfg_attr",
    "doc",
    "error",
    "allow",
    "env",
];

/// Literals that are no sentences of ours, by where they stand.
const KNOWN: [(&str, &str); 23] = [
    // What PostgreSQL or its client says, to be compared with.
    ("src/postgres/failure.rs", "password missing"),
    (
        "src/postgres/failure.rs",
        "unsupported authentication method",
    ),
    ("src/postgres/failure.rs", "client certificate"),
    ("src/postgres/failure.rs", "no encryption"),
    ("src/postgres/error.rs", "SQL function "),
    ("src/postgres/error.rs", " function "),
    // What our own SQL says; the text is beside it.
    ("src/structure/captured.rs", "no audit triggers"),
    ("src/structure/captured.rs", "other tables inherit from it"),
    ("src/structure/captured.rs", "audit triggers are disabled"),
    (
        "src/structure/captured.rs",
        "audit triggers are missing or changed",
    ),
    // What a database keeps.
    ("src/structure/upgrade.rs", "Functions for hstore in {}"),
    ("src/structure/upgrade.rs", "Upgrade from {}"),
    ("src/sync/stage.rs", "{beginning}… ({} bytes)"),
    (
        "src/structure/former/steps.rs",
        "Upgrade from {version} of the former plugin",
    ),
    (
        "src/structure/install.rs",
        "LizSync: the log of changes, written by triggers",
    ),
    (
        "src/structure/install.rs",
        "LizSync: synchronisation between a central database and its clones",
    ),
    // Names of columns.
    (
        "src/structure/former/layout.rs",
        "id conflict_time object_table object_uid clone_id central_event_id central_event_timestamp central_sql clone_sql rejected rule_applied",
    ),
    (
        "src/structure/former/layout.rs",
        "id date_ajout version description",
    ),
    (
        "src/structure/former/layout.rs",
        "event_id schema_name table_name relid session_user_name action_tstamp_tx action_tstamp_stm action_tstamp_clk transaction_id application_name client_addr client_port client_query action row_data changed_fields statement_only sync_data",
    ),
    // What a browser reads.
    ("src/report/page.rs", "light dark"),
    (
        "src/report/page.rs",
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'",
    ),
    // For fuzzing.
    ("src/package/mod.rs", "The script"),
    // Folders.
    ("src/files/password.rs", "Library/Application Support"),
];

/// Reads all files in `src`.
pub fn read() -> Found {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Found::default();
    let mut folders = vec![root.join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path
            .strip_prefix(root)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        // The macro itself is made of what it takes.
        if file != "src/text.rs" {
            let tokens: TokenStream = text.parse().unwrap();
            let prose = !file.starts_with("src/algorithms/") && file != "src/registry.rs";
            Reader {
                file,
                prose,
                found: &mut found,
            }
            .read(tokens, true);
        } else {
            let tokens: TokenStream = text
                .split("macro_rules! tr")
                .next()
                .unwrap()
                .parse()
                .unwrap();
            Reader {
                file,
                prose: true,
                found: &mut found,
            }
            .read(tokens, true);
        }
    }
    found
}

struct Reader<'a> {
    file: String,
    /// Whether sentences are looked for: the registry's texts are in the catalogue all the same.
    prose: bool,
    found: &'a mut Found,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream, ours: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Punct(hash) if hash.as_char() == '#' => {
                    // Attributes and documentation; what is for tests alone.
                    let inner = matches!(tokens.get(at + 1), Some(TokenTree::Punct(_)));
                    at += usize::from(inner);
                    let attribute = tokens
                        .get(at + 1)
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    at += 2;
                    if attribute.replace(' ', "") == "[cfg(test)]" {
                        while !matches!(&tokens[at], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
                            && tokens[at].to_string() != ";"
                        {
                            at += 1;
                        }
                        at += 1;
                    }
                    continue;
                }
                TokenTree::Group(group) => {
                    let name = called(&tokens, at);
                    match name.as_deref() {
                        // Not the row of a table in a template: tr { … }.
                        Some("tr") if group.delimiter() == Delimiter::Parenthesis => {
                            self.message(group.stream());
                        }
                        Some(name) if INNER.contains(&name) => self.read(group.stream(), false),
                        _ => self.read(group.stream(), ours),
                    }
                }
                TokenTree::Literal(literal) if ours && self.prose => self.judge(literal, "", false),
                _ => (),
            }
            at += 1;
        }
    }

    /// `tr!("one" | "many" % number, …)`.
    fn message(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let Some(one) = tokens.first().and_then(value) else {
            return;
        };
        let plural = matches!(tokens.get(1), Some(TokenTree::Punct(bar)) if bar.as_char() == '|');
        let many = tokens.get(2).filter(|_| plural).and_then(value);
        self.found.messages.push(Message {
            one,
            many,
            files: BTreeSet::from([self.file.clone()]),
        });
        let arguments: TokenStream = tokens
            .into_iter()
            .skip(if plural { 3 } else { 1 })
            .collect();
        self.arguments(arguments);
    }

    /// No words stand in arguments: they would stay English.
    fn arguments(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for at in 0..tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => match called(&tokens, at).as_deref() {
                    Some("tr") => self.message(group.stream()),
                    _ => self.arguments(group.stream()),
                },
                TokenTree::Literal(literal) => self.judge(literal, " in an argument", true),
                _ => (),
            }
        }
    }

    fn judge(&mut self, literal: &Literal, place: &str, strict: bool) {
        let Some(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()).ok() else {
            return;
        };
        let text = text.value();
        let known = KNOWN.contains(&(self.file.as_str(), text.as_str()));
        if !known && is_prose(&text, strict) {
            let line = literal.span().start().line;
            let stray = format!("{}:{line}{place}: {text}", self.file);
            self.found.strays.push(stray);
        }
    }
}

/// What stands before a group: the name of a function or macro.
fn called(tokens: &[TokenTree], at: usize) -> Option<String> {
    let name = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(name)) => Some(name.to_string()),
        _ => None,
    };
    let before = at.checked_sub(1)?;
    match &tokens[before] {
        TokenTree::Punct(bang) if bang.as_char() == '!' => name(before.checked_sub(1)?),
        _ => name(before),
    }
}

fn value(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Literal(literal) => syn::parse_str::<syn::LitStr>(&literal.to_string())
            .ok()
            .map(|text| text.value()),
        _ => None,
    }
}

/// Whether a literal is made of words: two that follow each other, and no SQL.
fn is_prose(text: &str, strict: bool) -> bool {
    const SQL: [&str; 34] = [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "FROM",
        "WHERE",
        "CREATE",
        "DROP",
        "ALTER",
        "LOCK",
        "SET",
        "AND",
        "OR",
        "NOT",
        "AS",
        "IN",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "COPY",
        "ADD",
        "NULL",
        "ROW",
        "DO",
        "WITH",
        "RESET",
        "ANALYZE",
        "TRUNCATE",
        "CASE",
        "INTERVAL",
        "TRIGGER",
        "IF",
    ];
    let words: Vec<&str> = text.split_whitespace().collect();
    // Names of columns, or what is filled in.
    let list = words.iter().rev().skip(1).all(|word| word.ends_with(','));
    let is_word = |word: &&&str| {
        if word.contains(['{', '(', '_']) {
            return false;
        }
        let bare = word.trim_matches(|c: char| c.is_ascii_punctuation() || "“”…".contains(c));
        bare.len() > 1
            && bare
                .chars()
                .all(|c| c.is_ascii_alphabetic() || "'’-".contains(c))
    };
    let bare = |word: &&str| SQL.contains(&word.trim_matches(|c: char| !c.is_alphabetic()));
    let sql = words.iter().any(bare) || text.contains("::") || text.contains("interval '");
    let lower = words
        .iter()
        .filter(is_word)
        .filter(|word| word.contains(char::is_lowercase))
        .count();
    let sentence = words.len() > 1 && lower >= if strict { 1 } else { 2 };
    !sql && !list && sentence
}
