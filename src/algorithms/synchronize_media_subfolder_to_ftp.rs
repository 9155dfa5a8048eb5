//! Synchronize the clone media subfolder to the central FTP server.

use super::{CLONE, ftp};
use crate::error::Result;
use crate::feedback::Feedback;
use crate::files::{self, Direction, Mentions};
use crate::postgres;
use crate::registry::{Algorithm, FILES, OUTPUT_STATUS, OUTPUT_STRING};
use crate::schema::{Output, Outputs, Parameter, Parameters, Type};
use crate::text::{Text, tr};

const FOLDER: Parameter = Parameter::new(
    "LOCAL_QGIS_PROJECT_FOLDER",
    "Local QGIS project folder",
    Type::Folder,
);

pub(super) static ALGORITHM: Algorithm = Algorithm {
    id: "synchronize_media_subfolder_to_ftp",
    label: "Synchronize the clone media subfolder to the central FTP server",
    group: FILES,
    help: "Send media files, such as new images, stored in the clone QGIS \"media/upload/\" folder, TO the central FTP server remote directory \"media/upload/\"

These media files can for example have been added by using Lizmap editing form.

Every file existing in the clone \"media/upload/\" folder but not in the central server \"media/upload/\" folder will be sent.",
    parameters: &[
        FOLDER,
        ftp::CENTRAL.host,
        ftp::CENTRAL.port,
        ftp::CENTRAL.login,
        ftp::CENTRAL.password,
        ftp::CENTRAL.folder,
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
        Output::new("CLASHES", "Files of a name that another file has on the central server", Type::Number),
        Output::new("MISSING_FILES", "Files that rows mention and that exist nowhere", Type::Number),
        Output::new("UNMENTIONED_FILES", "Files that no row mentions", Type::Number),
    ],
    run,
};

fn run(parameters: &Parameters, feedback: &Feedback) -> Result<Outputs> {
    let here = ftp::folder(&FOLDER, parameters)?;
    // What rows mention is asked first: a wrong connection is told before anything is sent.
    let mentioned = match parameters.text(CLONE.id) {
        Some(value) => {
            let mut clone = postgres::open(value, parameters.connections(), feedback)?;
            Some(files::mentioned(&mut clone, feedback)?)
        }
        None => None,
    };
    let session = ftp::CENTRAL.session(parameters, feedback)?;
    let wishes = ftp::wishes(parameters)?;
    let folder = ftp::CENTRAL.folder(parameters)?;
    let outcome = files::send_media(&session, here, folder, mentioned.is_some(), &wishes)?;
    let found = mentioned.map(|mentioned| Mentions::compare(&mentioned, &outcome.known));
    if let Some(found) = &found {
        found.tell(feedback);
    }
    let (missing, unmentioned) = found.map_or((0, 0), |found| {
        (found.missing.len(), found.unmentioned.len())
    });
    let outputs = ftp::outputs(&outcome.files)
        .with("CLASHES", outcome.clashes.len())
        .with("MISSING_FILES", missing)
        .with("UNMENTIONED_FILES", unmentioned);
    let direction = Direction::SentMedia(&session.account);
    let mut sentences = vec![ftp::sentence(&outcome.files, direction, &outputs)?];
    if !outcome.clashes.is_empty() {
        sentences.push(tr!(
            "{n} file with the name of another one there: sent under another name."
                | "{n} files with the name of another one there: sent under another name."
                    % outcome.clashes.len()
        ));
    }
    if missing > 0 {
        sentences.push(tr!("{n} file that rows mention exists nowhere."
            | "{n} files that rows mention exist nowhere." % missing));
    }
    Ok(outputs.saying(Text::sentences(sentences)))
}
