//! Two-way database synchronization.

use super::{CENTRAL, CLONE};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::registry::{Algorithm, OUTPUT_STATUS, OUTPUT_STRING, SYNCHRONIZATION};
use crate::schema::{Output, Outputs, Parameters, Type};
use crate::sync;

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "synchronize_database",
    label: "Two-way database synchronization",
    group: SYNCHRONIZATION,
    help: "This scripts run a two-way data synchronization between the central and clone database.

The data to synchronize are listed by reading the content of the \"audit.logged_actions\" of each database, since the last synchronization or the last deployement of ZIP package.

This audit data are transformed into INSERT/UPDATE/DELETE SQL queries which are played in the databases in this order:
1/ From the CENTRAL to the CLONE database
2/ From the CLONE to the CENTRAL database

The central database stores which clone has replayed which audited modification, and keeps an history of synchronization items.",
    parameters: &[CENTRAL, CLONE],
    outputs: &[
        OUTPUT_STATUS,
        OUTPUT_STRING,
        Output::new("APPLIED_TO_CLONE", "Rows changed in the clone", Type::Number),
        Output::new("APPLIED_TO_CENTRAL", "Rows changed in the central database", Type::Number),
        Output::new("CONFLICTS", "Conflicts recorded", Type::Number),
        Output::new("SUPERSEDED", "Edits superseded by later ones", Type::Number),
        Output::new("SET_ASIDE", "Changes set aside", Type::Number),
    ],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let outcome = sync::run(
        parameters.required(CENTRAL.id)?,
        parameters.required(CLONE.id)?,
        parameters.connections(),
        feedback,
    )?;
    Ok(Outputs::new(outcome.sentence())
        .with("APPLIED_TO_CLONE", outcome.applied_to_clone)
        .with("APPLIED_TO_CENTRAL", outcome.applied_to_central)
        .with("CONFLICTS", outcome.conflicts)
        .with("SUPERSEDED", outcome.superseded)
        .with("SET_ASIDE", outcome.set_aside))
}
