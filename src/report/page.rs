//! The page: its frame, and the sections in their order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::words::Words;
use super::{Account, Changed, Counts, LISTED, Report, Server, brief, map, numbers, parts, text};
use crate::language::Language;
use crate::text::Text;

const STYLE: &str = include_str!("style.css");

/// The page about a run, in that language.
pub fn render(report: &Report, language: Language) -> String {
    let words = Words::new(language);
    let waiting = report.from_central.set_aside + report.from_clone.set_aside;
    let page = html! {
        (DOCTYPE)
        html lang=(words.code()) dir="ltr" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (words.say(text::title())) ", " (numbers::moment(report.began)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header class=(if waiting > 0 { "look" } else { "fine" }) {
                        p.kind { (words.say(text::title())) }
                        h1 { (words.say(text::headline(report))) }
                        p.when { (words.say(text::when(report))) }
                    }
                    (tiles(report, waiting, words))
                    @for gap in &report.gaps { p.note { (words.say(text::gap(*gap))) } }
                    (databases(report, words))
                    (changes(&report.tables, words))
                    @if let Some(map) = &report.map {
                        section { h2 { (words.say(text::map())) } (map::figure(map, words)) }
                    }
                    (parts::conflicts(report, words))
                    (parts::set_aside(report, waiting, words))
                    (receipt(report, words))
                }
                footer {
                    p { (text::made_by(&report.version)) " · " (words.say(text::run(&report.run))) }
                    p { (words.say(text::foot())) }
                }
            }
        }
    };
    page.into_string()
}

/// What the page may do: be styled by its own style sheet, and nothing else.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// The four numbers that people look for.
fn tiles(report: &Report, waiting: u64, words: Words) -> Markup {
    let numbers = [
        report.from_central.applied,
        report.from_clone.applied,
        report.all_conflicts,
        waiting,
    ];
    let classes = ["to-clone", "to-central", "settled", "waiting"];
    let tiles = numbers.into_iter().zip(text::counted_things(numbers));
    html! {
        ul.tiles {
            @for ((number, what), class) in tiles.zip(classes) {
                li class=(if number == 0 { "none" } else { class }) {
                    b { (words.number(number)) } " " span { (words.say(what)) }
                }
            }
        }
    }
}

fn databases(report: &Report, words: Words) -> Markup {
    let card = |title: Text, server: &Server, class: &str| {
        html! {
            div class=(format!("card {class}")) {
                h3 { (words.say(title)) }
                p.database { bdi { (words.brief(&server.name)) } }
                p.place {
                    @if !server.version.is_empty() { (brief(&server.version)) " · " }
                    (words.say(text::clock())) " "
                    @match server.clock {
                        Some(clock) => { span.together { (numbers::moment(clock)) " (" (numbers::offset(clock)) ")" } },
                        None => (words.say(text::unknown())),
                    }
                }
                p.place { (words.say(text::server_id())) " " span.id { (brief(&server.id)) } }
            }
        }
    };
    html! {
        section {
            h2 { (words.say(text::databases())) }
            div.sides {
                (card(text::central(), &report.central, "to-central"))
                (card(text::clone(), &report.clone, "to-clone"))
            }
            p.hint { (words.say(text::clocks(report))) }
        }
    }
}

/// The changes by table, for each side.
fn changes(tables: &[Counts], words: Words) -> Markup {
    html! {
        section {
            h2 { (words.say(text::changes())) }
            div.sides {
                (side(text::to_clone(), text::to_clone_hint(), "to-clone", tables, words, |counts| counts.in_clone))
                (side(text::to_central(), text::to_central_hint(), "to-central", tables, words, |counts| counts.in_central))
            }
        }
    }
}

fn side(
    title: Text,
    hint: Text,
    class: &str,
    tables: &[Counts],
    words: Words,
    of: fn(&Counts) -> Changed,
) -> Markup {
    let changed: Vec<(&str, Changed)> = tables
        .iter()
        .map(|counts| (counts.table.as_str(), of(counts)))
        .filter(|(_, changed)| changed.all() > 0)
        .collect();
    let sum = changed
        .iter()
        .fold(Changed::default(), |sum, (_, c)| Changed {
            inserted: sum.inserted + c.inserted,
            updated: sum.updated + c.updated,
            deleted: sum.deleted + c.deleted,
        });
    let cells = |changed: Changed| {
        html! {
            @for number in [changed.inserted, changed.updated, changed.deleted] {
                td.number { @if number > 0 { (words.number(number)) } @else { span.none { "–" } } }
            }
        }
    };
    html! {
        div class=(format!("card {class}")) {
            h3 { (words.say(title)) }
            p.hint { (words.say(hint)) }
            @if changed.is_empty() {
                p { (words.say(text::no_changes())) }
            } @else {
                table {
                    thead {
                        tr {
                            th scope="col" { (words.say(text::table())) }
                            @for name in [text::inserted(), text::updated(), text::deleted()] {
                                th.number scope="col" { (words.say(name)) }
                            }
                        }
                    }
                    tbody {
                        @for (table, changed) in changed.iter().take(LISTED) {
                            tr { th scope="row" { bdi { (brief(table)) } } (cells(*changed)) }
                        }
                        @if changed.len() > LISTED {
                            tr { td colspan="4" { (words.say(numbers::more_tables((changed.len() - LISTED) as u64))) } }
                        }
                    }
                    @if changed.len() > 1 {
                        tfoot { tr { th scope="row" { (words.say(text::all())) } (cells(sum)) } }
                    }
                }
            }
        }
    }
}

/// What became of every edit.
fn receipt(report: &Report, words: Words) -> Markup {
    type Part = fn(&Account) -> u64;
    let rows: [(Text, Part); 5] = [
        (text::captured(), |account| account.captured),
        (text::applied(), |account| account.applied),
        (text::superseded(), |account| account.superseded),
        (text::lost_in(), |account| account.lost),
        (text::set_aside(), |account| account.set_aside),
    ];
    let accounts = [&report.from_central, &report.from_clone];
    html! {
        section {
            h2 { (words.say(text::receipt())) }
            p.hint { (words.say(text::receipt_hint())) }
            div.card.receipt {
                table {
                    thead {
                        tr {
                            th scope="col" { (words.say(text::edits())) }
                            th.number scope="col" { (words.say(text::of_central())) }
                            th.number scope="col" { (words.say(text::of_clone())) }
                        }
                    }
                    tbody {
                        @for (place, (name, of)) in rows.into_iter().enumerate() {
                            tr.sum[place == 0] {
                                th scope="row" { (words.say(name)) }
                                @for account in accounts { td.number { (words.number(of(account))) } }
                            }
                        }
                    }
                    tfoot {
                        tr {
                            th scope="row" { (words.say(text::sum())) }
                            @for account in accounts { td.number { (text::balance(account, words)) } }
                        }
                    }
                }
            }
        }
    }
}
