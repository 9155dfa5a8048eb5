//! The words of the report.

use super::numbers::{duration, moment_and_offset, number, offset};
use super::words::Words;
use super::{Account, Action, Gap, Report, Rule, Side};
use crate::text::{Text, tr};

/// Functions for texts that nothing is filled into.
macro_rules! labels {
    ($($name:ident = $text:expr;)*) => {
        $(pub fn $name() -> Text {
            $text
        })*
    };
}

labels! {
    title = tr!("Synchronisation report");
    databases = tr!("The two databases");
    central = tr!("Central");
    clone = tr!("Clone");
    clock = tr!("clock at the end");
    server_id = tr!("server id");
    unknown = tr!("not known");
    changes = tr!("What was changed");
    to_clone = tr!("In the clone");
    to_central = tr!("In the central database");
    to_clone_hint = tr!("what others did, brought by the central");
    to_central_hint = tr!("what was done in the clone");
    no_changes = tr!("Nothing was changed here.");
    table = tr!("Table");
    inserted = tr!("New");
    updated = tr!("Changed");
    deleted = tr!("Deleted");
    all = tr!("All");
    map = tr!("Where");
    map_spoken = tr!("Map of the changed features");
    around = tr!("other features");
    settled = tr!("Conflicts");
    settled_hint = tr!("Two people changed the same thing before they saw each other’s edit. One edit counts in all databases; the other is kept here and in lizsync.conflicts of the central database. Whoever wants it back enters it again.");
    no_conflicts = tr!("No edit contradicted another one.");
    counts = tr!("Counts");
    lost = tr!("Lost");
    set_aside = tr!("Set aside");
    set_aside_hint = tr!("The other side could not take these changes. They wait in lizsync.set_aside of the clone, nothing of them is lost, and every run tries them again.");
    no_set_aside = tr!("Nothing waits: both sides took everything.");
    wanted = tr!("was to be");
    what_to_do = tr!("What to do");
    why = tr!("Why");
    receipt = tr!("Receipt");
    receipt_hint = tr!("Every edit that was captured is accounted for. The databases are changed only if these numbers balance.");
    edits = tr!("Edits made in");
    sum = tr!("Sum");
    of_central = tr!("Central");
    of_clone = tr!("Clone");
    captured = tr!("Captured");
    applied = tr!("Applied to the other side");
    superseded = tr!("Superseded by later edits");
    lost_in = tr!("Lost in conflicts");
    null = tr!("null");
    empty = tr!("empty text");
    row_deleted = tr!("the row was deleted");
    whole_row = tr!("whole row");
    foot = tr!("This page holds everything it shows: it loads nothing from a network and runs no script.");
}

/// The sentence at the top.
pub fn headline(report: &Report) -> Text {
    let (to_clone, to_central) = (report.from_central.applied, report.from_clone.applied);
    let waiting = report.from_central.set_aside + report.from_clone.set_aside;
    let mut clauses = vec![match (to_clone, to_central) {
        (0, 0) if report.all_conflicts == 0 && waiting == 0 => {
            return tr!("Both databases were up to date already: there was nothing to do.");
        }
        (0, 0) => tr!("No row was changed"),
        (_, 0) => tr!(
            "{count} row changed in the clone" | "{count} rows changed in the clone" % to_clone,
            count = number(to_clone)
        ),
        (0, _) => tr!(
            "{count} row changed in the central database"
                | "{count} rows changed in the central database" % to_central,
            count = number(to_central)
        ),
        _ => tr!(
            "{count} row changed in the clone and {central} in the central database"
                | "{count} rows changed in the clone and {central} in the central database"
                    % to_clone,
            count = number(to_clone),
            central = number(to_central)
        ),
    }];
    let conflicts = report.all_conflicts;
    if conflicts > 0 {
        clauses.push(tr!(
            "{count} conflict settled" | "{count} conflicts settled" % conflicts,
            count = number(conflicts)
        ));
    }
    if waiting > 0 {
        clauses.push(tr!(
            "{count} change waits for somebody to look"
                | "{count} changes wait for somebody to look" % waiting,
            count = number(waiting)
        ));
    }
    tr!("{parts}.", parts = Text::clauses(clauses))
}

/// What the four numbers at the top count: rows changed in the clone and in the central, conflicts, what waits.
pub fn counted_things([in_clone, in_central, conflicts, waiting]: [u64; 4]) -> [Text; 4] {
    [
        tr!("row changed in the clone" | "rows changed in the clone" % in_clone),
        tr!("row changed in the central" | "rows changed in the central" % in_central),
        tr!("conflict settled" | "conflicts settled" % conflicts),
        tr!("change set aside" | "changes set aside" % waiting),
    ]
}

/// When, and how long.
pub fn when(report: &Report) -> Text {
    let began = Text::verbatim(moment_and_offset(report.began));
    Text::list([began, duration(report.milliseconds)])
}

/// The difference between the two clocks.
pub fn clocks(report: &Report) -> Text {
    let seconds = Text::decimal(report.clone_behind.unsigned_abs() as f64 / 1e6);
    let difference = match report.clone_behind {
        0 => tr!("The two clocks agree as far as that can be measured."),
        1.. => tr!(
            "The clock of the clone is {seconds} s behind the central’s. Edit times are corrected by that: they are by the central’s clock.",
            seconds
        ),
        _ => tr!(
            "The clock of the clone is {seconds} s ahead of the central’s. Edit times are corrected by that: they are by the central’s clock.",
            seconds
        ),
    };
    let began = offset(report.began);
    let shown = tr!(
        "Times on this page are those of the computer that synchronised ({began}); another offset stands beside the time.",
        began
    );
    Text::sentences([difference, shown])
}

/// Which edit counts, and why.
pub fn rule(rule: Rule) -> Text {
    match rule {
        Rule::Later => tr!("the later edit counts"),
        Rule::Deletion => tr!("a deletion counts more than a change"),
        Rule::NoColumn => tr!("the column is not there any more"),
        Rule::NoRow => tr!("the row is not there any more"),
    }
}

/// By whom an edit was made.
pub fn who(by: Option<&str>) -> Text {
    match by.filter(|by| !by.is_empty()) {
        Some(by) => Text::verbatim(by),
        None => tr!("somebody"),
    }
}

/// Where an edit was made, behind the name of who made it.
pub fn from(side: Side) -> Text {
    match side {
        Side::Central => tr!("from the central database"),
        Side::Clone => tr!("from the clone"),
    }
}

/// What is done to a row.
pub fn action(action: Action) -> Text {
    match action {
        Action::Insert => tr!("new"),
        Action::Update => tr!("changed"),
        Action::Delete => tr!("deleted"),
    }
}

/// What was done to rows of a table, and where.
pub fn happened(table: &str, what: Action, changed: Side) -> Text {
    match (what, changed) {
        (Action::Insert, Side::Central) => tr!("{table}: new in the central database", table),
        (Action::Insert, Side::Clone) => tr!("{table}: new in the clone", table),
        (Action::Update, Side::Central) => tr!("{table}: changed in the central database", table),
        (Action::Update, Side::Clone) => tr!("{table}: changed in the clone", table),
        (Action::Delete, Side::Central) => tr!("{table}: deleted in the central database", table),
        (Action::Delete, Side::Clone) => tr!("{table}: deleted in the clone", table),
    }
}

/// A change that waits: what it does, and where it should go.
pub fn waits(action: Action, owner: Side) -> Text {
    match (action, owner) {
        (Action::Insert, Side::Central) => {
            tr!("New row made in the central database; the clone did not take it.")
        }
        (Action::Insert, Side::Clone) => {
            tr!("New row made in the clone; the central database did not take it.")
        }
        (Action::Update, Side::Central) => {
            tr!("Change made in the central database; the clone did not take it.")
        }
        (Action::Update, Side::Clone) => {
            tr!("Change made in the clone; the central database did not take it.")
        }
        (Action::Delete, Side::Central) => {
            tr!("Deletion made in the central database; the clone did not take it.")
        }
        (Action::Delete, Side::Clone) => {
            tr!("Deletion made in the clone; the central database did not take it.")
        }
    }
}

/// What stands on the other side now.
pub fn is_now(owner: Side) -> Text {
    match owner {
        Side::Central => tr!("is in the clone"),
        Side::Clone => tr!("is in the central database"),
    }
}

/// Since when a change waits.
pub fn since(time: &str) -> Text {
    tr!("waits since {time}", time)
}

/// Two parts of a line.
pub fn parts(first: Text, second: Text) -> Text {
    Text::clauses([first, second])
}

/// The sum of a receipt.
pub fn balance(account: &Account, words: Words) -> String {
    let parts = [
        account.applied,
        account.superseded,
        account.lost,
        account.set_aside,
    ];
    let sum = parts.map(|part| words.number(part)).join(" + ");
    format!("{} = {sum}", words.number(account.captured))
}

/// How many of the features the map shows.
pub fn shows(placed: u64, all: u64) -> Text {
    if placed == all {
        return tr!(
            "{count} changed feature with a place."
                | "{count} changed features with a place." % all,
            count = number(all)
        );
    }
    tr!(
        "{placed} of {count} changed feature with a place, taken at random."
            | "{placed} of {count} changed features with a place, taken at random." % all,
        placed = number(placed),
        count = number(all)
    )
}

/// The reference system and the extent of the map.
pub fn extent(system: Option<String>, extent: [String; 4]) -> Text {
    let [left, bottom, right, top] = extent.map(|value| Text::with_point(&value));
    match system {
        Some(system) => tr!(
            "x {left} to {right}, y {bottom} to {top}, in {system}.",
            left,
            right,
            bottom,
            top,
            system
        ),
        None => tr!(
            "x {left} to {right}, y {bottom} to {top}, in a reference system that is not known.",
            left,
            right,
            bottom,
            top
        ),
    }
}

/// Features that the map cannot show.
pub fn left_out(left: u64, system: Option<&str>) -> Text {
    let count = number(left);
    match system {
        Some(system) => tr!(
            "{count} changed feature in {system} cannot be shown here: PostGIS knows no way from there to the reference system of the map."
                | "{count} changed features in {system} cannot be shown here: PostGIS knows no way from there to the reference system of the map."
                    % left,
            count,
            system
        ),
        None => tr!(
            "{count} changed feature without a reference system cannot be shown here."
                | "{count} changed features without a reference system cannot be shown here."
                    % left,
            count
        ),
    }
}

/// What a legend says of a kind of points.
pub fn legend(changed: Side) -> Text {
    match changed {
        Side::Central => tr!("changed in the central database"),
        Side::Clone => tr!("changed in the clone"),
    }
}

/// What could not be found out.
pub fn gap(gap: Gap) -> Text {
    match gap {
        Gap::Tables => {
            tr!("The changes by table could not be read for this report; the receipt has them all.")
        }
        Gap::Conflicts => tr!(
            "Some conflicts could not be read for this report; all are in lizsync.conflicts of the central database."
        ),
        Gap::SetAside => tr!(
            "What is set aside could not be read for this report; it is in lizsync.set_aside of the clone."
        ),
        Gap::Map => tr!("A part of the places could not be read, so the map may lack some."),
    }
}

/// The last line: which product.
pub fn made_by(version: &str) -> String {
    format!("LizSync {version}")
}

/// The id of the run.
pub fn run(id: &str) -> Text {
    tr!("run {id} in lizsync.history", id)
}
