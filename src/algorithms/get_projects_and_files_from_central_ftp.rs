//! Get projects and files from the central FTP server.

use std::path::Path;

use super::{CENTRAL, CLONE, ftp};
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::files::{self, Direction};
use crate::project::{self, Adapted};
use crate::registry::{Algorithm, FILES, OUTPUT_STATUS, OUTPUT_STRING};
use crate::schema::{Default, Output, Outputs, Parameter, Parameters, Type};
use crate::text::{Text, tr};

const FOLDER: Parameter = Parameter::new(
    "CLONE_QGIS_PROJECT_FOLDER",
    "Clone QGIS project folder",
    Type::Folder,
);

const ADAPT: Parameter = Parameter::new(
    "REPLACE_DATASOURCE_IN_QGIS_PROJECT",
    "Adapt PostgreSQL connection parameters for GeoPoppy database ?",
    Type::Boolean,
)
.default(Default::Boolean(true));

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "get_projects_and_files_from_central_ftp",
    label: "Get projects and files from the central FTP server",
    group: FILES,
    help: "Get QGIS projects and files from the give FTP server and remote directory and adapt QGIS projects for the local clone database by replacing PostgreSQL connection data with the local PostgreSQL server data. An internet connection is needed to use this algorithm",
    parameters: &[
        CENTRAL,
        ftp::CENTRAL.host,
        ftp::CENTRAL.port,
        ftp::CENTRAL.login,
        ftp::CENTRAL.password,
        ftp::CENTRAL.folder,
        ftp::EXCLUDED,
        FOLDER,
        ADAPT,
        CLONE.optional().advanced(),
        ftp::TLS,
        ftp::CA_FILE,
        ftp::ANY_CERTIFICATE,
        ftp::CONNECTIONS,
        ftp::TIMEOUT,
        ftp::DRY_RUN,
    ],
    outputs: &[
        OUTPUT_STATUS,
        OUTPUT_STRING,
        ftp::FILES_TRANSFERRED,
        ftp::BYTES_TRANSFERRED,
        ftp::FILES_SKIPPED,
        ftp::FILES_FAILED,
        Output::new(
            "PROJECTS_ADAPTED",
            "Projects adapted to the clone",
            Type::Number,
        ),
        Output::new(
            "SOURCES_REPLACED",
            "Data sources replaced in them",
            Type::Number,
        ),
        Output::new(
            "PROJECTS_FAILED",
            "Projects that could not be adapted",
            Type::Number,
        ),
    ],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let here = Path::new(parameters.required(FOLDER.id)?);
    let session = ftp::CENTRAL.session(parameters, feedback)?;
    let wishes = ftp::wishes(parameters)?;
    let folder = ftp::CENTRAL.folder(parameters)?;
    let adapts = parameters.flag(ADAPT.id);
    let (central, clone) = (parameters.required(CENTRAL.id)?, parameters.text(CLONE.id));
    if adapts {
        // A wrong connection is told before anything is fetched.
        project::adapt_files(&[], central, clone, parameters.connections(), feedback)?;
    }
    let original = |path: &Path| match adapts && project::is_project(path) {
        true => Some(project::backup_path(path)),
        false => None,
    };
    // The folder is kept until the projects are adapted.
    let (outcome, _lock) = files::fetch(&session, folder, here, &original, &wishes)?;
    let adapted = match adapts && !wishes.dry_run {
        true => {
            feedback.info(tr!("Adapting the projects."));
            renew(here, &outcome.files)?;
            project::adapt(here, central, clone, parameters.connections(), feedback)?
        }
        false => Adapted::default(),
    };
    let outputs = ftp::outputs(&outcome)
        .with("PROJECTS_ADAPTED", adapted.changed)
        .with("SOURCES_REPLACED", adapted.sources)
        .with("PROJECTS_FAILED", adapted.problems.len());
    let mut sentences = vec![ftp::sentence(
        &outcome,
        Direction::Fetched(&session.account),
        &outputs,
    )?];
    if adapted.changed > 0 {
        sentences.push(tr!(
            "{n} project adapted to the clone ({sources})."
                | "{n} projects adapted to the clone ({sources})." % adapted.changed,
            sources = tr!("{n} data source" | "{n} data sources" % adapted.sources)
        ));
    }
    if !adapted.problems.is_empty() {
        // Said with the result: such a project may still read the central.
        sentences.push(tr!(
            "{n} project could not be adapted: {problems}"
                | "{n} projects could not be adapted: {problems}" % adapted.problems.len(),
            problems = Text::sentences(&adapted.problems)
        ));
    }
    Ok(outputs.saying(Text::sentences(sentences)))
}

/// A project that came anew is what its backup is to be: the one of an earlier version goes.
fn renew(here: &Path, came: &[String]) -> Result<()> {
    for path in came {
        let backup = project::backup_path(&here.join(path));
        if project::is_project(Path::new(path)) && backup.is_file() {
            std::fs::remove_file(&backup).map_err(|error| {
                Error::file(tr!(
                    "{path} cannot be removed: {error}.",
                    path = backup.display(),
                    error
                ))
            })?;
        }
    }
    Ok(())
}
