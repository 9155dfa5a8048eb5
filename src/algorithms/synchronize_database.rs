//! Two-way database synchronization.

use std::path::Path;

use super::{CENTRAL, CLONE};
use crate::destination::{Destination, Readers, What};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::registry::{Algorithm, OUTPUT_STATUS, OUTPUT_STRING, SYNCHRONIZATION};
use crate::schema::{Output, Outputs, Parameter, Parameters, Type};
use crate::text::tr;
use crate::{report, sync};

/// The id of the parameter and of the output.
const REPORT: &str = "REPORT";

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
    parameters: &[
        CENTRAL,
        CLONE,
        Parameter::new(
            "PRUNE_LOG",
            "Remove from the log of the central database what all clones have received",
            Type::Boolean,
        )
        .optional()
        .advanced(),
        Parameter::new(REPORT, "Report (HTML)", Type::FileDestination)
            .optional()
            .extension("html"),
    ],
    outputs: &[
        OUTPUT_STATUS,
        OUTPUT_STRING,
        Output::new("APPLIED_TO_CLONE", "Rows changed in the clone", Type::Number),
        Output::new("APPLIED_TO_CENTRAL", "Rows changed in the central database", Type::Number),
        Output::new("CONFLICTS", "Conflicts recorded", Type::Number),
        Output::new("SUPERSEDED", "Edits superseded by later ones", Type::Number),
        Output::new("SET_ASIDE", "Changes set aside", Type::Number),
        Output::new("CAPTURED_CENTRAL", "Edits of the central database: applied to the clone, superseded, lost or set aside", Type::Number),
        Output::new("SUPERSEDED_CENTRAL", "Edits of the central database superseded by later ones", Type::Number),
        Output::new("LOST_CENTRAL", "Edits of the central database of which nothing is left after conflicts", Type::Number),
        Output::new("SET_ASIDE_CENTRAL", "Changes of the central database set aside", Type::Number),
        Output::new("CAPTURED_CLONE", "Edits of the clone: applied to the central database, superseded, lost or set aside", Type::Number),
        Output::new("SUPERSEDED_CLONE", "Edits of the clone superseded by later ones", Type::Number),
        Output::new("LOST_CLONE", "Edits of the clone of which nothing is left after conflicts", Type::Number),
        Output::new("SET_ASIDE_CLONE", "Changes of the clone set aside", Type::Number),
        Output::new(REPORT, "Report (HTML), where one was written", Type::File),
        Output::new("PRUNED", "Events removed from the log of the central database", Type::Number),
    ],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    // Before anything is done: what cannot be written is refused.
    let destination = parameters
        .text(REPORT)
        .map(|path| Destination::create(Path::new(path), What::Report, Readers::AsUsual))
        .transpose()?;
    let wishes = sync::Wishes {
        prune: parameters.flag("PRUNE_LOG"),
        report: destination.is_some(),
    };
    let (outcome, gathered) = sync::run(
        parameters.required(CENTRAL.id)?,
        parameters.required(CLONE.id)?,
        parameters.connections(),
        wishes,
        feedback,
    )?;
    let outputs = Outputs::new(outcome.sentence())
        .with("APPLIED_TO_CLONE", outcome.central.applied)
        .with("APPLIED_TO_CENTRAL", outcome.clone.applied)
        .with("CONFLICTS", outcome.conflicts)
        .with("SUPERSEDED", outcome.superseded())
        .with("SET_ASIDE", outcome.set_aside())
        .with("CAPTURED_CENTRAL", outcome.central.captured)
        .with("SUPERSEDED_CENTRAL", outcome.central.superseded)
        .with("LOST_CENTRAL", outcome.central.lost)
        .with("SET_ASIDE_CENTRAL", outcome.central.set_aside)
        .with("CAPTURED_CLONE", outcome.clone.captured)
        .with("SUPERSEDED_CLONE", outcome.clone.superseded)
        .with("LOST_CLONE", outcome.clone.lost)
        .with("SET_ASIDE_CLONE", outcome.clone.set_aside)
        .with("PRUNED", outcome.pruned);
    let (Some(destination), Some(gathered)) = (destination, gathered) else {
        return Ok(outputs);
    };
    let page = report::render(&gathered, feedback.language());
    match destination.write(page.as_bytes()) {
        Ok(()) => Ok(outputs.with(REPORT, parameters.text(REPORT).unwrap_or_default())),
        // The databases are synchronised all the same.
        Err(error) => {
            feedback.warning(tr!(
                "The synchronisation is done, but: {why}",
                why = error.whole()
            ));
            Ok(outputs)
        }
    }
}
