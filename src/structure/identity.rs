//! Who a database is: not LizSync's, a central, or a clone.

use ::postgres::{GenericClient, Row};
use uuid::Uuid;

use crate::VERSION;
use crate::error::{Error, Result};
use crate::postgres::{Connection, Doing};
use crate::text::{Text, tr};

/// The name of the central in `lizsync.server_metadata`.
pub const CENTRAL_NAME: &str = "central";

/// The version of a structure that does not say it.
const UNKNOWN: &str = "unknown";

/// The identity of a database that holds this product's structure.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its id in all ledgers; None before the preparation.
    pub server_id: Option<Uuid>,
    /// Its name: `central`, or anything else for a clone.
    pub server_name: Option<String>,
    /// The version of its structure.
    pub version: String,
    /// The quoted schema of the extension hstore.
    pub hstore: String,
    /// Whether the functions were made for hstore in that schema.
    pub fits: bool,
    /// The server itself.
    pub cluster: Cluster,
}

/// What tells one database server, and one database in it, from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster {
    /// Made by initdb; a restored dump has another one, a standby the same.
    pub system_identifier: i64,
    /// Raised when a standby is promoted.
    pub timeline: i32,
    /// The database in the server.
    pub database_oid: i64,
    /// `server_version_num`, as 150018.
    pub version: i32,
}

/// What is installed in a database.
#[derive(Debug, Clone)]
pub enum Installed {
    /// Nothing of LizSync.
    Nothing,
    /// The structure of an older LizSync, of that version.
    Older(String),
    /// This product's structure.
    Ours(Box<Identity>),
}

/// Looks at what is installed in a database.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) where its encoding cannot be used.
pub fn inspect(client: &mut impl GenericClient) -> Result<Installed> {
    let doing = || tr!("Looking for the LizSync tables");
    let row = read(client, doing())?;
    if !row.get::<_, bool>("installed") {
        return Ok(Installed::Nothing);
    }
    // Structures of before the functions can be read by their owner only.
    let sql = match row.get("readable") {
        true => "SELECT server_id, server_name, version FROM lizsync.identity()",
        false => include_str!("../../sql/structure/server.sql"),
    };
    let server = client.query_one(sql, &[]).doing(doing)?;
    let version: Option<String> = server.get("version");
    let version = version.unwrap_or_else(|| UNKNOWN.into());
    // An upgrade may have been committed between the two looks.
    let row = match row.get::<_, bool>("ours") || version != VERSION {
        true => row,
        false => read(client, doing())?,
    };
    let hstore: Option<String> = row.get("hstore");
    match hstore {
        Some(hstore) if row.get("ours") => Ok(Installed::Ours(Box::new(Identity {
            server_id: server.get("server_id"),
            server_name: server.get("server_name"),
            version,
            hstore,
            fits: row.get("fits"),
            cluster: Cluster::from_row(&row),
        }))),
        _ => Ok(Installed::Older(version)),
    }
}

/// The cluster and database of a connection, whatever is installed there.
///
/// # Errors
/// As [`inspect`].
pub fn cluster(client: &mut impl GenericClient) -> Result<Cluster> {
    Ok(Cluster::from_row(&read(
        client,
        tr!("Reading the identity of the server"),
    )?))
}

/// What stands behind the type of a column that holds rows, as SQL: how they are compressed.
///
/// # Errors
/// What PostgreSQL says.
pub fn compression(client: &mut impl GenericClient) -> Result<String> {
    let row = client
        .query_one(include_str!("../../sql/structure/compression.sql"), &[])
        .doing(|| tr!("Reading how the server compresses"))?;
    Ok(row.get(0))
}

/// Reads who a database is. Every algorithm passes here, so this is where a database is refused whose
/// encoding is not UTF-8: hstore sends the lengths of its values in the server's encoding and the
/// values in that of the session, so that they would be cut; and SQL_ASCII takes any bytes for text.
fn read(client: &mut impl GenericClient, doing: Text) -> Result<Row> {
    let row = client
        .query_one(include_str!("../../sql/structure/identity.sql"), &[])
        .doing(|| doing)?;
    let encoding: &str = row.get("encoding");
    if encoding != "UTF8" {
        return Err(Error::state(tr!(
            "The encoding of the database “{database}” is {encoding}: LizSync needs UTF8.",
            database = row.get::<_, &str>("database"),
            encoding
        ))
        .hint(tr!(
            "Create a database WITH ENCODING 'UTF8' TEMPLATE template0, carry the data over with pg_dump and pg_restore, which convert them, and use that. Nothing was changed."
        )));
    }
    Ok(row)
}

impl Cluster {
    fn from_row(row: &Row) -> Self {
        Self {
            system_identifier: row.get("system_identifier"),
            timeline: row.get("timeline"),
            database_oid: row.get("database_oid"),
            version: row.get("server_version"),
        }
    }
}

impl Identity {
    /// Whether it is a central.
    pub fn is_central(&self) -> bool {
        self.server_name.as_deref() == Some(CENTRAL_NAME)
    }

    /// Its server id.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State) before the preparation.
    pub fn id(&self) -> Result<Uuid> {
        self.server_id.ok_or_else(|| {
            Error::state(tr!("The database has no server id yet.")).hint(tr!(
                "Run “Prepare the central database” with the server id first."
            ))
        })
    }
}

/// The identity of a database that must hold this product's structure in this version, with functions
/// that work.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State), naming the database and the way out.
pub fn require(connection: &mut Connection) -> Result<Identity> {
    let identity = installed(connection)?;
    if identity.fits {
        return Ok(identity);
    }
    Err(Error::state(tr!(
        "The extension hstore of {connection} was moved to another schema ({hstore}): the functions of LizSync do not find it any more, and nobody can edit.",
        connection = connection.describe(),
        hstore = identity.hstore
    ))
    .hint(tr!(
        "Run “Upgrade LizSync tools in the central database” with the connection of that database, be it the central or a clone: it makes the functions anew."
    )))
}

/// The identity of a database that must hold this product's structure in this version.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State), naming the database and the way out.
pub(super) fn installed(connection: &mut Connection) -> Result<Identity> {
    let name = connection.describe().to_owned();
    match inspect(&mut **connection).map_err(|error| error.during(tr!("The {name}", name)))? {
        Installed::Ours(identity) if identity.version == VERSION => Ok(*identity),
        Installed::Ours(identity) if identity.version == UNKNOWN => Err(Error::state(tr!(
            "The LizSync tables of {name} do not say their version: perhaps a package is being deployed there at this moment.",
            name
        ))
        .hint(tr!(
            "Run again when the deployment has ended. If it stays so, restore the database from a backup, or deploy the clone again."
        ))),
        Installed::Ours(identity) => Err(Error::state(tr!(
            "The LizSync tables of {name} are of version {version}, this is LizSync {ours}.",
            name,
            version = identity.version,
            ours = VERSION
        ))
        .hint(tr!(
            "Run “Upgrade LizSync tools in the central database”, or install the matching LizSync."
        ))),
        Installed::Older(version) if version == VERSION => Err(incomplete(&name)),
        Installed::Older(version) => Err(Error::state(tr!(
            "The LizSync tables of {name} are of version {version} of the former plugin.",
            name,
            version
        ))
        .hint(tr!("Run “Upgrade LizSync tools in the central database” with the connection of that database, be it the central or a clone: it keeps the data, the history and what was not synchronised."))),
        Installed::Nothing => Err(Error::state(tr!(
            "The LizSync tables are not installed in {name}.",
            name
        ))
            .hint(tr!(
                "For a central database, run “Install Lizsync tools on the central database”; for a clone, “Deploy a database package to the clone”."
            ))),
    }
}

/// A structure of this version with a piece missing.
pub(super) fn incomplete(name: &Text) -> Error {
    Error::state(tr!(
        "The LizSync tables of {name} are not complete: audit.logged_actions, lizsync.received or the extension hstore is gone.",
        name
    ))
    .hint(tr!("Restore the database from a backup; a clone can also be deployed again, without the edits that were not synchronised."))
}

/// The identity of a central.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) when it is none, saying what it is instead.
pub fn require_central(connection: &mut Connection) -> Result<Identity> {
    let identity = require(connection)?;
    let name = connection.describe();
    if identity.server_id.is_none() {
        return Err(Error::state(tr!(
            "The central {name} is not prepared: it has no server id.",
            name
        ))
        .hint(tr!("Run “Prepare the central database” first.")));
    }
    if !identity.is_central() {
        return Err(
            Error::state(tr!("The {name} is a clone, not a central database.", name))
                .hint(tr!("Check whether the two connections are swapped.")),
        );
    }
    Ok(identity)
}

/// The identity of a clone.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) when it is none, saying what it is instead.
pub fn require_clone(connection: &mut Connection) -> Result<Identity> {
    let identity = require(connection)?;
    let name = connection.describe();
    if identity.is_central() {
        return Err(
            Error::state(tr!("The {name} is a central database, not a clone.", name))
                .hint(tr!("Check whether the two connections are swapped.")),
        );
    }
    if identity.server_id.is_none() {
        return Err(Error::state(tr!("The {name} has no server id.", name))
            .hint(tr!("Deploy a package to it first.")));
    }
    Ok(identity)
}
