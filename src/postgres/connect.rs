//! Opening a connection.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use ::postgres::{Client, Config, NoTls};

use super::error::Doing;
use crate::error::{Error, Result};
use crate::feedback::{CancelGuard, Feedback};
use crate::secret::Secret;

/// An open connection; a cancel of the feedback interrupts its running query.
pub struct Connection {
    client: Client,
    config: Config,
    description: String,
    _cancel: CancelGuard,
}

/// Opens the connection that `value` means: a key of `named`, a URI or conninfo, or a service.
pub fn open(
    value: &str,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Connection> {
    let conninfo = named.get(value).map_or(value, Secret::reveal);
    let config: Config = conninfo
        .parse()
        .map_err(|_| Error::parameter(format!("The connection “{value}” cannot be understood.")))?;
    Connection::establish(config, feedback)
}

impl Connection {
    fn establish(config: Config, feedback: &Feedback) -> Result<Self> {
        feedback.check()?;
        let description = format!("database “{}”", config.get_dbname().unwrap_or(""));
        let mut client = config
            .connect(NoTls)
            .doing(|| format!("Connecting to {description}"))?;
        client
            .batch_execute(include_str!("../../sql/session.sql"))
            .doing(|| format!("Setting up the session with {description}"))?;
        let token = client.cancel_token();
        let cancel = feedback.on_cancel(move || {
            if let Err(error) = token.cancel_query(NoTls) {
                log::debug!("a cancel request failed: {error}");
            }
        });
        Ok(Self {
            client,
            config,
            description,
            _cancel: cancel,
        })
    }

    /// A second connection to the same server, with the same settings.
    pub fn another(&self, feedback: &Feedback) -> Result<Self> {
        Self::establish(self.config.clone(), feedback)
    }

    /// Names the database and server for messages, without any secret.
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// `PG…` variables with which a child process (`pg_dump`) reaches the same database.
    pub fn child_environment(&self) -> Vec<(String, Secret)> {
        Vec::new()
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
