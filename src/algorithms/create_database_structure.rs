//! Install Lizsync tools on the central database.

use crate::error::Result;
use crate::feedback::Feedback;
use crate::registry::{Algorithm, INSTALLATION, OUTPUT_STATUS, OUTPUT_STRING};
use crate::schema::{Default, Outputs, Parameter, Parameters, Type};
use crate::{postgres, structure};

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "create_database_structure",
    label: "Install Lizsync tools on the central database",
    group: INSTALLATION,
    help: "Install the LizSync schema with tables and function on the central database.

This script will add
* An audit schema with auditing functions and tables
* A lizsync schema with tables and functions

Beware ! If the schema lizsync or audit already exists in the database, not installation will be made. You will need to manually correct the situation (drop or modifiy the schemas, tables and functions.",
    parameters: &[
        Parameter::new(
            "CONNECTION_NAME",
            "PostgreSQL connection to the central database",
            Type::Connection,
        ),
        Parameter::new("OVERRIDE_AUDIT", "Drop audit schema and all data ?", Type::Boolean)
            .default(Default::Boolean(false)),
        Parameter::new("OVERRIDE_LIZSYNC", "Drop lizsync schema and all data ?", Type::Boolean)
            .default(Default::Boolean(false)),
    ],
    outputs: &[OUTPUT_STATUS, OUTPUT_STRING],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let value = parameters.required("CONNECTION_NAME")?;
    let mut central = postgres::open(value, parameters.connections(), feedback)?;
    let overrides = structure::Override {
        audit: parameters.flag("OVERRIDE_AUDIT"),
        lizsync: parameters.flag("OVERRIDE_LIZSYNC"),
    };
    structure::create(&mut central, overrides, feedback).map(Outputs::new)
}
