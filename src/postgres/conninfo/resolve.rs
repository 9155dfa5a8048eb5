//! From a connection value to a [`Target`]: what was given, the service, the environment, defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keywords::KEYWORDS;
use super::passfile::PasswordFile;
use super::{Conninfo, Host, Place, Surroundings, Target, lists, service, wishes};
use crate::error::{Error, Kind, Result};
use crate::secret::{Secret, shown};
use crate::text::{Text, tr};

/// How long a connection attempt may take when nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection value came to.
#[derive(Debug)]
pub struct Resolved {
    pub(in crate::postgres) target: Target,
    /// What the connection itself says, without its service and the environment.
    pub(in crate::postgres) own: Conninfo,
    /// The service that the connection names.
    pub(in crate::postgres) service: Option<String>,
    /// What was left aside, for the user.
    pub warnings: Vec<Text>,
}

/// Finds out what `value` means: a key of `named`, a URI or key=value, or the name of a service.
///
/// # Errors
/// [`Kind::Parameter`] for a malformed connection, [`Kind::Connection`] for an unknown name.
pub fn resolve(
    value: &str,
    named: &BTreeMap<String, Secret>,
    surroundings: &Surroundings,
) -> Result<Resolved> {
    let (conninfo, what) = if let Some(text) = named.get(value) {
        let what = match shown(value) {
            Some(name) => tr!("connection {name}", name),
            None => tr!("connection given by name"),
        };
        // libpq takes an empty string for its defaults: some database, but not the one that is meant.
        if text.reveal().trim().is_empty() {
            return Err(Error::parameter(tr!("The {what} is empty.", what))
                .hint(tr!("Give it a conninfo string or a URI.")));
        }
        (Conninfo::parse(text.reveal()), what)
    } else if Conninfo::is_meant(value) {
        (Conninfo::parse(value), tr!("connection string"))
    } else {
        let found = service::find(value, None, surroundings)?
            .ok_or_else(|| unknown_name(value, named, surroundings))?;
        let mut resolved = complete(found, &tr!("service “{name}”", name = value), surroundings)?;
        resolved.service = Some(value.to_owned());
        return Ok(resolved);
    };
    conninfo
        .and_then(|mut conninfo| {
            let own = conninfo.clone();
            let own_password = own.get("password").is_some();
            // Here already: the name of a service that is not found is shown.
            conninfo.refuse_connection_strings()?;
            let service = add_service(&mut conninfo, surroundings)?;
            let from = service
                .filter(|_| !own_password)
                .unwrap_or_else(|| what.clone());
            let mut resolved = complete(conninfo, &from, surroundings)?;
            resolved.service = own.get("service").map(str::to_owned);
            resolved.own = own;
            Ok(resolved)
        })
        .map_err(|error| error.during(tr!("The {what}", what)))
}

/// Adds environment and defaults; `from` is where the password stood, if there is one.
fn complete(mut conninfo: Conninfo, from: &Text, surroundings: &Surroundings) -> Result<Resolved> {
    let given = conninfo.get("password").map(|_| tr!("the {from}", from));
    add_environment(&mut conninfo, surroundings);
    let password_from = given.or(conninfo
        .get("password")
        .map(|_| Text::verbatim("PGPASSWORD")));
    let mut warnings = Vec::new();
    let target = target(&conninfo, password_from, surroundings, &mut warnings)?;
    Ok(Resolved {
        target,
        own: Conninfo::default(),
        service: None,
        warnings,
    })
}

/// The error for a text that is neither a connection, nor a service.
fn unknown_name(
    value: &str,
    named: &BTreeMap<String, Secret>,
    surroundings: &Surroundings,
) -> Error {
    let value = shown(value)
        .unwrap_or_else(|| tr!("The connection value (not shown, as it may hold a password)"));
    let names = if named.is_empty() {
        tr!("none were given")
    } else {
        let name =
            |name: &String| shown(name).unwrap_or_else(|| tr!("one whose name is not shown"));
        Text::list(named.keys().map(name))
    };
    Error::new(
        Kind::Connection,
        tr!(
            "{value} is neither the name of a connection ({names}), nor a service in {places}.",
            value,
            names,
            places = service::places(None, surroundings)
        ),
    )
    .hint(tr!(
        "Give the name of a connection or service, a URI (postgresql://…) or key=value pairs."
    ))
}

/// Adds what the service says that `service` or PGSERVICE names, if any; returns what to call it.
fn add_service(conninfo: &mut Conninfo, surroundings: &Surroundings) -> Result<Option<Text>> {
    let asked = match conninfo.0.get("service") {
        Some(name) => Some(name),
        None => surroundings.get("PGSERVICE"),
    };
    let Some(name) = asked
        .map(|name| name.reveal().to_owned())
        .filter(|name| !name.is_empty())
    else {
        return Ok(None);
    };
    let file = conninfo.get("servicefile").map(str::to_owned);
    let found = service::find(&name, file.as_deref(), surroundings)?.ok_or_else(|| {
        Error::new(
            Kind::Connection,
            tr!(
                "The service {name} is not in {places}.",
                name = shown(&name)
                    .unwrap_or_else(|| tr!("(its name is not shown, as it may hold a password)")),
                places = service::places(file.as_deref(), surroundings)
            ),
        )
        .hint(tr!(
            "Add a section of that name to one of these files, or name another service."
        ))
    })?;
    conninfo.fill_from(found);
    Ok(Some(tr!("service “{name}”", name)))
}

fn add_environment(conninfo: &mut Conninfo, surroundings: &Surroundings) {
    for keyword in KEYWORDS {
        if let Some(value) = keyword.variable.and_then(|name| surroundings.get(name)) {
            conninfo.fill(keyword.name, value.clone());
        }
    }
    // Older than sslmode, and libpq still reads it.
    if surroundings
        .get("PGREQUIRESSL")
        .is_some_and(|value| value.reveal().starts_with('1'))
    {
        conninfo.fill("sslmode", Secret::new("require"));
    }
}

fn target(
    conninfo: &Conninfo,
    password_from: Option<Text>,
    surroundings: &Surroundings,
    warnings: &mut Vec<Text>,
) -> Result<Target> {
    conninfo.refuse_connection_strings()?;
    conninfo.refuse_what_cannot_be_honoured()?;
    let text = |keyword| conninfo.get(keyword).map(str::to_owned);
    let user = text("user")
        .or_else(|| surroundings.user().map(str::to_owned))
        .ok_or_else(|| {
            Error::parameter(tr!("No user is given, and the system does not name one.")).hint(tr!(
                "Give the user in the connection (user=…) or in PGUSER."
            ))
        })?;
    let database = text("dbname").unwrap_or_else(|| user.clone());
    let password_file = text("passfile")
        .map(PathBuf::from)
        .or_else(|| surroundings.password_file());
    let password = conninfo.get("password").map(Secret::new);
    let mut hosts: Vec<Host> = lists::servers(conninfo, surroundings)?
        .into_iter()
        .map(|(place, port)| Host {
            place,
            port,
            password: password.clone(),
            password_from: password_from.clone(),
        })
        .collect();
    if password.is_none()
        && let Some(path) = &password_file
    {
        match PasswordFile::read(path) {
            Ok(Some(file)) => {
                for host in &mut hosts {
                    let name = name_in_password_file(host, surroundings);
                    host.password = file.find(&name, host.port, &database, &user);
                    host.password_from =
                        Some(tr!("the password file {path}", path = path.display()));
                }
            }
            Ok(None) => {}
            Err(warning) => warnings.push(warning),
        }
    }
    if conninfo.get("requirepeer").is_some()
        && hosts
            .iter()
            .any(|host| matches!(host.place, Place::Socket(_)))
    {
        warnings.push(tr!(
            "The connection asks for “requirepeer”, which is not checked here."
        ));
    }
    Ok(Target {
        hosts,
        database,
        user,
        timeout: match conninfo.number("connect_timeout")? {
            None => Some(TIMEOUT),
            Some(_) => conninfo.seconds("connect_timeout")?,
        },
        application_name: text("application_name")
            .or_else(|| text("fallback_application_name"))
            .unwrap_or_else(|| "lizsync".to_owned()),
        options: conninfo.get("options").map(Secret::new),
        session: wishes::session(conninfo)?,
        shuffle: conninfo
            .choice(
                "load_balance_hosts",
                &[("disable", false), ("random", true)],
            )?
            .unwrap_or(false),
        keepalive: wishes::keepalive(conninfo)?,
        channel_binding: wishes::channel_binding(conninfo)?,
        tls: wishes::tls(conninfo, surroundings)?,
        password_file,
    })
}

/// The host as lines of the password file name it: `localhost` for the default socket.
fn name_in_password_file(host: &Host, surroundings: &Surroundings) -> String {
    match &host.place {
        Place::Tcp { name, .. } => name.clone(),
        Place::Socket(path) => {
            let default = |directory: &PathBuf| Path::new(path) == directory;
            if surroundings.socket_directories().iter().any(default) {
                "localhost".to_owned()
            } else {
                path.display().to_string()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keywords::Keyword;
    use super::super::{Certificates, Session, SslMode};
    use super::*;
    use crate::text::Argument;
    use std::fs;

    fn anna() -> Surroundings {
        Surroundings::new("/nowhere", "anna")
    }

    fn read(value: &str, surroundings: &Surroundings) -> Result<Target> {
        resolve(value, &BTreeMap::new(), surroundings).map(|resolved| resolved.target)
    }

    fn password(target: &Target) -> Option<&str> {
        target.hosts[0].password.as_ref().map(Secret::reveal)
    }

    #[test]
    fn defaults_are_those_of_libpq_and_ten_seconds() {
        let target = read("user=", &anna()).unwrap();
        assert_eq!(
            (target.user.as_str(), target.database.as_str()),
            ("anna", "anna")
        );
        assert_eq!(target.hosts[0].text().to_string(), "localhost:5432");
        assert_eq!(target.timeout, Some(Duration::from_secs(10)));
        assert_eq!(target.tls.mode, SslMode::Prefer);
        assert_eq!(target.application_name, "lizsync");
        assert_eq!(read("user=bob", &anna()).unwrap().database, "bob");
        assert_eq!(read("connect_timeout=0", &anna()).unwrap().timeout, None);
    }

    #[test]
    fn a_pair_that_became_a_value_is_not_shown() {
        for Keyword { name, .. } in KEYWORDS {
            for text in [
                format!("{name}= password=sesame"),
                format!("\u{b}{name}= password='sesame'"),
                format!("host=db {name}= PassWord=sesame x"),
                format!("postgresql://db/gis?{name}=password%3Dsesame"),
            ] {
                let said = match resolve(&text, &BTreeMap::new(), &anna()) {
                    Ok(resolved) => format!("{resolved:?}"),
                    Err(error) => format!("{} {error:?}", error.sentence()),
                };
                assert!(!said.contains("sesame"), "{text}: {said}");
            }
        }
        // What looks like it and is not.
        for text in [
            "options='-c user=x'",
            "password=password=x",
            "sslcert=/a=b/c",
        ] {
            assert!(read(text, &anna()).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_connection_goes_before_the_service_and_that_before_the_environment() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("services");
        fs::write(&file, "[gis]\nhost=service\ndbname=service\npassword=s\n").unwrap();
        let surroundings = Surroundings::new(home.path(), "anna")
            .variable("PGSERVICEFILE", file.to_str().unwrap())
            .variable("PGHOST", "variable")
            .variable("PGDATABASE", "variable")
            .variable("PGUSER", "variable")
            .variable("PGPASSWORD", "v")
            .variable("PGOPTIONS", "-c x.y=1")
            .variable("PGTARGETSESSIONATTRS", "primary");
        for value in ["host=own service=gis", "postgresql://own?service=gis"] {
            let target = read(value, &surroundings).unwrap();
            assert_eq!(target.hosts[0].text().to_string(), "own:5432");
            assert_eq!(target.database, "service");
            assert_eq!(target.user, "variable");
            assert_eq!(password(&target), Some("s"));
            assert_eq!(
                target.hosts[0]
                    .password_from
                    .as_ref()
                    .map(Text::to_string)
                    .as_deref(),
                Some("the service “gis”")
            );
            assert_eq!(target.options.unwrap().reveal(), "-c x.y=1");
            assert_eq!(target.session, Session::Primary);
        }
        let target = read("gis", &surroundings).unwrap();
        assert_eq!(target.hosts[0].text().to_string(), "service:5432");
        let target = read("user=x", &surroundings.clone().variable("PGSERVICE", "gis")).unwrap();
        assert_eq!(target.hosts[0].text().to_string(), "service:5432");
        let error = read("service=other", &surroundings).unwrap_err();
        assert_eq!(error.kind(), Kind::Connection);
        assert!(error.to_string().contains("services") && error.to_string().contains("“other”"));
    }

    #[test]
    fn a_connection_string_within_another_is_not_shown() {
        const URI: &str = "postgresql://anna:sesame@db/gis";
        for value in [
            format!("dbname={URI}"),
            "user=anna:sesame@db".to_owned(),
            "dbname='host=x password=sesame'".to_owned(),
            format!("passfile={URI}"),
            format!("sslmode=require sslrootcert={URI}"),
            format!("service={URI}"),
        ] {
            let error = read(&value, &anna()).unwrap_err();
            assert!(!error.sentence().contains("sesame"), "{}", error.sentence());
        }
        for variable in ["PGDATABASE", "PGUSER", "PGHOST", "PGSERVICE", "PGPASSFILE"] {
            let surroundings = anna().variable(variable, URI);
            let sentence = read("connect_timeout=1", &surroundings).map_or_else(
                |error| error.sentence(),
                |_| format!("{variable} was taken: sesame"),
            );
            assert!(!sentence.contains("sesame"), "{sentence}");
        }
        // Names may have a colon.
        assert_eq!(read("user=a:b dbname=c@d", &anna()).unwrap().user, "a:b");
    }

    #[test]
    fn a_named_connection_goes_before_everything() {
        let named = BTreeMap::from([
            (
                "gis".to_owned(),
                Secret::new("host=named password='top secret'"),
            ),
            ("a=b".to_owned(), Secret::new("postgresql://odd")),
            ("empty".to_owned(), Secret::new(" ")),
            (
                "broken".to_owned(),
                Secret::new("host=named password=top secret"),
            ),
        ]);
        let host = |value: &str| {
            resolve(value, &named, &anna()).map(|found| found.target.hosts[0].text().to_string())
        };
        assert_eq!(host("gis").unwrap(), "named:5432");
        assert_eq!(host("a=b").unwrap(), "odd:5432");
        let error = host("broken").unwrap_err();
        assert_eq!(error.kind(), Kind::Parameter);
        assert!(error.to_string().contains("“broken”") && !error.sentence().contains("secret"));

        let error = host("empty").unwrap_err();
        assert_eq!(error.kind(), Kind::Parameter);
        assert!(error.to_string().contains("“empty” is empty"));

        let error = host("central").unwrap_err();
        assert_eq!(error.kind(), Kind::Connection);
        let sentence = error.sentence();
        for part in ["“central”", "“gis”", "pg_service.conf", "not there"] {
            assert!(sentence.contains(part), "{sentence}");
        }
        assert!(!sentence.contains("secret"), "{sentence}");
        let sentence = host("postgis://anna:secret@db/gis").unwrap_err().sentence();
        assert!(!sentence.contains("secret"), "{sentence}");
    }

    #[cfg(unix)]
    #[test]
    fn the_password_file_gives_each_host_its_own() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let surroundings = Surroundings::new(home.path(), "anna").sockets(home.path());
        let path = home.path().join(".pgpass");
        fs::write(&path, "a:*:*:anna:1\nb:*:*:anna:2\nlocalhost:*:*:anna:3\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let found = |value: &str| -> Vec<Option<String>> {
            let target = read(value, &surroundings).unwrap();
            let reveal = |host: &Host| host.password.as_ref().map(|p| p.reveal().to_owned());
            target.hosts.iter().map(reveal).collect()
        };
        let texts = |list: &[Option<&str>]| -> Vec<Option<String>> {
            list.iter().map(|text| text.map(str::to_owned)).collect()
        };
        assert_eq!(found("host=a,b,c"), texts(&[Some("1"), Some("2"), None]));
        assert_eq!(found("host=a password=own"), texts(&[Some("own")]));
        assert_eq!(
            found(&format!("host={}", home.path().display())),
            texts(&[Some("3")])
        );
        assert_eq!(found("host=/other"), texts(&[None]));
        assert_eq!(found("host=a passfile=/nowhere/x"), texts(&[None]));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let resolved = resolve("host=a", &BTreeMap::new(), &surroundings).unwrap();
        assert_eq!(password(&resolved.target), None);
        assert!(
            resolved.warnings[0].to_string().contains(".pgpass"),
            "{:?}",
            resolved.warnings
        );
    }

    #[test]
    fn tls_wishes() {
        let tls = |value: &str| read(value, &anna()).map(|target| target.tls);
        assert_eq!(tls("sslrootcert=system").unwrap().mode, SslMode::VerifyFull);
        assert_eq!(
            tls("sslmode=verify-ca sslrootcert=/x").unwrap().roots,
            Certificates::Named("/x".into())
        );
        assert!(tls("sslcertmode=disable").unwrap().certificate.is_none());
        assert!(!tls("ssl_min_protocol_version=TLSv1.3").unwrap().tls12);
        assert!(!tls("ssl_max_protocol_version=TLSv1.2").unwrap().tls13);
    }

    #[test]
    fn what_cannot_be_meant_or_honoured_is_refused() {
        for value in [
            "sslmode=always",
            "sslmode=require sslrootcert=system",
            "sslnegotiation=direct",
            "ssl_max_protocol_version=TLSv1.1",
            "target_session_attrs=any-thing",
            "connect_timeout=soon",
            "require_auth=scram-sha-256",
            "gssencmode=require",
            "replication=database",
            "sslcrldir=/x",
            "authcfg=abc1234",
        ] {
            assert_eq!(
                read(value, &anna()).unwrap_err().kind(),
                Kind::Parameter,
                "{value}"
            );
        }
        let ignored = "gssencmode=prefer krbsrvname=x sslcompression=0 requirepeer=x client_encoding=latin1 \
                       keepalives=1 replication=false sslpassword=x oauth_scope=x";
        read(ignored, &anna()).unwrap();
    }

    #[test]
    fn nothing_prints_a_password() {
        let surroundings = anna().variable("PGOPTIONS", "-c a.b=secret");
        let resolved = resolve("password=secret", &BTreeMap::new(), &surroundings).unwrap();
        let printed = format!(
            "{resolved:?} {surroundings:?} {:?}",
            Conninfo::parse("password=secret")
        );
        assert!(!printed.contains("secret"), "{printed}");
    }
}
