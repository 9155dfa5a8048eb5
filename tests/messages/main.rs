//! The messages of the source and the catalogues in `po/`: nothing is missing, left over, or outside.
//!
//! `make messages` takes new messages over (this test then writes `target/library.pot`).

mod catalogue;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use catalogue::{Entry, places};
use source::Message;

/// What the source and the registry say, each message once.
fn messages() -> BTreeMap<(String, Option<String>), Message> {
    let mut found = BTreeMap::new();
    let all = source::read().messages.into_iter().chain(registry());
    for message in all {
        let key = (message.one.clone(), message.many.clone());
        found
            .entry(key)
            .and_modify(|known: &mut Message| known.files.extend(message.files.iter().cloned()))
            .or_insert(message);
    }
    found
}

/// Labels, groups and help of the registry.
fn registry() -> Vec<Message> {
    let mut texts = Vec::new();
    for algorithm in lizsync::registry::all() {
        let of = format!("src/algorithms/{}.rs", algorithm.id);
        texts.extend([
            (algorithm.label, "src/algorithms/mod.rs".to_owned()),
            (algorithm.group.label, "src/registry.rs".to_owned()),
            (algorithm.help, of.clone()),
        ]);
        let parameters = algorithm.parameters.iter().map(|each| each.label);
        let outputs = algorithm.outputs.iter().map(|each| each.label);
        texts.extend(parameters.chain(outputs).map(|label| (label, of.clone())));
    }
    let message = |(one, file): (&str, String)| Message {
        one: one.to_owned(),
        many: None,
        files: BTreeSet::from([file]),
    };
    texts.into_iter().map(message).collect()
}

#[test]
fn template() {
    if std::env::var_os("LIZSYNC_WRITE").is_none() {
        return;
    }
    let mut pot = String::from(
        "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\
         \"Content-Transfer-Encoding: 8bit\\n\"\n",
    );
    for message in messages().values() {
        let files: Vec<_> = message.files.iter().cloned().collect();
        let _ = write!(pot, "\n#: {}\nmsgid {:?}\n", files.join(" "), message.one);
        let _ = match &message.many {
            Some(many) => write!(
                pot,
                "msgid_plural {many:?}\nmsgstr[0] \"\"\nmsgstr[1] \"\"\n"
            ),
            None => writeln!(pot, "msgstr \"\""),
        };
    }
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    std::fs::create_dir_all(&target).unwrap();
    std::fs::write(target.join("library.pot"), pot).unwrap();
}

#[test]
fn every_message_has_its_translation() {
    for (language, entries) in catalogue::all() {
        let known: BTreeMap<_, _> = entries.iter().map(|entry| (entry.key(), entry)).collect();
        let missing: Vec<_> = messages()
            .into_keys()
            .filter(|key| !known.contains_key(key))
            .collect();
        assert!(
            missing.is_empty(),
            "{language}: run “make messages”: {missing:#?}"
        );
        let wrong: Vec<String> = entries.iter().filter_map(Entry::problem).collect();
        assert!(wrong.is_empty(), "{language}: {wrong:#?}");
    }
}

#[test]
fn nothing_is_left_over() {
    let messages = messages();
    for (language, entries) in catalogue::all() {
        let over: Vec<_> = entries
            .iter()
            .filter(|entry| entry.is_of("src/") && !entry.is_of("python/"))
            .map(Entry::key)
            .filter(|key| !messages.contains_key(key))
            .collect();
        assert!(
            over.is_empty(),
            "{language}: run “make messages”: {over:#?}"
        );
    }
}

#[test]
fn places_are_plain_names() {
    let plain = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    for message in messages().values() {
        for text in [Some(&message.one), message.many.as_ref()]
            .into_iter()
            .flatten()
        {
            assert!(places(text).iter().all(plain), "{text}");
        }
    }
}

#[test]
fn no_sentence_stands_outside_of_the_macro() {
    let strays = source::read().strays;
    assert!(strays.is_empty(), "put it into tr!(…): {strays:#?}");
}

/// Messages that send somebody to an algorithm name it as the toolbox of that language does.
#[test]
fn algorithms_are_called_by_their_labels() {
    let labels: Vec<&str> = lizsync::registry::all()
        .iter()
        .map(|each| each.label)
        .collect();
    let names = |text: &str| -> Vec<String> {
        let quoted = text
            .split('“')
            .skip(1)
            .filter_map(|rest| rest.split('”').next());
        let is_name = |name: &&str| {
            let begins = name.chars().next().is_some_and(char::is_uppercase);
            begins && name.contains(' ') && !name.contains(|c: char| "(_;".contains(c))
        };
        quoted
            .filter(is_name)
            .filter(|name| name.split(' ').next() != Some("DELETE") && !name.starts_with("SELECT"))
            .filter(|name| !name.starts_with("CREATE"))
            .map(str::to_owned)
            .collect()
    };
    let mut seen = BTreeSet::new();
    for message in messages().values() {
        for name in names(&message.one) {
            assert!(
                labels.contains(&name.as_str()),
                "“{name}” in: {}",
                message.one
            );
            seen.insert(name);
        }
    }
    assert!(seen.len() > 3, "{seen:?}");
    for (language, entries) in catalogue::all() {
        let text = |id: &str| {
            let entry = entries
                .iter()
                .find(|entry| entry.one == id && entry.many.is_none());
            entry
                .map(|entry| entry.texts[0].clone())
                .unwrap_or_default()
        };
        for entry in &entries {
            for name in names(&entry.one) {
                let label = text(&name);
                let named = entry.texts.iter().all(|text| text.contains(&label));
                assert!(named, "{language}: “{label}” is not in: {:?}", entry.texts);
            }
        }
    }
}
