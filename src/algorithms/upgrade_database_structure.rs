//! Upgrade LizSync tools in the central database.

use crate::error::Result;
use crate::feedback::Feedback;
use crate::registry::{Algorithm, INSTALLATION, OUTPUT_STATUS, OUTPUT_STRING};
use crate::schema::{Default, Outputs, Parameter, Parameters, Type};
use crate::{postgres, structure};

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "upgrade_database_structure",
    label: "Upgrade LizSync tools in the central database",
    group: INSTALLATION,
    help: "Upgrade the Lizsync tables and functions in the central database.

If you have upgraded your QGIS LizSync plugin, you can run this script to upgrade your central database to the new plugin version.",
    parameters: &[
        Parameter::new(
            "CONNECTION_NAME",
            "PostgreSQL connection to the central database",
            Type::Connection,
        ),
        Parameter::new(
            "RUNIT",
            "Check this box to upgrade. No action will be done otherwise",
            Type::Boolean,
        )
        .default(Default::Boolean(false)),
    ],
    outputs: &[OUTPUT_STATUS, OUTPUT_STRING],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let value = parameters.required("CONNECTION_NAME")?;
    let mut central = postgres::open(value, parameters.connections(), feedback)?;
    structure::upgrade(&mut central, parameters.flag("RUNIT"), feedback).map(Outputs::new)
}
