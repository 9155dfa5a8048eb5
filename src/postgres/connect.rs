//! Opening a connection.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use ::postgres::Client;
use ::postgres::config::ChannelBinding;

use super::attempt::{Opened, Plan};
use super::conninfo::{self, Certificates, Place, Surroundings};
use crate::error::Result;
use crate::feedback::{CancelGuard, Feedback};
use crate::secret::Secret;
use crate::text::{Text, tr};

/// An open connection; a cancel of the feedback interrupts its running query.
pub struct Connection {
    client: Client,
    plan: Plan,
    description: Text,
    _cancel: CancelGuard,
}

/// Opens the connection that `value` means: a key of `named`, a URI or conninfo, or a service.
/// The rules of libpq hold for what is missing.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter) for a malformed value,
/// [`Kind::Connection`](crate::error::Kind::Connection) for an unknown name, and when no server
/// can be used, [`Kind::Canceled`](crate::error::Kind::Canceled) within a second after a cancel.
pub fn open(
    value: &str,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Connection> {
    open_in(&Surroundings::of_process(), value, named, feedback)
}

/// As [`open`], in an environment other than that of this process.
///
/// # Errors
/// As [`open`].
pub fn open_in(
    surroundings: &Surroundings,
    value: &str,
    named: &BTreeMap<String, Secret>,
    feedback: &Feedback,
) -> Result<Connection> {
    feedback.check()?;
    let resolved = conninfo::resolve(value, named, surroundings)?;
    for warning in resolved.warnings {
        feedback.warning(warning);
    }
    Connection::establish(&Plan::new(resolved.target, feedback)?, feedback)
}

impl Connection {
    fn establish(plan: &Plan, feedback: &Feedback) -> Result<Self> {
        let Opened {
            client,
            host,
            connector,
        } = plan.connect(feedback)?;
        let token = client.cancel_token();
        let breaker = connector.breaker.clone();
        let asking = AtomicBool::new(false);
        let cancel = feedback.on_cancel(move || {
            if asking.swap(true, Ordering::SeqCst) {
                return;
            }
            let mut connector = connector.clone();
            connector.breaker = super::tls::Breaker::default();
            if let Err(error) = token.cancel_query(connector) {
                log::debug!("A cancel request failed, so the connection is closed: {error}.");
                // The server is out of reach: what waits for its answer must not wait for ever.
                breaker.break_now();
            }
            asking.store(false, Ordering::SeqCst);
        });
        Ok(Self {
            client,
            description: tr!(
                "database “{database}” on {host}",
                database = plan.target.database,
                host
            ),
            plan: plan.only(&host),
            _cancel: cancel,
        })
    }

    /// A second connection to the same server, with the same settings.
    ///
    /// # Errors
    /// As [`open`].
    pub fn another(&self, feedback: &Feedback) -> Result<Self> {
        Self::establish(&self.plan, feedback)
    }

    /// Names the database and server for messages, without any secret.
    pub fn describe(&self) -> &Text {
        &self.description
    }

    /// `PG…` variables with which a child process (`pg_dump`) reaches the same database on the
    /// server that was chosen. What the child inherits may contradict them: see
    /// [`prepare`](Self::prepare).
    pub fn child_environment(&self) -> Vec<(String, Secret)> {
        let target = &self.plan.target;
        let mut variables: Vec<(&str, String)> = vec![
            ("PGDATABASE", target.database.clone()),
            ("PGUSER", target.user.clone()),
            ("PGAPPNAME", target.application_name.clone()),
            ("PGSSLMODE", target.tls.mode.name().to_owned()),
            ("PGTARGETSESSIONATTRS", "any".to_owned()),
            ("PGGSSENCMODE", "disable".to_owned()),
            (
                "PGCONNECT_TIMEOUT",
                target
                    .timeout
                    .map_or(0, |timeout| timeout.as_secs())
                    .to_string(),
            ),
        ];
        for host in &target.hosts {
            match &host.place {
                Place::Socket(path) => variables.push(("PGHOST", path.display().to_string())),
                Place::Tcp { name, address } => {
                    variables.push(("PGHOST", name.clone()));
                    variables.extend(address.map(|address| ("PGHOSTADDR", address.to_string())));
                }
            }
            variables.push(("PGPORT", host.port.to_string()));
            variables.extend(
                host.password
                    .as_ref()
                    .map(|password| ("PGPASSWORD", password.reveal().to_owned())),
            );
        }
        variables.extend(
            target
                .options
                .as_ref()
                .map(|options| ("PGOPTIONS", options.reveal().to_owned())),
        );
        match target.channel_binding {
            ChannelBinding::Require => variables.push(("PGCHANNELBINDING", "require".to_owned())),
            ChannelBinding::Disable => variables.push(("PGCHANNELBINDING", "disable".to_owned())),
            _ => {}
        }
        let wishes = &target.tls;
        if wishes.direct {
            variables.push(("PGSSLNEGOTIATION", "direct".to_owned()));
        }
        let files = [
            ("PGSSLROOTCERT", Some(&wishes.roots)),
            ("PGSSLCERT", wishes.certificate.as_ref()),
            ("PGSSLKEY", wishes.key.as_ref()),
            ("PGSSLCRL", Some(&wishes.revoked)),
        ];
        for (name, file) in files {
            match file {
                Some(Certificates::System) => variables.push((name, "system".to_owned())),
                Some(Certificates::Named(path)) => {
                    variables.push((name, path.display().to_string()));
                }
                Some(default) => {
                    let path = default.existing();
                    variables.extend(path.map(|path| (name, path.display().to_string())));
                }
                None => {}
            }
        }
        variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .collect()
    }

    /// Makes `command` reach the same database: takes every variable of libpq away that it would
    /// inherit, and sets those of [`child_environment`](Self::child_environment).
    pub fn prepare(&self, command: &mut Command) {
        for name in conninfo::VARIABLES {
            command.env_remove(name);
        }
        for (name, value) in self.child_environment() {
            command.env(name, value.reveal());
        }
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
