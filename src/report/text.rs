//! All words of the report, so that they can be put into another language in one place.

use super::{Account, Action, Gap, Moment, Report, Rule, Side};

/// The language of what stands here, for the page.
pub const LANG: &str = "en";

pub const TITLE: &str = "Synchronisation report";
pub const DATABASES: &str = "The two databases";
pub const CENTRAL: &str = "Central";
pub const CLONE: &str = "Clone";
pub const CLOCK: &str = "clock at the end";
pub const SERVER_ID: &str = "server id";
pub const UNKNOWN: &str = "not known";
pub const CHANGES: &str = "What was changed";
pub const TO_CLONE: &str = "In the clone";
pub const TO_CENTRAL: &str = "In the central database";
pub const TO_CLONE_HINT: &str = "what others did, brought by the central";
pub const TO_CENTRAL_HINT: &str = "what was done in the clone";
pub const NO_CHANGES: &str = "Nothing was changed here.";
pub const TABLE: &str = "Table";
pub const INSERTED: &str = "New";
pub const UPDATED: &str = "Changed";
pub const DELETED: &str = "Deleted";
pub const ALL: &str = "All";
pub const MAP: &str = "Where";
pub const MAP_SPOKEN: &str = "Map of the changed features";
pub const AROUND: &str = "other features";
pub const SETTLED: &str = "Conflicts";
pub const SETTLED_HINT: &str = "Two people changed the same thing before they saw each other’s edit. One edit counts in all databases; the other is kept here and in lizsync.conflicts of the central database. Whoever wants it back enters it again.";
pub const NO_CONFLICTS: &str = "No edit contradicted another one.";
pub const COUNTS: &str = "Counts";
pub const LOST: &str = "Lost";
pub const SET_ASIDE: &str = "Set aside";
pub const SET_ASIDE_HINT: &str = "The other side could not take these changes. They wait in lizsync.set_aside of the clone, nothing of them is lost, and every run tries them again.";
pub const NO_SET_ASIDE: &str = "Nothing waits: both sides took everything.";
pub const WANTED: &str = "was to be";
pub const DO: &str = "What to do";
pub const WHY: &str = "Why";
pub const RECEIPT: &str = "Receipt";
pub const RECEIPT_HINT: &str = "Every edit that was captured is accounted for. The databases are changed only if these numbers balance.";
pub const EDITS: &str = "Edits made in";
pub const BALANCE: &str = "Sum";
pub const OF_CENTRAL: &str = "Central";
pub const OF_CLONE: &str = "Clone";
pub const CAPTURED: &str = "Captured";
pub const APPLIED: &str = "Applied to the other side";
pub const SUPERSEDED: &str = "Superseded by later edits";
pub const LOST_IN: &str = "Lost in conflicts";
pub const NULL: &str = "null";
pub const EMPTY: &str = "empty text";
pub const ROW_DELETED: &str = "the row was deleted";
pub const WHOLE_ROW: &str = "whole row";
pub const FOOT: &str =
    "This page holds everything it shows: it loads nothing from a network and runs no script.";

/// How a sentence calls a side.
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Central => "the central database",
        Side::Clone => "the clone",
    }
}

/// The sentence at the top.
pub fn headline(report: &Report) -> String {
    let (to_clone, to_central) = (report.from_central.applied, report.from_clone.applied);
    let waiting = report.from_central.set_aside + report.from_clone.set_aside;
    let mut sentence = match (to_clone, to_central) {
        (0, 0) if report.all_conflicts == 0 && waiting == 0 => {
            return "Both databases were up to date already: there was nothing to do.".to_owned();
        }
        (0, 0) => "No row was changed".to_owned(),
        (_, 0) => format!("{} changed in the clone", counts(to_clone, "row")),
        (0, _) => format!(
            "{} changed in the central database",
            counts(to_central, "row")
        ),
        _ => format!(
            "{} changed in the clone and {} in the central database",
            counts(to_clone, "row"),
            number(to_central)
        ),
    };
    if report.all_conflicts > 0 {
        let settled = counts(report.all_conflicts, "conflict");
        sentence.push_str(&format!("; {settled} settled"));
    }
    if waiting > 0 {
        let waits = counts(waiting, "change");
        let verb = if waiting == 1 { "waits" } else { "wait" };
        sentence.push_str(&format!("; {waits} {verb} for somebody to look"));
    }
    sentence + "."
}

/// What the four numbers at the top count: rows changed in the clone and in the central, conflicts, what waits.
pub fn counted_things(numbers: [u64; 4]) -> [String; 4] {
    let [in_clone, in_central, conflicts, waiting] =
        numbers.map(|number| if number == 1 { "" } else { "s" });
    [
        format!("row{in_clone} changed in the clone"),
        format!("row{in_central} changed in the central"),
        format!("conflict{conflicts} settled"),
        format!("change{waiting} set aside"),
    ]
}

/// When, and how long.
pub fn when(report: &Report) -> String {
    format!(
        "{} ({}), {}",
        moment(report.began),
        offset(report.began),
        duration(report.milliseconds)
    )
}

/// The difference between the two clocks.
pub fn clocks(report: &Report) -> String {
    let began = offset(report.began);
    let shown = format!(
        "Times on this page are those of the computer that synchronised ({began}); another offset stands beside the time."
    );
    match report.clone_behind {
        0 => format!("The two clocks agree as far as that can be measured. {shown}"),
        behind => format!(
            "The clock of the clone is {:.1} s {} the central’s. Edit times are corrected by that: they are by the central’s clock. {shown}",
            behind.unsigned_abs() as f64 / 1e6,
            if behind > 0 { "behind" } else { "ahead of" }
        ),
    }
}

/// Which edit counts, and why.
pub fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Later => "the later edit counts",
        Rule::Deletion => "a deletion counts more than a change",
        Rule::NoColumn => "the column is not there any more",
        Rule::NoRow => "the row is not there any more",
    }
}

/// By whom, where and when.
pub fn edited(by: Option<&str>, at: Side, time: Option<String>) -> [String; 3] {
    [
        by.filter(|by| !by.is_empty())
            .unwrap_or("somebody")
            .to_owned(),
        format!("from {}", side(at)),
        time.unwrap_or_default(),
    ]
}

/// What is done to a row.
pub fn action(action: Action) -> &'static str {
    match action {
        Action::Insert => "new",
        Action::Update => "changed",
        Action::Delete => "deleted",
    }
}

/// What was done to rows, and where.
pub fn happened(what: Action, changed: Side) -> String {
    format!("{} in {}", action(what), side(changed))
}

/// A change that waits: what it does, and where it should go.
pub fn waits(action: Action, owner: Side) -> String {
    let what = match action {
        Action::Insert => "New row",
        Action::Update => "Change",
        Action::Delete => "Deletion",
    };
    let (from, to) = (side(owner), side(owner.other()));
    format!("{what} made in {from}; {to} did not take it")
}

/// What stands on the other side now.
pub fn is_now(owner: Side) -> String {
    format!("is in {}", side(owner.other()))
}

/// Since when a change waits.
pub fn since(time: &str) -> String {
    format!("waits since {time}")
}

/// What to do about a change that was refused with that code of PostgreSQL.
pub fn advice(code: &str, action: Action) -> &'static str {
    match (code, action) {
        ("23505" | "23P01", _) => {
            "Another row has that value already. Give one of the two another value, in whichever database you like, and synchronise again."
        }
        ("23503", Action::Delete) => {
            "Other rows still refer to it. Delete them or let them refer to another row, or enter the row again where it was deleted; then synchronise again."
        }
        ("23503", _) => {
            "It refers to a row that is not there. Enter that row or correct the reference, and synchronise again."
        }
        ("23514", _) => {
            "The value breaks a rule of the table. Correct the value where it was entered, or change the rule, and synchronise again."
        }
        ("23502", _) => {
            "A value is missing that the table demands. Fill it in where the row was edited, and synchronise again."
        }
        ("42501", _) => {
            "The role of the synchronisation lacks a right on that table. Ask the owner of the database for it, and synchronise again."
        }
        ("42P01" | "42703" | "3F000", _) => {
            "The two databases do not have the same tables or columns. Add what is missing, or package the central database again and deploy the package to the clone."
        }
        ("LZ001", _) => "The row has no uid. “Prepare the central database” gives it one.",
        ("LZ002", _) => {
            "A trigger or a rule of the table keeps the row from being written. Whoever looks after the database has to change it."
        }
        ("55000", _) => "Run “Prepare the central database”, and synchronise again.",
        (code, _) if code.starts_with("22") => {
            "The other side cannot hold that value: its column is of another type or too short. Correct the value or the column, and synchronise again."
        }
        _ => "Correct the values, or what refuses them, and synchronise again.",
    }
}

/// What is not shown.
pub fn more(number_left: u64, thing: &str) -> String {
    format!("… and {} more", counts(number_left, thing))
}

/// Characters that are not shown.
pub fn more_characters(left: u64) -> String {
    format!("… ({} more)", counts(left, "character"))
}

/// What there is to see of bytes.
pub fn bytes(count: u64) -> String {
    format!("binary, {}", counts(count, "byte"))
}

/// The sum of a receipt.
pub fn balance(account: &Account) -> String {
    format!(
        "{} = {} + {} + {} + {}",
        number(account.captured),
        number(account.applied),
        number(account.superseded),
        number(account.lost),
        number(account.set_aside)
    )
}

/// How many of the features the map shows.
pub fn shows(placed: u64, all: u64) -> String {
    match placed == all {
        true => format!("{} with a place", counts(all, "changed feature")),
        false => format!(
            "{} of {} with a place, taken at random",
            number(placed),
            counts(all, "changed feature")
        ),
    }
}

/// The reference system and the extent of the map.
pub fn extent(system: Option<String>, [left, bottom, right, top]: [&str; 4]) -> String {
    let system = system.unwrap_or_else(|| "a reference system that is not known".to_owned());
    format!("x {left} to {right}, y {bottom} to {top}, in {system}")
}

/// Features that the map cannot show.
pub fn left_out(number: u64, system: Option<&str>) -> String {
    let features = counts(number, "changed feature");
    match system {
        Some(system) => format!(
            "{features} in {system} cannot be shown here: PostGIS knows no way from there to the reference system of the map."
        ),
        None => format!("{features} without a reference system cannot be shown here."),
    }
}

/// What a legend says of a kind of points.
pub fn legend(changed: Side) -> String {
    format!("changed in {}", side(changed))
}

/// What could not be found out.
pub fn gap(gap: Gap) -> &'static str {
    match gap {
        Gap::Tables => {
            "The changes by table could not be read for this report; the receipt has them all."
        }
        Gap::Conflicts => {
            "Some conflicts could not be read for this report; all are in lizsync.conflicts of the central database."
        }
        Gap::SetAside => {
            "What is set aside could not be read for this report; it is in lizsync.set_aside of the clone."
        }
        Gap::Map => "A part of the places could not be read, so the map may lack some.",
    }
}

/// The last line: which product, which run.
pub fn made_by(version: &str) -> String {
    format!("LizSync {version}")
}

/// The id of the run.
pub fn run(id: &str) -> String {
    format!("run {id} in lizsync.history")
}

/// A number, in groups of three digits.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things.
fn counts(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", number(count))
}

/// A moment to the second.
pub fn moment(moment: Moment) -> String {
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The offset of a moment.
pub fn offset(moment: Moment) -> String {
    format!("UTC{}", moment.format("%:z"))
}

/// How long something took.
pub fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..60_000 => format!("took {:.1} s", milliseconds as f64 / 1000.0),
        _ => {
            let seconds = milliseconds / 1000;
            format!("took {} min {} s", seconds / 60, seconds % 60)
        }
    }
}
