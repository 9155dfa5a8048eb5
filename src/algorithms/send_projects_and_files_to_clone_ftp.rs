//! Send local QGIS projects and files to the clone FTP server.

use super::{CENTRAL, ftp};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::files::{self, Direction};
use crate::registry::{Algorithm, FILES, OUTPUT_STATUS, OUTPUT_STRING};
use crate::schema::{Outputs, Parameter, Parameters, Type};

const FOLDER: Parameter = Parameter::new(
    "LOCAL_QGIS_PROJECT_FOLDER",
    "Local desktop QGIS project folder",
    Type::Folder,
);

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "send_projects_and_files_to_clone_ftp",
    label: "Send local QGIS projects and files to the clone FTP server",
    group: FILES,
    help: "Send QGIS projects and files to the clone FTP server remote directory.

This script can be used by the geomatician in charge of the deployment of data to one or several clone(s).

It synchronizes the files from the given local QGIS project folder to the clone remote folder by using the given FTP connexion. This means all the files from the clone folder will be overwritten by the files from the local QGIS project folder.

Beware ! This script does not adapt projects for the clone database (no modification of the PostgreSQL connexion data inside the QGIS project files) !",
    parameters: &[
        CENTRAL,
        FOLDER,
        ftp::CLONE.host,
        ftp::CLONE.port,
        ftp::CLONE.login,
        ftp::CLONE.password,
        ftp::CLONE.folder,
        ftp::EXCLUDED,
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
    ],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let here = ftp::folder(&FOLDER, parameters)?;
    let session = ftp::CLONE.session(parameters, feedback)?;
    let wishes = ftp::wishes(parameters)?;
    let outcome = files::send(&session, here, ftp::CLONE.folder(parameters)?, &wishes)?;
    let outputs = ftp::outputs(&outcome);
    let sentence = ftp::sentence(&outcome, Direction::Sent(&session.account), &outputs)?;
    Ok(outputs.saying(sentence))
}
