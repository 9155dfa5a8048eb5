//! The parts that tell of single rows: conflicts, and what is set aside.

use maud::{Markup, html};

use super::{
    Conflict, Edit, LISTED, Moment, Report, Row, SetAside, Shown, Wanted, brief, message, text,
};

/// What lost, against what.
pub(super) fn conflicts(report: &Report) -> Markup {
    let left = report
        .all_conflicts
        .saturating_sub(report.conflicts.len().min(LISTED) as u64);
    html! {
        section {
            h2 { (text::SETTLED) }
            @if report.all_conflicts == 0 {
                p.hint { (text::NO_CONFLICTS) }
            } @else {
                p.hint { (text::SETTLED_HINT) }
                @for conflict in report.conflicts.iter().take(LISTED) { (conflict_card(conflict, report)) }
                @if left > 0 { p.more { (text::more(left, "conflict")) } }
            }
        }
    }
}

fn conflict_card(conflict: &Conflict, report: &Report) -> Markup {
    html! {
        article.card {
            (heading(&conflict.row, Some(conflict.field.as_deref())))
            div.pair {
                @if let Some(won) = &conflict.won { (edit(text::COUNTS, "won", won, report)) }
                (edit(text::LOST, "lost", &conflict.lost, report))
            }
            p.hint { (text::rule(conflict.rule)) }
        }
    }
}

/// The row that something is about; `field`: the column, or that it is about all of it.
fn heading(row: &Row, field: Option<Option<&str>>) -> Markup {
    html! {
        h3 {
            bdi.row { (brief(row.label.as_deref().unwrap_or(&row.table))) }
            @match field {
                Some(Some(field)) => { " · " bdi.field { (brief(field)) } },
                Some(None) => { " · " (text::WHOLE_ROW) },
                None => {},
            }
        }
        p.place {
            @if row.label.is_some() { bdi { (brief(&row.table)) } " · " }
            span.id { (brief(&row.uid)) }
        }
    }
}

fn edit(title: &str, class: &str, edit: &Edit, report: &Report) -> Markup {
    let time = edit.time.map(|time| at(time, report));
    html! {
        div class=(format!("edit {class}")) {
            h4 { (title) }
            @match &edit.wanted {
                Wanted::Value(value) => p.value { (shown(value)) },
                Wanted::Deletion => p.value { em { (text::ROW_DELETED) } },
                Wanted::Values(values) => dl.values {
                    @for (name, value) in values { dt { bdi { (brief(name)) } } dd { (shown(value)) } }
                },
            }
            p.who {
                @let [who, place, when] = text::edited(edit.user.as_deref(), edit.side, time);
                b { bdi { (brief(&who)) } } " " (place)
                @if !when.is_empty() { br; (when) }
            }
        }
    }
}

/// What waits.
pub(super) fn set_aside(report: &Report, waiting: u64) -> Markup {
    let left = waiting.saturating_sub(report.set_aside.len().min(LISTED) as u64);
    html! {
        section {
            h2 { (text::SET_ASIDE) }
            @if waiting == 0 {
                p.hint { (text::NO_SET_ASIDE) }
            } @else {
                p.hint { (text::SET_ASIDE_HINT) }
                @for waiting in report.set_aside.iter().take(LISTED) { (waiting_card(waiting, report)) }
                @if left > 0 { p.more { (text::more(left, "change")) } }
            }
        }
    }
}

fn waiting_card(waiting: &SetAside, report: &Report) -> Markup {
    let time = waiting.time.map(|time| at(time, report));
    let since = waiting.since.map(|time| text::since(&at(time, report)));
    let known = waiting.values.iter().any(|(_, _, there)| there.is_some());
    html! {
        article.card.waiting {
            (heading(&waiting.row, None))
            p { (text::waits(waiting.action, waiting.owner)) "." }
            dl.reason {
                dt { (text::WHY) } dd { bdi { (message(&waiting.reason)) } }
                dt { (text::DO) } dd { (text::advice(&waiting.code, waiting.action)) }
            }
            @if !waiting.values.is_empty() {
                table.values {
                    thead {
                        tr {
                            th scope="col" {}
                            th scope="col" { (text::WANTED) }
                            @if known { th scope="col" { (text::is_now(waiting.owner)) } }
                        }
                    }
                    tbody {
                        @for (name, wanted, there) in &waiting.values {
                            tr {
                                th scope="row" { bdi { (brief(name)) } }
                                td { (shown(wanted)) }
                                @if known { td { @if let Some(there) = there { (shown(there)) } } }
                            }
                        }
                    }
                }
                @if waiting.more_values > 0 { p.more { (text::more(waiting.more_values as u64, "value")) } }
            }
            p.who {
                @let [who, place, when] = text::edited(waiting.user.as_deref(), waiting.owner, time);
                b { bdi { (brief(&who)) } } " " (place)
                @if !when.is_empty() { ", " (when) }
                @if let Some(since) = since { "; " (since) }
            }
        }
    }
}

fn shown(value: &Shown) -> Markup {
    html! {
        @match value {
            Shown::Nothing => em { (text::NULL) },
            Shown::Empty => em { (text::EMPTY) },
            Shown::Described(what) => span.described { (what) },
            Shown::Text(text, more) => {
                bdi.text { (text) }
                @if *more > 0 { em { (text::more_characters(*more)) } }
            },
        }
    }
}

/// A moment; with its offset where that is not the one that the page names.
fn at(time: Moment, report: &Report) -> String {
    match time.offset() == report.began.offset() {
        true => text::moment(time),
        false => format!("{} ({})", text::moment(time), text::offset(time)),
    }
}
