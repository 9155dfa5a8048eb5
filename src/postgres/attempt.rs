//! Connecting to the first server of a list that will do.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::postgres::config::{SslMode as CrateSslMode, SslNegotiation};
use ::postgres::{Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use super::conninfo::{Certificates, Host, Place, Session, SslMode, Target};
use super::failure::{Failure, Next, Problem, summary};
use super::tls::{self, Breaker, Connector, Encryption};
use super::wait::beside;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::text::tr;

/// A target, with all that its connections have in common.
#[derive(Clone)]
pub struct Plan {
    pub target: Target,
    tls: Option<MakeRustlsConnect>,
}

/// A connection that stands.
pub struct Opened {
    pub client: Client,
    /// The server that was chosen, with the address that answered.
    pub host: Host,
    /// What opens sockets to that server in the same way.
    pub connector: Connector,
}

impl Plan {
    /// Reads the certificates that the target needs.
    ///
    /// # Errors
    /// [`Kind::Connection`](crate::error::Kind::Connection) when they cannot be used. Where TLS is
    /// optional, as in libpq, that only means that there is none: this is a warning.
    pub fn new(target: Target, feedback: &Feedback) -> Result<Self> {
        let wishes = &target.tls;
        let network = target
            .hosts
            .iter()
            .any(|host| matches!(host.place, Place::Tcp { .. }));
        let mut tls = None;
        if network && wishes.mode != SslMode::Disable {
            tls = match tls::client(wishes) {
                Ok(client) => Some(client),
                Err(error) if wishes.mode <= SslMode::Prefer => {
                    feedback.warning(tr!(
                        "Connecting without TLS: {sentence}",
                        sentence = error.whole()
                    ));
                    None
                }
                Err(error) => {
                    let database = &target.database;
                    return Err(error.during(tr!("Connecting to database “{database}”", database)));
                }
            };
            if let (SslMode::Require, Certificates::Named(path)) = (wishes.mode, &wishes.roots)
                && !path.exists()
            {
                feedback.warning(tr!(
                    "The server's certificate is not checked: the file {path} (sslrootcert) does not exist.",
                    path = path.display()
                ));
            }
        }
        Ok(Self { target, tls })
    }

    /// The same plan for one server only.
    pub fn only(&self, host: &Host) -> Self {
        let mut plan = self.clone();
        plan.target.hosts = vec![host.clone()];
        plan.target.session = Session::Any;
        plan
    }

    /// Connects to the first server that can be reached and is what was asked for.
    ///
    /// # Errors
    /// [`Kind::Connection`](crate::error::Kind::Connection), saying for each server why not;
    /// [`Kind::Canceled`](crate::error::Kind::Canceled) at most a second after a cancel.
    pub fn connect(&self, feedback: &Feedback) -> Result<Opened> {
        let passes: &[Session] = match self.target.session {
            Session::PreferStandby => &[Session::Standby, Session::Any],
            _ => &[self.target.session],
        };
        let mut failures = Vec::new();
        for &session in passes {
            failures.clear();
            for host in self.in_order(&self.target.hosts) {
                for host in self.addresses(&host, feedback, &mut failures)? {
                    match self.try_host(&host, session, feedback)? {
                        Ok(opened) => return Ok(opened),
                        Err(failure) => {
                            let stop = failure.next == Next::Stop;
                            failures.push(failure);
                            if stop {
                                return Err(summary(failures, &self.target));
                            }
                        }
                    }
                }
            }
        }
        Err(summary(failures, &self.target))
    }

    fn in_order<T: Clone>(&self, list: &[T]) -> Vec<T> {
        let mut list = list.to_vec();
        if self.target.shuffle {
            list.sort_by_cached_key(|_| Uuid::new_v4());
        }
        list
    }

    /// The host once for each of its addresses.
    fn addresses(
        &self,
        host: &Host,
        feedback: &Feedback,
        failures: &mut Vec<Failure>,
    ) -> Result<Vec<Host>> {
        let Place::Tcp {
            name,
            address: None,
        } = &host.place
        else {
            return Ok(vec![host.clone()]);
        };
        let (lookup, port) = (name.clone(), host.port);
        let found = beside(feedback, self.target.timeout, move || {
            let found = (lookup.as_str(), port).to_socket_addrs();
            found.map(|list| list.map(|address| address.ip()).collect::<Vec<IpAddr>>())
        })?;
        let mut addresses = match found {
            Some(Ok(addresses)) => addresses,
            Some(Err(error)) => {
                failures.push(Failure::new(
                    Problem::Lookup(Some(error)),
                    host,
                    &self.target,
                ));
                Vec::new()
            }
            None => {
                failures.push(Failure::new(Problem::Lookup(None), host, &self.target));
                Vec::new()
            }
        };
        addresses.dedup();
        let with = |address: IpAddr| Host {
            place: Place::Tcp {
                name: name.clone(),
                address: Some(address),
            },
            ..host.clone()
        };
        Ok(self.in_order(&addresses).into_iter().map(with).collect())
    }

    /// Tries one address, with and without TLS as the mode wants it.
    fn try_host(
        &self,
        host: &Host,
        session: Session,
        feedback: &Feedback,
    ) -> Result<std::result::Result<Opened, Failure>> {
        let mut first: Option<Failure> = None;
        for &encryption in self.encryptions(&host.place) {
            let connector = self.connector(encryption);
            let problem = match self.attempt(host, session, &connector, feedback)? {
                Ok(client) => {
                    return Ok(Ok(Opened {
                        client,
                        host: host.clone(),
                        connector: Connector {
                            timeout: self.target.timeout,
                            ..connector
                        },
                    }));
                }
                Err(problem) => problem,
            };
            let failure = Failure::new(problem, host, &self.target);
            // Asking again without TLS is of no use where there was none, and the other way round.
            let got_tls = connector.encrypted.load(Ordering::SeqCst);
            let again = failure.next == Next::OtherEncryption
                && got_tls == (encryption == Encryption::IfOffered);
            let failure = match first.take() {
                Some(first) => first.and(failure),
                None => failure,
            };
            if !again {
                return Ok(Err(failure.settled()));
            }
            first = Some(failure);
        }
        let failure = first.unwrap_or_else(|| Failure::new(Problem::TimedOut, host, &self.target));
        Ok(Err(failure.settled()))
    }

    /// As libpq: no TLS on local sockets.
    fn encryptions(&self, place: &Place) -> &'static [Encryption] {
        if self.tls.is_none() || matches!(place, Place::Socket(_)) {
            return &[Encryption::Never];
        }
        match self.target.tls.mode {
            SslMode::Disable => &[Encryption::Never],
            SslMode::Allow => &[Encryption::Never, Encryption::Always],
            SslMode::Prefer => &[Encryption::IfOffered, Encryption::Never],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Encryption::Always],
        }
    }

    fn connector(&self, encryption: Encryption) -> Connector {
        Connector {
            tls: self.tls.clone(),
            encryption,
            direct: self.target.tls.direct,
            check_name: self.target.tls.mode == SslMode::VerifyFull,
            timeout: None,
            breaker: Breaker::default(),
            encrypted: Arc::new(AtomicBool::new(false)),
        }
    }

    fn attempt(
        &self,
        host: &Host,
        session: Session,
        connector: &Connector,
        feedback: &Feedback,
    ) -> Result<std::result::Result<Client, Problem>> {
        let config = self.config(host);
        let breaker = connector.breaker.clone();
        let connector = connector.clone();
        let outcome = beside(feedback, self.target.timeout, move || {
            establish(&config, connector, session)
        });
        if !matches!(outcome, Ok(Some(_))) {
            // Nobody waits any more: the thread must not, either.
            breaker.break_now();
        }
        Ok(outcome?.unwrap_or(Err(Problem::TimedOut)))
    }

    fn config(&self, host: &Host) -> Config {
        let target = &self.target;
        let mut config = Config::new();
        config
            .user(&target.user)
            .dbname(&target.database)
            .application_name(&target.application_name)
            .port(host.port)
            .channel_binding(target.channel_binding)
            .keepalives(target.keepalive.enabled);
        if let Some(password) = &host.password {
            config.password(password.reveal());
        }
        if let Some(options) = &target.options {
            config.options(options.reveal());
        }
        if let Some(timeout) = target.timeout {
            config.connect_timeout(timeout);
        }
        if let Some(idle) = target.keepalive.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = target.keepalive.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = target.keepalive.count {
            config.keepalives_retries(count);
        }
        if let Some(timeout) = target.keepalive.user_timeout {
            config.tcp_user_timeout(timeout);
        }
        match &host.place {
            Place::Socket(path) => {
                config
                    .host(&path.to_string_lossy())
                    .ssl_mode(CrateSslMode::Disable);
            }
            Place::Tcp { name, address } => {
                // Every socket goes to the connector, which knows better than the crate.
                config
                    .host(name)
                    .ssl_mode(CrateSslMode::Require)
                    .ssl_negotiation(SslNegotiation::Direct);
                if let Some(address) = address {
                    config.hostaddr(*address);
                }
            }
        }
        config
    }
}

/// Connects, checks that the server is what was asked for, and sets the session up.
fn establish(
    config: &Config,
    connector: Connector,
    session: Session,
) -> std::result::Result<Client, Problem> {
    let mut client = config.connect(connector).map_err(Problem::Connect)?;
    if session != Session::Any {
        check_session(&mut client, session)?;
    }
    client
        .batch_execute(include_str!("../../sql/session.sql"))
        .map_err(Problem::Session)?;
    Ok(client)
}

fn check_session(client: &mut Client, session: Session) -> std::result::Result<(), Problem> {
    let sql = "SELECT pg_catalog.pg_is_in_recovery(), \
                      pg_catalog.current_setting('transaction_read_only')";
    let answer = client.simple_query(sql).map_err(Problem::Session)?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
        _ => None,
    });
    let (standby, read_only) = row.unwrap_or_default();
    match session {
        Session::ReadWrite if standby || read_only => Err(Problem::Unfit(tr!("it is read-only"))),
        Session::ReadOnly if !standby && !read_only => {
            Err(Problem::Unfit(tr!("it is not read-only")))
        }
        Session::Primary if standby => Err(Problem::Unfit(tr!("it is a standby"))),
        Session::Standby if !standby => Err(Problem::Unfit(tr!("it is not a standby"))),
        _ => Ok(()),
    }
}
