//! Deploy a database package to the clone.

use std::path::Path;

use super::{BINARIES, CENTRAL, CLONE, PACKAGE_NAME};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::registry::{Algorithm, OUTPUT_STATUS, OUTPUT_STRING, SYNCHRONIZATION};
use crate::schema::{Outputs, Parameter, Parameters, Type};
use crate::{package, postgres};

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "deploy_database_server_package",
    label: "Deploy a database package to the clone",
    group: SYNCHRONIZATION,
    help: "Deploy a ZIP archive, previously saved with the \"Package central database\" algorithm, to the chosen clone. This ZIP archive, named by default \"central_database_package.zip\" contains data from the central PostgreSQL database.",
    parameters: &[
        CENTRAL,
        CLONE,
        BINARIES,
        Parameter::new("ZIP_FILE", "Database ZIP archive path", Type::File)
            .optional()
            .default(PACKAGE_NAME)
            .extension("zip"),
    ],
    outputs: &[OUTPUT_STATUS, OUTPUT_STRING],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let zip = parameters.required("ZIP_FILE")?;
    let connections = parameters.connections();
    let mut central = postgres::open(parameters.required(CENTRAL.id)?, connections, feedback)?;
    let mut clone = postgres::open(parameters.required(CLONE.id)?, connections, feedback)?;
    package::deploy(&mut central, &mut clone, Path::new(zip), feedback).map(Outputs::new)
}
