//! `host`, `hostaddr` and `port`: lists that belong together.

use std::net::IpAddr;

use super::{Conninfo, Place, Surroundings};
use crate::error::{Error, Result};
use crate::secret::is_nested;
use crate::text::tr;

const DEFAULT_PORT: u16 = 5432;

/// The servers that the three lists name.
pub(super) fn servers(
    conninfo: &Conninfo,
    surroundings: &Surroundings,
) -> Result<Vec<(Place, u16)>> {
    let list = |keyword| {
        conninfo
            .get(keyword)
            .map(|list| list.split(',').map(str::trim).collect())
    };
    let names: Option<Vec<&str>> = list("host");
    let addresses: Option<Vec<&str>> = list("hostaddr");
    let ports: Vec<&str> = list("port").unwrap_or_default();
    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    if let (Some(names), Some(addresses)) = (&names, &addresses)
        && names.len() != addresses.len()
    {
        return Err(uneven("host", names.len(), "hostaddr", addresses.len()));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(uneven("port", ports.len(), "host", count));
    }
    let entry = |list: &Option<Vec<&str>>, at: usize| {
        list.as_ref()
            .and_then(|list| list.get(at))
            .map_or("", |text| *text)
            .to_owned()
    };
    (0..count)
        .map(|at| {
            let port = port(ports.get(at).or(ports.first()).copied().unwrap_or(""))?;
            let place = place(
                &entry(&names, at),
                &entry(&addresses, at),
                port,
                surroundings,
            )?;
            Ok((place, port))
        })
        .collect()
}

fn uneven(first: &str, count: usize, second: &str, other: usize) -> Error {
    Error::parameter(tr!(
        "The list “{first}” has {count} entries and the list “{second}” has {other}.",
        first,
        count,
        second,
        other
    ))
    .hint(tr!(
        "Give one entry for each server; a single port counts for all."
    ))
}

// The text is not shown: in a URI it may be a part of a password that was not percent-encoded.
fn port(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    text.parse().ok().filter(|&port| port > 0).ok_or_else(|| {
        Error::parameter(tr!("The port is not a number from 1 to 65535.")).hint(tr!(
            "In a URI, percent-encode special characters of the password: %3A for “:”, %2F for “/”."
        ))
    })
}

fn place(name: &str, address: &str, port: u16, surroundings: &Surroundings) -> Result<Place> {
    let abstract_socket = name.starts_with('@');
    // The rest of a connection string in another grammar, and perhaps a password: not shown.
    let odd = match name.starts_with('/') {
        true => is_nested(name) || name.contains(';') && name.contains('='),
        false => name.contains([';', '=', '@', '/']) || name.contains(char::is_whitespace),
    };
    if odd && !abstract_socket {
        return Err(
            Error::parameter(tr!("The value of “host” is not a host name.")).hint(tr!(
                "Separate keyword=value pairs by spaces, and the hosts of a list by commas."
            )),
        );
    }
    if !address.is_empty() {
        let parsed: IpAddr = address.parse().map_err(|_| {
            Error::parameter(tr!("The value of “hostaddr” is not an IP address."))
                .hint(tr!("A name belongs into “host”."))
        })?;
        let name = if name.is_empty() { address } else { name };
        return Ok(Place::Tcp {
            name: name.to_owned(),
            address: Some(parsed),
        });
    }
    if name.is_empty() {
        return Ok(default_place(port, surroundings));
    }
    if abstract_socket || (cfg!(not(unix)) && name.starts_with('/')) {
        return Err(
            Error::parameter(tr!("This kind of local socket is not supported."))
                .hint(tr!("Give a host name such as localhost.")),
        );
    }
    if name.starts_with('/') {
        return Ok(Place::Socket(name.into()));
    }
    Ok(Place::Tcp {
        name: name.to_owned(),
        address: None,
    })
}

/// The socket of a server on this machine, or else its network port.
fn default_place(port: u16, surroundings: &Surroundings) -> Place {
    let socket = format!(".s.PGSQL.{port}");
    let found = surroundings
        .socket_directories()
        .iter()
        .find(|directory| directory.join(&socket).exists());
    match found {
        Some(directory) => Place::Socket(directory.clone()),
        None => Place::Tcp {
            name: "localhost".to_owned(),
            address: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(text: &str) -> Result<Vec<(Place, u16)>> {
        let surroundings = Surroundings::new("/nowhere", "anna");
        super::servers(&Conninfo::parse(text).unwrap(), &surroundings)
    }

    fn tcp(name: &str, address: Option<&str>) -> Place {
        Place::Tcp {
            name: name.to_owned(),
            address: address.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn what_is_no_host_is_refused_and_not_shown() {
        for text in [
            "host=127.0.0.1;password=sesame",
            "host=a,user=b,password=sesame",
            "host='a sesame'",
            "host=/run;password=sesame",
            "postgresql://%2Frun password='sesame'",
            "host=anna:sesame@db",
            "host=postgresql://anna:sesame@db",
            "host=/postgresql://anna:sesame@db",
            "host=anna:sesame@db hostaddr=10.0.0.1",
        ] {
            let sentence = servers(text).unwrap_err().sentence();
            assert!(
                sentence.contains("host") && !sentence.contains("sesame"),
                "{sentence}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn lists_go_together() {
        assert_eq!(servers("user=x").unwrap(), [(tcp("localhost", None), 5432)]);
        assert_eq!(
            servers("host=a,,/run port=1,,3").unwrap(),
            [
                (tcp("a", None), 1),
                (tcp("localhost", None), 5432),
                (Place::Socket("/run".into()), 3)
            ]
        );
        assert_eq!(
            servers("host=a,b port=7").unwrap(),
            [(tcp("a", None), 7), (tcp("b", None), 7)]
        );
        assert_eq!(
            servers("host=a, hostaddr=10.0.0.1,::1").unwrap(),
            [
                (tcp("a", Some("10.0.0.1")), 5432),
                (tcp("::1", Some("::1")), 5432)
            ]
        );
        assert_eq!(
            servers("postgresql://a:1,[::1],b:3/").unwrap(),
            [
                (tcp("a", None), 1),
                (tcp("::1", None), 5432),
                (tcp("b", None), 3)
            ]
        );
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for text in [
            "host=a,b hostaddr=10.0.0.1",
            "host=a,b port=1,2,3",
            "port=1,2",
            "host=a port=0",
            "host=a port=70000",
            "host=a port=x",
            "hostaddr=example.org",
            "host=@abstract",
        ] {
            let error = servers(text).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Parameter, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn without_a_host_the_socket_of_the_port_is_looked_for() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(second.path().join(".s.PGSQL.5433"), "").unwrap();
        let surroundings = Surroundings::new("/nowhere", "anna")
            .sockets(first.path())
            .sockets(second.path());
        let place = |text: &str| {
            super::servers(&Conninfo::parse(text).unwrap(), &surroundings)
                .unwrap()
                .remove(0)
                .0
        };
        assert_eq!(place("port=5433"), Place::Socket(second.path().into()));
        assert_eq!(place("port=5434"), tcp("localhost", None));
    }
}
