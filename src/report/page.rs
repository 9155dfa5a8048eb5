//! The page: its frame, and the sections in their order.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::{Account, Changed, Counts, LISTED, Report, Server, brief, map, parts, text};

const STYLE: &str = include_str!("style.css");

/// The page about a run.
pub fn render(report: &Report) -> String {
    let waiting = report.from_central.set_aside + report.from_clone.set_aside;
    let page = html! {
        (DOCTYPE)
        html lang=(text::LANG) dir="ltr" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (text::TITLE) ", " (text::moment(report.began)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header class=(if waiting > 0 { "look" } else { "fine" }) {
                        p.kind { (text::TITLE) }
                        h1 { (text::headline(report)) }
                        p.when { (text::when(report)) }
                    }
                    (tiles(report, waiting))
                    @for gap in &report.gaps { p.note { (text::gap(*gap)) } }
                    (databases(report))
                    (changes(&report.tables))
                    @if let Some(map) = &report.map {
                        section { h2 { (text::MAP) } (map::figure(map)) }
                    }
                    (parts::conflicts(report))
                    (parts::set_aside(report, waiting))
                    (receipt(report))
                }
                footer {
                    p { (text::made_by(&report.version)) " · " (text::run(&report.run)) }
                    p { (text::FOOT) }
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
fn tiles(report: &Report, waiting: u64) -> Markup {
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
                    b { (text::number(number)) } " " span { (what) }
                }
            }
        }
    }
}

fn databases(report: &Report) -> Markup {
    let card = |title: &str, server: &Server, class: &str| {
        html! {
            div class=(format!("card {class}")) {
                h3 { (title) }
                p.database { bdi { (brief(&server.name)) } }
                p.place {
                    @if !server.version.is_empty() { (brief(&server.version)) " · " }
                    (text::CLOCK) " "
                    @match server.clock {
                        Some(clock) => { span.together { (text::moment(clock)) " (" (text::offset(clock)) ")" } },
                        None => (text::UNKNOWN),
                    }
                }
                p.place { (text::SERVER_ID) " " span.id { (brief(&server.id)) } }
            }
        }
    };
    html! {
        section {
            h2 { (text::DATABASES) }
            div.sides {
                (card(text::CENTRAL, &report.central, "to-central"))
                (card(text::CLONE, &report.clone, "to-clone"))
            }
            p.hint { (text::clocks(report)) }
        }
    }
}

/// The changes by table, for each side.
fn changes(tables: &[Counts]) -> Markup {
    html! {
        section {
            h2 { (text::CHANGES) }
            div.sides {
                (side(text::TO_CLONE, text::TO_CLONE_HINT, "to-clone", tables, |counts| counts.in_clone))
                (side(text::TO_CENTRAL, text::TO_CENTRAL_HINT, "to-central", tables, |counts| counts.in_central))
            }
        }
    }
}

fn side(
    title: &str,
    hint: &str,
    class: &str,
    tables: &[Counts],
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
                td.number { @if number > 0 { (text::number(number)) } @else { span.none { "–" } } }
            }
        }
    };
    html! {
        div class=(format!("card {class}")) {
            h3 { (title) }
            p.hint { (hint) }
            @if changed.is_empty() {
                p { (text::NO_CHANGES) }
            } @else {
                table {
                    thead {
                        tr {
                            th scope="col" { (text::TABLE) }
                            @for name in [text::INSERTED, text::UPDATED, text::DELETED] {
                                th.number scope="col" { (name) }
                            }
                        }
                    }
                    tbody {
                        @for (table, changed) in changed.iter().take(LISTED) {
                            tr { th scope="row" { bdi { (brief(table)) } } (cells(*changed)) }
                        }
                        @if changed.len() > LISTED {
                            tr { td colspan="4" { (text::more((changed.len() - LISTED) as u64, "table")) } }
                        }
                    }
                    @if changed.len() > 1 {
                        tfoot { tr { th scope="row" { (text::ALL) } (cells(sum)) } }
                    }
                }
            }
        }
    }
}

/// What became of every edit.
fn receipt(report: &Report) -> Markup {
    type Part = fn(&Account) -> u64;
    let rows: [(&str, Part); 5] = [
        (text::CAPTURED, |account| account.captured),
        (text::APPLIED, |account| account.applied),
        (text::SUPERSEDED, |account| account.superseded),
        (text::LOST_IN, |account| account.lost),
        (text::SET_ASIDE, |account| account.set_aside),
    ];
    let accounts = [&report.from_central, &report.from_clone];
    html! {
        section {
            h2 { (text::RECEIPT) }
            p.hint { (text::RECEIPT_HINT) }
            div.card.receipt {
                table {
                    thead {
                        tr {
                            th scope="col" { (text::EDITS) }
                            th.number scope="col" { (text::OF_CENTRAL) }
                            th.number scope="col" { (text::OF_CLONE) }
                        }
                    }
                    tbody {
                        @for (place, (name, of)) in rows.into_iter().enumerate() {
                            tr.sum[place == 0] {
                                th scope="row" { (name) }
                                @for account in accounts { td.number { (text::number(of(account))) } }
                            }
                        }
                    }
                    tfoot {
                        tr {
                            th scope="row" { (text::BALANCE) }
                            @for account in accounts { td.number { (text::balance(account)) } }
                        }
                    }
                }
            }
        }
    }
}
