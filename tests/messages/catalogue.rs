//! The catalogues in `po/`, and what a translation must be like.

use std::collections::BTreeSet;
use std::path::Path;

/// A message and its translation.
pub struct Entry {
    pub one: String,
    pub many: Option<String>,
    /// One text, or one for each form of the plural.
    pub texts: Vec<String>,
    /// The files in which the message stands.
    files: Vec<String>,
    fuzzy: bool,
}

/// All catalogues: language and entries.
pub fn all() -> Vec<(String, Vec<Entry>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("po");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "po") {
            let language = path.file_stem().unwrap().to_string_lossy().into_owned();
            found.push((language, read(&path)));
        }
    }
    assert!(found.iter().any(|(language, _)| language == "fr"));
    found
}

fn read(path: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(path).unwrap();
    // What reads it in the library would not find the rule behind a space.
    assert!(text.contains(";plural="), "Plural-Forms needs “;plural=”");
    let file = rspolib::pofile(path).unwrap();
    let entries = file.entries.into_iter().map(|entry| {
        assert!(!entry.obsolete, "obsolete: {}", entry.msgid);
        assert!(
            entry.msgctxt.is_none(),
            "the library knows no contexts: {}",
            entry.msgid
        );
        Entry {
            texts: match entry.msgid_plural {
                Some(_) => entry.msgstr_plural,
                None => vec![entry.msgstr.unwrap_or_default()],
            },
            one: entry.msgid,
            many: entry.msgid_plural,
            files: entry
                .occurrences
                .into_iter()
                .map(|(file, _)| file)
                .collect(),
            fuzzy: entry.flags.iter().any(|flag| flag == "fuzzy"),
        }
    });
    entries.collect()
}

impl Entry {
    /// What it is found by.
    pub fn key(&self) -> (String, Option<String>) {
        (self.one.clone(), self.many.clone())
    }

    /// Whether it stands in a file below that folder.
    pub fn is_of(&self, folder: &str) -> bool {
        self.files.iter().any(|file| file.starts_with(folder))
    }

    /// What is wrong with it.
    pub fn problem(&self) -> Option<String> {
        let wrong = |what: &str| Some(format!("{what}: {:?} -> {:?}", self.one, self.texts));
        if self.fuzzy {
            return wrong("fuzzy");
        }
        if self.many.is_some() && self.texts.len() < 2 {
            return wrong("a form of the plural is missing");
        }
        let number = |text: &String| {
            let mut places = places(text);
            // A singular need not name its number.
            if self.many.is_some() {
                places.remove("n");
            }
            places
        };
        let expected = number(&self.one);
        for text in &self.texts {
            if text.trim().is_empty() {
                return wrong("empty");
            }
            if number(text) != expected {
                return wrong("other places");
            }
            if text.contains(['“', '”']) {
                return wrong("English quotes");
            }
        }
        let plural = self
            .many
            .as_ref()
            .is_some_and(|many| places(many).contains("n"));
        let last = self
            .texts
            .last()
            .is_some_and(|text| places(text).contains("n"));
        if plural != last {
            return wrong("the plural lacks {n}");
        }
        self.typography()
    }

    /// French puts spaces that do not break before `: ; ! ?` and inside of its quotes, and its apostrophe is round.
    fn typography(&self) -> Option<String> {
        for text in &self.texts {
            let bad = [" :", " ;", " !", " ?", "« ", " »"]
                .into_iter()
                .find(|bad| text.contains(bad));
            if let Some(bad) = bad {
                return Some(format!("{bad:?} needs a space that does not break: {text}"));
            }
            let letters: Vec<char> = text.chars().collect();
            let straight = letters.windows(3).any(|three| {
                three[1] == '\''
                    && three[0].is_alphabetic()
                    && (three[2].is_alphabetic() || three[2] == '{')
            });
            if straight {
                return Some(format!("a straight apostrophe: {text}"));
            }
        }
        None
    }
}

/// The names in braces.
pub fn places(text: &str) -> BTreeSet<String> {
    let text = text.replace("{{", "").replace("}}", "");
    let places = text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    places.map(str::to_owned).collect()
}
