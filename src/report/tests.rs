use chrono::{DateTime, FixedOffset};

use super::*;
use crate::language::Language;

const HOSTILE: &str = "<script>alert(1)</script>&amp;\"' onload=\"x\" \u{202e}gnitset\u{0}\u{7} שלום</style><img src=x>";

/// The page in English.
fn render(report: &Report) -> String {
    super::render(report, Language::ENGLISH)
}

fn time(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

fn empty() -> Report {
    let server = |name: &str| Server {
        name: Text::verbatim(name),
        id: "11111111-1111-4111-8111-111111111111".into(),
        version: "PostgreSQL 15.6".into(),
        clock: Some(time("2026-06-03T16:02:12+02:00")),
    };
    Report {
        version: "1.0.0".into(),
        run: "22222222-2222-4222-8222-222222222222".into(),
        began: time("2026-06-03T16:02:10+02:00"),
        milliseconds: 1_234,
        central: server("database “survey” on db.example.org:5432"),
        clone: server("database “survey” on tablet:5432"),
        clone_behind: 0,
        tables: Vec::new(),
        from_central: Account::default(),
        from_clone: Account::default(),
        conflicts: Vec::new(),
        all_conflicts: 0,
        set_aside: Vec::new(),
        map: None,
        gaps: Vec::new(),
    }
}

fn row(name: &str) -> Row {
    Row {
        table: name.into(),
        uid: "33333333-3333-4333-8333-333333333333".into(),
        label: Some(name.into()),
    }
}

fn text(value: &str) -> Shown {
    shown(Some(value), value.len() as u64, Kind::Plain)
}

fn conflict(name: &str) -> Conflict {
    let edit = |side, value: &str| Edit {
        side,
        user: Some(name.into()),
        time: Some(time("2026-01-03T08:00:00+01:00")),
        wanted: Wanted::Value(text(value)),
    };
    Conflict {
        row: row(name),
        field: Some(name.into()),
        rule: Rule::Later,
        won: Some(edit(Side::Clone, name)),
        lost: edit(Side::Central, "old"),
    }
}

fn waiting(name: &str) -> SetAside {
    SetAside {
        row: row(name),
        owner: Side::Clone,
        action: Action::Update,
        values: vec![(name.into(), text(name), Some(Shown::Nothing))],
        more_values: 0,
        reason: name.into(),
        code: "23505".into(),
        user: None,
        time: None,
        since: None,
    }
}

/// Everything of it called by a name.
fn full(name: &str) -> Report {
    let mut report = empty();
    report.central.name = Text::verbatim(name);
    report.clone.version = name.into();
    report.tables = vec![Counts {
        table: name.into(),
        in_clone: Changed {
            inserted: 1,
            updated: 2,
            deleted: 1_234_567,
        },
        in_central: Changed::default(),
    }];
    report.from_central = Account {
        captured: 7,
        applied: 4,
        superseded: 1,
        lost: 1,
        set_aside: 1,
    };
    report.all_conflicts = 3;
    report.conflicts = vec![
        conflict(name),
        Conflict {
            field: None,
            rule: Rule::Deletion,
            won: Some(Edit {
                side: Side::Central,
                user: None,
                time: None,
                wanted: Wanted::Deletion,
            }),
            lost: Edit {
                side: Side::Clone,
                user: Some(name.into()),
                time: None,
                wanted: Wanted::Values(vec![(name.into(), text(name))]),
            },
            ..conflict(name)
        },
    ];
    report.set_aside = vec![waiting(name)];
    report.gaps = vec![Gap::Map];
    report.map = Some(Map {
        system: Some(System {
            code: name.into(),
            name: name.into(),
        }),
        layers: vec![Layer {
            table: name.into(),
            changed: Side::Central,
            action: Action::Delete,
            points: vec![[3.0, 43.0], [4.0, 44.0]],
        }],
        around: vec![[3.5, 43.5]],
        all: 2,
        left_out: vec![(1, Some(name.into()))],
        metres: Some([80_000.0, 111_000.0]),
    });
    report
}

/// What the page is made of, in order: names of elements, and of their attributes.
fn elements(page: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("a tag that is closed");
        let mut outside = tag.split('"').step_by(2).collect::<Vec<_>>().join("");
        outside.retain(|c| c != '=');
        names.push(outside);
    }
    names
}

#[test]
fn nothing_hostile_becomes_markup() {
    let page = render(&full(HOSTILE));
    assert_eq!(elements(&page), elements(&render(&full("plain"))));
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;&quot;"));
    assert!(page.contains("⟨U+202E⟩gnitset␀␇ שלום"));
    let odd = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!page.contains(odd));
}

#[test]
fn it_loads_nothing_and_says_so() {
    let page = render(&full("plain"));
    for word in [
        "http:",
        "https:",
        "src=",
        "url(",
        "@import",
        "<link",
        "<script",
        "javascript",
        "href",
        "style=\"",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    assert!(page.contains("<html lang=\"en\" dir=\"ltr\">"));
}

#[test]
fn a_run_with_nothing_to_do() {
    let page = render(&empty());
    assert!(page.contains("there was nothing to do"));
    assert!(page.contains("2026-06-03 16:02:10 (UTC+02:00), took 1.2 s"));
    assert!(page.contains("agree as far as that can be measured"));
    assert!(!page.contains("<figure"));
}

#[test]
fn what_happened_is_told() {
    let page = render(&full("gis.trees"));
    assert!(page.contains(
        "4 rows changed in the clone; 3 conflicts settled; 1 change waits for somebody to look."
    ));
    assert!(page.contains("1,234,567"));
    assert!(page.contains("7 = 4 + 1 + 1 + 1"));
    // In winter, at another offset than that of the page.
    assert!(page.contains("2026-01-03 08:00:00 (UTC+01:00)"));
    assert!(page.contains("the row was deleted"));
    assert!(page.contains("… and 1 conflict more"));
    assert!(page.contains("Another row has that value already."));
    assert!(page.contains("km</text>"));
    let mut late = full("x");
    late.clone_behind = -2_340_000;
    assert!(render(&late).contains("2.3 s ahead of the central’s"));
}

#[test]
fn a_large_run_gives_a_page_of_bounded_size() {
    let mut report = full("x");
    let long = "y".repeat(100_000);
    report.conflicts = vec![conflict(&long); 300];
    report
        .conflicts
        .iter_mut()
        .for_each(|conflict| conflict.row = row("x"));
    report.all_conflicts = 100_000;
    report.set_aside = vec![waiting(&long); 300];
    report.from_clone.set_aside = 10_000;
    report.tables = (0..10_000)
        .map(|number| Counts {
            table: format!("gis.t{number}"),
            in_clone: Changed {
                inserted: 1,
                ..Changed::default()
            },
            ..Counts::default()
        })
        .collect();
    let page = render(&report);
    assert!(page.contains("… and 99,750 conflicts more"));
    assert!(page.contains("… and 9,750 tables more"));
    assert!(page.len() < 1_500_000, "{}", page.len());
}

#[test]
fn it_speaks_french() {
    let mut report = full("gis.trees");
    report.clone_behind = -2_340_000;
    report.milliseconds = 61_000;
    report.from_clone.applied = 1_500;
    report.set_aside[0].since = Some(time("2026-06-01T08:00:00+02:00"));
    if let Some(map) = &mut report.map {
        map.layers[0].points = vec![[3.25, 43.25], [3.5, 43.5]];
    }
    let page = super::render(&report, Language::named("fr"));
    assert!(page.contains("<html lang=\"fr\" dir=\"ltr\">"));
    for french in [
        "4 lignes modifiées dans le clone et 1\u{202f}500 dans la base centrale\u{a0}; 3 conflits réglés",
        "1\u{202f}234\u{202f}567",
        "2,3\u{a0}s",
        "2026-06-03 16:02:10 (UTC+02:00)",
        "la ligne a été supprimée",
        "… et 1 autre conflit",
        "Une autre ligne a déjà cette valeur.",
        "en attente depuis le 2026-06-01 08:00:00",
    ] {
        assert!(page.contains(french), "{french}: {page}");
    }
    for english in [
        "rows changed",
        "conflict settled",
        "The two databases",
        "Set aside",
        "Another row",
        "took ",
        " of the clone ",
        "changed in",
        "waits",
        "somebody",
        "Times on this page",
        "This page holds",
        "the row was deleted",
        "cannot be",
        " is in ",
        "Receipt",
        "with a place",
    ] {
        assert!(!page.contains(english), "{english}: {page}");
    }
    assert_eq!(elements(&page).len(), elements(&render(&report)).len());
}

/// What is hostile stays text in every language, also where it stands within a sentence.
#[test]
fn nothing_hostile_becomes_markup_in_french() {
    let french = |name: &str| elements(&super::render(&full(name), Language::named("fr")));
    assert_eq!(french(HOSTILE).len(), french("plain").len());
    assert!(!super::render(&full(HOSTILE), Language::named("fr")).contains("<script"));
}
