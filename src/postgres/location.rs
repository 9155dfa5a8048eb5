//! Where a connection leads, found out without connecting.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::conninfo::{self, Conninfo, Host, Place, Surroundings};
use crate::error::Result;
use crate::secret::Secret;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What a connection value leads to by the rules of libpq, before anything is asked of a server.
#[derive(Debug, Clone)]
pub struct Location {
    servers: Vec<Host>,
    database: String,
    own: Conninfo,
    service: Option<String>,
}

/// Finds out what `value` means (as [`open`](super::open) does), in the given environment.
///
/// # Errors
/// [`Kind::Parameter`](crate::error::Kind::Parameter) for a malformed value,
/// [`Kind::Connection`](crate::error::Kind::Connection) for an unknown name or service.
pub fn locate_in(
    surroundings: &Surroundings,
    value: &str,
    named: &BTreeMap<String, Secret>,
) -> Result<Location> {
    let resolved = conninfo::resolve(value, named, surroundings)?;
    Ok(Location {
        servers: resolved.target.hosts,
        database: resolved.target.database,
        own: resolved.own,
        service: resolved.service,
    })
}

impl Location {
    /// The service that the connection names itself, not by `PGSERVICE`.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// The database, with libpq's default (the name of the user).
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The hosts (directories of sockets too), as the list that libpq reads.
    pub fn host(&self) -> String {
        let names: Vec<_> = self
            .servers
            .iter()
            .map(|server| match &server.place {
                Place::Socket(path) => path.display().to_string(),
                Place::Tcp { name, .. } => name.clone(),
            })
            .collect();
        names.join(",")
    }

    /// The ports that go with [`host`](Self::host).
    pub fn port(&self) -> String {
        let mut ports: Vec<_> = self.servers.iter().map(|server| server.port).collect();
        if ports.iter().all(|port| ports.first() == Some(port)) {
            ports.truncate(1);
        }
        let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
        ports.join(",")
    }

    /// A value as the connection itself gives it, without its service, the environment, password
    /// files and defaults.
    pub fn given(&self, keyword: &str) -> Option<&str> {
        self.own.get(keyword)
    }

    /// Whether both lead to one database: a server in common (host and port), and the same name of
    /// the database.
    ///
    /// Nothing is looked up, so two names of one machine are two servers, with one exception: names
    /// and addresses of the own machine (`localhost`, `127.0.0.1`, `::1`) are one. A directory of a
    /// socket is another server than `localhost`. Host names are compared without regard to case
    /// and to a dot at the end; names of databases as they are.
    pub fn is_same_database(&self, other: &Self) -> bool {
        self.database == other.database
            && self.servers.iter().any(|server| {
                other
                    .servers
                    .iter()
                    .any(|its| server.port == its.port && is_same_place(&server.place, &its.place))
            })
    }
}

fn is_same_place(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (Place::Socket(one), Place::Socket(other)) => {
            // /var/run is a link to /run wherever both are in use.
            let run = |path: &std::path::Path| match path.strip_prefix("/var/run") {
                Ok(rest) => std::path::Path::new("/run").join(rest),
                Err(_) => path.to_owned(),
            };
            run(one) == run(other)
        }
        (
            Place::Tcp { name, address },
            Place::Tcp {
                name: its_name,
                address: its_address,
            },
        ) => match (
            address.or(literal(name)).map(known),
            its_address.or(literal(its_name)).map(known),
        ) {
            (Some(one), Some(other)) => one == other,
            _ => {
                let one = [machine(name), address.map_or_else(String::new, spelled)];
                let other = [
                    machine(its_name),
                    its_address.map_or_else(String::new, spelled),
                ];
                one.iter()
                    .any(|name| !name.is_empty() && other.contains(name))
            }
        },
        _ => false,
    }
}

/// A host name in one spelling.
fn machine(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    literal(&name).map_or(name, spelled)
}

fn spelled(address: IpAddr) -> String {
    match known(address) {
        LOCALHOST => "localhost".to_owned(),
        address => address.to_string(),
    }
}

/// The address that stands in the place of a name.
fn literal(name: &str) -> Option<IpAddr> {
    name.parse().ok()
}

/// An address in one spelling: an IPv4 address that is written as IPv6 as itself, and one name for
/// the own machine.
fn known(address: IpAddr) -> IpAddr {
    let address = address.to_canonical();
    match address {
        IpAddr::V6(it) if it.is_loopback() => LOCALHOST,
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Location {
        let surroundings = Surroundings::new("/nowhere", "anna");
        locate_in(&surroundings, text, &BTreeMap::new()).unwrap()
    }

    fn same(one: &str, other: &str) -> bool {
        let (one, other) = (at(one), at(other));
        assert_eq!(one.is_same_database(&other), other.is_same_database(&one));
        one.is_same_database(&other)
    }

    #[test]
    fn one_database_however_it_is_written() {
        for (one, other) in [
            (
                "host=db dbname=gis",
                "dbname='gis' port='5432' host='db' user=x password=y",
            ),
            ("host=db dbname=gis", "host=DB. dbname=gis"),
            (
                "host=db dbname=gis",
                "postgresql://bob:secret@db/gis?sslmode=require",
            ),
            ("host=db user=gis", "host=db user=anna dbname=gis"),
            ("host=localhost dbname=gis", "host=127.0.0.1 dbname=gis"),
            ("host=localhost dbname=gis", "host=::1 dbname=gis"),
            ("host=127.0.0.1 dbname=gis", "host=::1 dbname=gis"),
            ("host=a,b dbname=gis", "host=b dbname=gis"),
            (
                "host=db hostaddr=10.0.0.1 dbname=gis",
                "host=10.0.0.1 dbname=gis",
            ),
            ("host=db hostaddr=10.0.0.1 dbname=gis", "host=db dbname=gis"),
            (
                "host=db hostaddr=127.0.0.1 dbname=gis",
                "host=localhost dbname=gis",
            ),
            (
                "host=::ffff:10.0.0.1 dbname=gis",
                "host=10.0.0.1 dbname=gis",
            ),
            ("dbname=gis", "dbname=gis port=5432"),
        ] {
            assert!(same(one, other), "{one} | {other}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn directories_of_sockets_are_compared_as_such() {
        assert!(same(
            "host=/run/postgresql/ dbname=g",
            "host=/var/run/postgresql dbname=g"
        ));
        assert!(!same("host=/run/a dbname=g", "host=/run/b dbname=g"));
        assert!(!same("host=/run/a dbname=g", "host=localhost dbname=g"));
    }

    #[test]
    fn two_databases() {
        for (one, other) in [
            ("host=db dbname=gis", "host=db dbname=GIS"),
            ("host=db dbname=gis", "host=db dbname=gis port=5433"),
            ("host=db dbname=gis", "host=db2 dbname=gis"),
            ("host=db dbname=gis", "host=db.example.org dbname=gis"),
            ("host=db dbname=gis", "host=db user=bob"),
            ("host=a,b port=1,2 dbname=gis", "host=b port=1 dbname=gis"),
            (
                "host=db hostaddr=10.0.0.1 dbname=gis",
                "host=db hostaddr=10.0.0.2 dbname=gis",
            ),
        ] {
            assert!(!same(one, other), "{one} | {other}");
        }
    }

    #[test]
    fn what_is_written_again_leads_to_the_same() {
        let location = at("host=a,b port=1,2 dbname=gis user=bob password=sesame");
        assert_eq!(
            (location.host().as_str(), location.port().as_str()),
            ("a,b", "1,2")
        );
        assert_eq!(at("host=a,b port=7 user=x").port(), "7");
        assert_eq!(location.given("password"), Some("sesame"));
        assert_eq!(location.given("sslmode"), None);
        assert!(location.service().is_none());
        assert!(!format!("{location:?}").contains("sesame"));
    }

    #[test]
    fn a_service_is_known_by_its_name_and_by_what_it_says() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("services");
        std::fs::write(
            &file,
            "[central]\nhost=db\ndbname=gis\nuser=u\npassword=p\n",
        )
        .unwrap();
        let surroundings = Surroundings::new(home.path(), "anna")
            .variable("PGSERVICEFILE", file.to_str().unwrap());
        let named = BTreeMap::from([("chosen".to_owned(), Secret::new("service=central"))]);
        for value in ["central", "service=central", "chosen"] {
            let location = locate_in(&surroundings, value, &named).unwrap();
            assert_eq!(location.service(), Some("central"), "{value}");
            assert_eq!(location.given("password"), None);
            assert!(location.is_same_database(&at("host=db dbname=gis")));
        }
    }
}
