//! Create a package from the central database.

use std::path::Path;

use super::{BINARIES, CENTRAL, PACKAGE_NAME};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::registry::{Algorithm, OUTPUT_STATUS, OUTPUT_STRING, SYNCHRONIZATION};
use crate::schema::{Output, Outputs, Parameter, Parameters, Type};
use crate::{package, postgres};

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "package_master_database",
    label: "Create a package from the central database",
    group: SYNCHRONIZATION,
    help: "Package data from the central database, for future deployement on one or several clone(s).

This script backups all data from the given list of schemas to a ZIP archive, named by default \"central_database_package.zip\".

You can add an optionnal SQL file to run in the clone after the deployment of the archive. This file must contain valid PostgreSQL queries and can be used to drop some triggers in the clone or remove some constraints. For example \"DELETE FROM pg_trigger WHERE tgname = 'name_of_trigger';\"

An internet connection is needed because a synchronization item must be written to the central database \"lizsync.history\" table during the process. and obviously data must be downloaded from the central database",
    parameters: &[
        CENTRAL,
        BINARIES,
        Parameter::new(
            "SCHEMAS",
            "List of schemas to package, separated by commas. (schemas public, lizsync & audit are never processed)",
            Type::String,
        ),
        Parameter::new(
            "ADDITIONAL_SQL_FILE",
            "Additionnal SQL file to run in the clone after the ZIP deployement",
            Type::File,
        )
        .optional()
        .extension("sql"),
        Parameter::new("ZIP_FILE", "Output archive file (ZIP)", Type::FileDestination)
            .default(PACKAGE_NAME)
            .extension("zip"),
        Parameter::new(
            "TABLES",
            "List of tables of these schemas to package and synchronize, separated by commas (all if empty)",
            Type::String,
        )
        .optional()
        .advanced(),
    ],
    outputs: &[
        Output::new("ZIP_FILE", "Output archive file (ZIP)", Type::File),
        OUTPUT_STATUS,
        OUTPUT_STRING,
    ],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let zip = parameters.required("ZIP_FILE")?;
    let wanted = package::Request {
        schemas: postgres::names("SCHEMAS", parameters.required("SCHEMAS")?)?,
        tables: postgres::table_names("TABLES", parameters.text("TABLES").unwrap_or_default())?,
        binaries: Path::new(parameters.required(BINARIES.id)?).to_owned(),
        additional_sql: parameters.text("ADDITIONAL_SQL_FILE").map(Into::into),
        zip: Path::new(zip).to_owned(),
    };
    let mut central = postgres::open(
        parameters.required(CENTRAL.id)?,
        parameters.connections(),
        feedback,
    )?;
    let sentence = package::create(&mut central, &wanted, feedback)?;
    Ok(Outputs::new(sentence).with("ZIP_FILE", zip))
}
