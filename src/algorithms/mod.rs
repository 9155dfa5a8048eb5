//! The algorithms, one file each: the schema, and the way from parameters to an engine and back.
//! Labels, help and parameters are those that users of LizSync know.

mod create_database_structure;
mod deploy_database_server_package;
mod ftp;
mod get_projects_and_files_from_central_ftp;
mod initialize_central_database;
mod package_master_database;
mod send_projects_and_files_to_clone_ftp;
mod synchronize_database;
mod synchronize_media_subfolder_to_ftp;
mod upgrade_database_structure;

use crate::registry::Algorithm;
use crate::schema::{Default, Parameter, Type};

/// All algorithms, in the order users see them.
pub(crate) static ALL: &[&Algorithm] = &[
    &create_database_structure::ALGORITHM,
    &initialize_central_database::ALGORITHM,
    &upgrade_database_structure::ALGORITHM,
    &deploy_database_server_package::ALGORITHM,
    &package_master_database::ALGORITHM,
    &synchronize_database::ALGORITHM,
    &get_projects_and_files_from_central_ftp::ALGORITHM,
    &send_projects_and_files_to_clone_ftp::ALGORITHM,
    &synchronize_media_subfolder_to_ftp::ALGORITHM,
];

const CENTRAL: Parameter = Parameter::new(
    "CONNECTION_NAME_CENTRAL",
    "PostgreSQL connection to the central database",
    Type::Connection,
);

const CLONE: Parameter = Parameter::new(
    "CONNECTION_NAME_CLONE",
    "PostgreSQL connection to the clone database",
    Type::Connection,
);

const BINARIES: Parameter = Parameter::new(
    "POSTGRESQL_BINARY_PATH",
    "PostgreSQL binary path",
    Type::Folder,
)
.default(Default::Text("/usr/bin/"));

const PACKAGE_NAME: Default = Default::TemporaryFile("central_database_package.zip");
