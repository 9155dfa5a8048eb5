//! What to do about changes that were refused.

use super::Action;
use crate::text::{Text, tr};

/// What to do about a change that was refused with that code of PostgreSQL.
pub fn advice(code: &str, action: Action) -> Text {
    match (code, action) {
        ("23505" | "23P01", _) => tr!(
            "Another row has that value already. Give one of the two another value, in whichever database you like, and synchronise again."
        ),
        ("23503", Action::Delete) => tr!(
            "Other rows still refer to it. Delete them or let them refer to another row, or enter the row again where it was deleted; then synchronise again."
        ),
        ("23503", _) => tr!(
            "It refers to a row that is not there. Enter that row or correct the reference, and synchronise again."
        ),
        ("23514", _) => tr!(
            "The value breaks a rule of the table. Correct the value where it was entered, or change the rule, and synchronise again."
        ),
        ("23502", _) => tr!(
            "A value is missing that the table demands. Fill it in where the row was edited, and synchronise again."
        ),
        ("42501", _) => tr!(
            "The role of the synchronisation lacks a right on that table. Ask the owner of the database for it, and synchronise again."
        ),
        ("42P01" | "42703" | "3F000", _) => tr!(
            "The two databases do not have the same tables or columns. Add what is missing, or package the central database again and deploy the package to the clone."
        ),
        ("LZ001", _) => tr!("The row has no uid. “Prepare the central database” gives it one."),
        ("LZ002", _) => tr!(
            "A trigger or a rule of the table keeps the row from being written. Whoever looks after the database has to change it."
        ),
        ("55000", _) => tr!("Run “Prepare the central database”, and synchronise again."),
        (code, _) if code.starts_with("22") => tr!(
            "The other side cannot hold that value: its column is of another type or too short. Correct the value or the column, and synchronise again."
        ),
        _ => tr!("Correct the values, or what refuses them, and synchronise again."),
    }
}
