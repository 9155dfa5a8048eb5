//! Get projects and files from the central FTP server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{CENTRAL, CLONE, ftp};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::files::{self, Arrival, Direction};
use crate::project::{self, Adapted};
use crate::registry::{Algorithm, FILES, OUTPUT_STATUS, OUTPUT_STRING};
use crate::schema::{Default, Output, Outputs, Parameter, Parameters, Type};
use crate::secret::Secret;
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
    let arrival = Adapting {
        adapts,
        central,
        clone,
        connections: parameters.connections(),
        feedback,
        adapted: Mutex::default(),
    };
    // The folder is kept until the projects are adapted.
    let (outcome, _lock) = files::fetch(&session, folder, here, &arrival, &wishes)?;
    let mut adapted = arrival.adapted.into_inner().unwrap_or_default();
    if adapts && !wishes.dry_run {
        // Those that were here before.
        feedback.info(tr!("Adapting the projects."));
        adapted += project::adapt(here, central, clone, parameters.connections(), feedback)?;
    }
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

/// Projects are adapted before they get their names.
struct Adapting<'a> {
    adapts: bool,
    central: &'a str,
    clone: Option<&'a str>,
    connections: &'a BTreeMap<String, Secret>,
    feedback: &'a Feedback,
    adapted: Mutex<Adapted>,
}

impl Arrival for Adapting<'_> {
    fn original(&self, place: &Path) -> Option<PathBuf> {
        self.is_raw(place).then(|| project::backup_path(place))
    }

    fn is_raw(&self, place: &Path) -> bool {
        self.adapts && project::is_project(place)
    }

    fn settle(&self, part: &Path, place: &Path) -> Result<()> {
        let (central, clone) = (self.central, self.clone);
        let one = project::adopt(part, place, central, clone, self.connections, self.feedback)?;
        *self.adapted.lock().unwrap_or_else(PoisonError::into_inner) += one;
        Ok(())
    }
}
