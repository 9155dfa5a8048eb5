//! Why a connection did not come about, in words that help.

use std::error::Error as _;
use std::io;

use ::postgres::error::DbError;
use rustls::CertificateError;

use super::conninfo::{Host, Place, Target};
use super::tls::TlsFailure;
use crate::error::{Error, Kind};
use crate::text::{Argument, Text, tr};

/// What went wrong with one address of a server.
pub enum Problem {
    /// Its name could not be looked up; without an error, in time.
    Lookup(Option<io::Error>),
    /// It took too long.
    TimedOut,
    /// It could not be connected to.
    Connect(::postgres::Error),
    /// It is not the kind of server that was asked for.
    Unfit(Text),
    /// The session could not be set up.
    Session(::postgres::Error),
}

/// What to try next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same server with TLS instead of without, or the other way round.
    OtherEncryption,
    /// Another server.
    OtherServer,
    /// Nothing: another server would not change it.
    Stop,
}

/// A reason, told for people.
pub struct Failure {
    host: Text,
    text: Text,
    hint: Option<Text>,
    sqlstate: Option<String>,
    pub next: Next,
}

impl Failure {
    /// Puts a problem with `host` into words.
    pub fn new(problem: Problem, host: &Host, target: &Target) -> Self {
        let told = match problem {
            Problem::Lookup(error) => {
                let why = error.map_or_else(|| tr!("no answer in time"), |e| e.text());
                Told::new(tr!(
                    "the name of the server cannot be looked up ({why})",
                    why
                ))
                .hint(tr!("Check the name of the host and the network."))
            }
            Problem::TimedOut => timed_out(target),
            Problem::Unfit(why) => Told::new(tr!("{why}, unlike target_session_attrs asks", why))
                .hint(tr!("Name other servers, or change target_session_attrs.")),
            Problem::Connect(error) => connecting(&error, host, target),
            Problem::Session(error) => {
                let mut told = connecting(&error, host, target);
                told.next = Next::Stop;
                // The name of the setting is in the message in every language.
                if told.text.to_string().contains("session_replication_role") {
                    told.hint = Some(tr!(
                        "It is “replica” by default for this role or database, so that foreign keys and triggers are switched off: an administrator can end that by ALTER ROLE … or ALTER DATABASE … RESET session_replication_role."
                    ));
                }
                told
            }
        };
        Self {
            host: host.text(),
            text: told.text,
            hint: told.hint,
            sqlstate: told.sqlstate,
            next: told.next,
        }
    }

    /// This failure, and the one of a second attempt with or without TLS.
    #[must_use]
    pub fn and(mut self, second: Self) -> Self {
        if second.sqlstate != self.sqlstate || self.sqlstate.is_none() {
            self.text = tr!(
                "{first}; on a second try: {second}",
                first = self.text,
                second = second.text
            );
        }
        self.sqlstate = self.sqlstate.or(second.sqlstate);
        self.next = second.next;
        self
    }

    /// When there is no other encryption left to try.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if self.next == Next::OtherEncryption {
            self.next = Next::Stop;
        }
        self
    }
}

/// The error for a target of which no server would do.
pub fn summary(mut failures: Vec<Failure>, target: &Target) -> Error {
    failures.dedup_by(|second, first| second.host == first.host && second.text == first.text);
    let to = tr!("database “{database}”", database = target.database);
    let user = &target.user;
    let message = match failures.as_slice() {
        [one] => tr!(
            "Connecting to {to} on {host} as “{user}”: {text}.",
            to,
            host = one.host,
            user,
            text = one.text
        ),
        many => {
            let reasons = Text::clauses(
                many.iter()
                    .map(|failure| tr!("{host}: {why}", host = failure.host, why = failure.text)),
            );
            tr!(
                "Connecting to {to} as “{user}”: no server can be used. {reasons}.",
                to,
                user,
                reasons
            )
        }
    };
    let mut error = Error::new(Kind::Connection, message);
    if let Some(last) = failures.pop() {
        if let Some(hint) = last.hint {
            error = error.hint(hint);
        }
        if let Some(sqlstate) = last.sqlstate {
            error = error.sqlstate(sqlstate);
        }
    }
    error
}

struct Told {
    text: Text,
    hint: Option<Text>,
    sqlstate: Option<String>,
    next: Next,
}

impl Told {
    fn new(text: Text) -> Self {
        Self {
            text,
            hint: None,
            sqlstate: None,
            next: Next::OtherServer,
        }
    }

    fn hint(mut self, hint: Text) -> Self {
        self.hint = Some(hint);
        self
    }

    fn next(mut self, next: Next) -> Self {
        self.next = next;
        self
    }
}

fn timed_out(target: &Target) -> Told {
    let text = match target.timeout {
        Some(timeout) => tr!("no answer within {seconds} s", seconds = timeout.as_secs()),
        None => tr!("no answer"),
    };
    Told::new(text)
        .hint(tr!(
            "Check that the server runs and that no firewall is in the way; connect_timeout sets how long to wait."
        ))
}

fn connecting(error: &::postgres::Error, host: &Host, target: &Target) -> Told {
    if let Some(db) = error.as_db_error() {
        return refused(db, host, target);
    }
    if error.is_closed() {
        return closed();
    }
    let source = error.source();
    if let Some(failure) = source.and_then(|source| source.downcast_ref::<TlsFailure>()) {
        return match failure {
            TlsFailure::Refused => Told::new(tr!("the server does not support TLS"))
                .hint(tr!(
                    "sslmode={mode} needs it: switch it on in the server (ssl = on), or choose another sslmode.",
                    mode = target.tls.mode.name()
                ))
                .next(Next::Stop),
            TlsFailure::Odd => odd(),
            TlsFailure::Network(error) => network(error, host, target),
            TlsFailure::Handshake(error) => match rustls_error(error) {
                Some(error) => tls(error, target),
                None => network(error, host, target).next(Next::OtherEncryption),
            },
        };
    }
    if let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
        // A server that speaks TLS 1.3 refuses a client's certificate only after the handshake.
        return match rustls_error(error) {
            Some(error) => tls(error, target),
            None => network(error, host, target),
        };
    }
    match source.map(ToString::to_string).as_deref() {
        Some("password missing") => no_password(target),
        Some("unsupported authentication method") => Told::new(tr!(
            "the server wants GSSAPI, Kerberos or SSPI, which are not supported"
        ))
        .hint(tr!(
            "Ask for a rule with scram-sha-256 or cert in the server's pg_hba.conf."
        ))
        .next(Next::Stop),
        Some(why) => Told::new(tr!("{error} ({why})", error, why)).next(Next::Stop),
        None => odd(),
    }
}

/// The server answered, and said no.
fn refused(db: &DbError, host: &Host, target: &Target) -> Told {
    let code = db.code().code();
    let said = db.message();
    let mut text = said.trim_end_matches('.').to_owned();
    if let Some(detail) = db.detail() {
        text.push_str(&format!(" ({})", detail.trim_end_matches('.')));
    }
    let mut told = Told::new(Text::verbatim(text)).next(match code {
        "28000" => Next::OtherEncryption,
        "57P03" => Next::OtherServer,
        _ => Next::Stop,
    });
    told.sqlstate = Some(code.to_owned());
    told.hint = match code {
        "28P01" => Some(match &host.password_from {
            Some(from) => tr!(
                "The password came from {from}: check it and the user.",
                from
            ),
            None => ways_to_give_a_password(target),
        }),
        "28000" if said.contains("client certificate") => Some(tr!(
            "Name your certificate and key in sslcert and sslkey, and use TLS (sslmode=require)."
        )),
        "28000" if said.contains("pg_hba.conf") && said.contains("no encryption") => Some(tr!(
            "Use TLS (sslmode=require), or ask the administrator for a rule in pg_hba.conf."
        )),
        "28000" if said.contains("pg_hba.conf") => Some(tr!(
            "Ask the administrator of the server for a rule in pg_hba.conf for this user, database and address."
        )),
        "28000" => Some(tr!(
            "Check the user, or ask the administrator of the server."
        )),
        "42501" => Some(tr!(
            "Ask the owner of the database for it (GRANT CONNECT ON DATABASE … TO …), or use another role."
        )),
        "3D000" => Some(tr!(
            "Check the name of the database (capitals count), or create it."
        )),
        "53300" => Some(tr!(
            "Close other connections or raise max_connections, then run again."
        )),
        "57P03" => Some(tr!("Wait until the server is ready, then run again.")),
        _ => db.hint().map(Text::verbatim),
    };
    told
}

fn no_password(target: &Target) -> Told {
    let mut told = Told::new(tr!("the server asks for a password, and none is given"))
        .hint(ways_to_give_a_password(target))
        .next(Next::Stop);
    // As the server says of a wrong one: programs that can ask for a password go by it.
    told.sqlstate = Some("28P01".to_owned());
    told
}

fn ways_to_give_a_password(target: &Target) -> Text {
    match &target.password_file {
        Some(path) => tr!(
            "A password can be given in the connection (in QGIS: saved, or as an authentication configuration), in its service, in the password file {path}, or in PGPASSWORD.",
            path = path.display()
        ),
        None => tr!(
            "A password can be given in the connection (in QGIS: saved, or as an authentication configuration), in its service, or in PGPASSWORD."
        ),
    }
}

fn network(error: &io::Error, host: &Host, target: &Target) -> Told {
    match error.kind() {
        io::ErrorKind::TimedOut => timed_out(target),
        io::ErrorKind::ConnectionRefused => {
            Told::new(tr!("nothing listens there (connection refused)")).hint(tr!(
                "Check host and port, that the server runs, and its listen_addresses."
            ))
        }
        io::ErrorKind::NotFound if matches!(host.place, Place::Socket(_)) => {
            Told::new(tr!("there is no such socket")).hint(tr!(
                "Check that the server runs, its port and its unix_socket_directories."
            ))
        }
        io::ErrorKind::PermissionDenied => Told::new(tr!("the system does not permit it"))
            .hint(tr!("Check the rights on the socket, and the firewall.")),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => closed(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => odd(),
        _ => Told::new(error.text()).hint(tr!("Check the network and that the server runs.")),
    }
}

fn closed() -> Told {
    Told::new(tr!("the connection was closed before the server answered")).hint(tr!(
        "Check that a PostgreSQL server listens on this port, and its log."
    ))
}

fn odd() -> Told {
    Told::new(tr!("what answers there is not PostgreSQL"))
        .hint(tr!("Check host and port."))
        .next(Next::Stop)
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

fn tls(error: &rustls::Error, target: &Target) -> Told {
    let roots = super::tls::place(&target.tls.roots);
    let (text, hint) = match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                tr!(
                    "the server's certificate is not signed by an authority in {roots}",
                    roots
                ),
                tr!(
                    "Put the right authority's certificate there (sslrootcert). If the server is another one than you expect, stop here."
                ),
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                tr!("the server's certificate has expired"),
                tr!("Ask the administrator to renew it, and check the date of this computer."),
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
                tr!("the server's certificate is not valid yet"),
                tr!("Check the date of this computer."),
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                (
                    tr!("the server's certificate is for another name"),
                    tr!(
                        "Connect by the name in the certificate (hostaddr can give the address beside it), or use sslmode=verify-ca."
                    ),
                )
            }
            CertificateError::Revoked => (
                tr!("the server's certificate has been revoked"),
                tr!("Ask the administrator of the server."),
            ),
            other => (
                tr!(
                    "the server's certificate cannot be used ({why})",
                    why = other.to_string()
                ),
                tr!(
                    "Certificates of X.509 version 1 or with weak signatures cannot be used: ask for a new one."
                ),
            ),
        },
        rustls::Error::AlertReceived(alert) => (
            tr!(
                "the server refused TLS with this client ({alert})",
                alert = format!("{alert:?}")
            ),
            tr!("Check sslcert and sslkey, and that the server takes TLS 1.2 or 1.3."),
        ),
        other => (
            tr!("TLS failed ({why})", why = other),
            tr!("Check that the server takes TLS 1.2 or 1.3."),
        ),
    };
    Told::new(text).hint(hint).next(Next::OtherEncryption)
}
