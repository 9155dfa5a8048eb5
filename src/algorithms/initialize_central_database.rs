//! Prepare the central database.

use super::CENTRAL;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::registry::{Algorithm, INSTALLATION, OUTPUT_STATUS, OUTPUT_STRING};
use crate::schema::{Default, Outputs, Parameter, Parameters, Type};
use crate::{postgres, structure};

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "initialize_central_database",
    label: "Prepare the central database",
    group: INSTALLATION,
    help: "Prepare the central server PostgreSQL database with the needed data for LizSync tool.

LizSync needs to have :
* A server ID stored in the lizsync.server_metadata table
* All tables from the given schema must have a unique identifier column (uid) with standard uuid inside
* All tables from the given schema must be audited (trigger of the audit tool)

You can pass a list of PostgreSQL central database schemas and this alg will add the necessary data and tools",
    parameters: &[
        CENTRAL,
        Parameter::new("ADD_SERVER_ID", "Add server id in metadata table", Type::Boolean)
            .default(Default::Boolean(true)),
        Parameter::new("ADD_UID_COLUMNS", "Add unique identifiers in all tables", Type::Boolean)
            .default(Default::Boolean(true)),
        Parameter::new("ADD_AUDIT_TRIGGERS", "Add audit triggers in all tables", Type::Boolean)
            .default(Default::Boolean(true)),
        Parameter::new(
            "SCHEMAS",
            "Restrict to comma separated schema names. NB: schemas public, lizsync & audit are never processed",
            Type::String,
        )
        .optional(),
    ],
    outputs: &[OUTPUT_STATUS, OUTPUT_STRING],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let value = parameters.required(CENTRAL.id)?;
    let mut central = postgres::open(value, parameters.connections(), feedback)?;
    let wanted = structure::Preparation {
        server_id: parameters.flag("ADD_SERVER_ID"),
        uid_columns: parameters.flag("ADD_UID_COLUMNS"),
        audit_triggers: parameters.flag("ADD_AUDIT_TRIGGERS"),
        schemas: postgres::names("SCHEMAS", parameters.text("SCHEMAS").unwrap_or(""))?,
    };
    structure::initialize(&mut central, &wanted, feedback).map(Outputs::new)
}
