//! The parts that tell of single rows: conflicts, and what is set aside.

use maud::{Markup, html};

use super::advice::advice;
use super::words::Words;
use super::{
    Conflict, Edit, LISTED, Moment, Report, Row, SetAside, Shown, Wanted, brief, message, numbers,
    text,
};
use crate::text::Text;

/// What lost, against what.
pub(super) fn conflicts(report: &Report, words: Words) -> Markup {
    let left = report
        .all_conflicts
        .saturating_sub(report.conflicts.len().min(LISTED) as u64);
    html! {
        section {
            h2 { (words.say(text::settled())) }
            @if report.all_conflicts == 0 {
                p.hint { (words.say(text::no_conflicts())) }
            } @else {
                p.hint { (words.say(text::settled_hint())) }
                @for conflict in report.conflicts.iter().take(LISTED) { (conflict_card(conflict, report, words)) }
                @if left > 0 { p.more { (words.say(numbers::more_conflicts(left))) } }
            }
        }
    }
}

fn conflict_card(conflict: &Conflict, report: &Report, words: Words) -> Markup {
    html! {
        article.card {
            (heading(&conflict.row, Some(conflict.field.as_deref()), words))
            div.pair {
                @if let Some(won) = &conflict.won { (edit(text::counts(), "won", won, report, words)) }
                (edit(text::lost(), "lost", &conflict.lost, report, words))
            }
            p.hint { (words.say(text::rule(conflict.rule))) }
        }
    }
}

/// The row that something is about; `field`: the column, or that it is about all of it.
fn heading(row: &Row, field: Option<Option<&str>>, words: Words) -> Markup {
    html! {
        h3 {
            bdi.row { (brief(row.label.as_deref().unwrap_or(&row.table))) }
            @match field {
                Some(Some(field)) => { " · " bdi.field { (brief(field)) } },
                Some(None) => { " · " (words.say(text::whole_row())) },
                None => {},
            }
        }
        p.place {
            @if row.label.is_some() { bdi { (brief(&row.table)) } " · " }
            span.id { (brief(&row.uid)) }
        }
    }
}

fn edit(title: Text, class: &str, edit: &Edit, report: &Report, words: Words) -> Markup {
    let time = edit.time.map(|time| at(time, report));
    html! {
        div class=(format!("edit {class}")) {
            h4 { (words.say(title)) }
            @match &edit.wanted {
                Wanted::Value(value) => p.value { (shown(value, words)) },
                Wanted::Deletion => p.value { em { (words.say(text::row_deleted())) } },
                Wanted::Values(values) => dl.values {
                    @for (name, value) in values { dt { bdi { (brief(name)) } } dd { (shown(value, words)) } }
                },
            }
            p.who {
                b { bdi { (words.brief(&text::who(edit.user.as_deref()))) } } " " (words.say(text::from(edit.side)))
                @if let Some(time) = time { br; (time) }
            }
        }
    }
}

/// What waits.
pub(super) fn set_aside(report: &Report, waiting: u64, words: Words) -> Markup {
    let left = waiting.saturating_sub(report.set_aside.len().min(LISTED) as u64);
    html! {
        section {
            h2 { (words.say(text::set_aside())) }
            @if waiting == 0 {
                p.hint { (words.say(text::no_set_aside())) }
            } @else {
                p.hint { (words.say(text::set_aside_hint())) }
                @for waiting in report.set_aside.iter().take(LISTED) { (waiting_card(waiting, report, words)) }
                @if left > 0 { p.more { (words.say(numbers::more_changes(left))) } }
            }
        }
    }
}

fn waiting_card(waiting: &SetAside, report: &Report, words: Words) -> Markup {
    let time = waiting.time.map(|time| at(time, report));
    let since = waiting.since.map(|time| text::since(&at(time, report)));
    let time = match (time, since) {
        (Some(time), Some(since)) => Some(text::parts(Text::verbatim(time), since)),
        (time, since) => time.map(Text::verbatim).or(since),
    };
    let known = waiting.values.iter().any(|(_, _, there)| there.is_some());
    html! {
        article.card.waiting {
            (heading(&waiting.row, None, words))
            p { (words.say(text::waits(waiting.action, waiting.owner))) }
            dl.reason {
                dt { (words.say(text::why())) } dd { bdi { (message(&waiting.reason)) } }
                dt { (words.say(text::what_to_do())) } dd { (words.say(advice(&waiting.code, waiting.action))) }
            }
            @if !waiting.values.is_empty() {
                table.values {
                    thead {
                        tr {
                            th scope="col" {}
                            th scope="col" { (words.say(text::wanted())) }
                            @if known { th scope="col" { (words.say(text::is_now(waiting.owner))) } }
                        }
                    }
                    tbody {
                        @for (name, wanted, there) in &waiting.values {
                            tr {
                                th scope="row" { bdi { (brief(name)) } }
                                td { (shown(wanted, words)) }
                                @if known { td { @if let Some(there) = there { (shown(there, words)) } } }
                            }
                        }
                    }
                }
                @if waiting.more_values > 0 { p.more { (words.say(numbers::more_values(waiting.more_values as u64))) } }
            }
            p.who {
                b { bdi { (words.brief(&text::who(waiting.user.as_deref()))) } } " " (words.say(text::from(waiting.owner)))
                @if let Some(time) = time { ", " (words.say(time)) }
            }
        }
    }
}

fn shown(value: &Shown, words: Words) -> Markup {
    html! {
        @match value {
            Shown::Nothing => em { (words.say(text::null())) },
            Shown::Empty => em { (words.say(text::empty())) },
            Shown::Described(what) => span.described { (words.say(what.clone())) },
            Shown::Text(text, more) => {
                bdi.text { (text) }
                @if *more > 0 { em { (words.say(numbers::more_characters(*more))) } }
            },
        }
    }
}

/// A moment; with its offset where that is not the one that the page names.
fn at(time: Moment, report: &Report) -> String {
    match time.offset() == report.began.offset() {
        true => numbers::moment(time),
        false => numbers::moment_and_offset(time),
    }
}
