//! `postgresql://user:password@host:port/dbname?key=value`, as libpq reads it, and as QGIS names
//! projects that are stored in a database (`postgresql://host?dbname=d&schema=s&project=p`). Pure.

use super::forms::{Entry, Names, Rules};
use super::percent;

const SCHEMES: &[&str] = &["postgresql://", "postgres://"];

/// Keys of the query that belong to the connection.
const CONNECTION: &[&str] = &[
    "service",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "username",
    "password",
    "passfile",
    "authcfg",
    "sslmode",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslrootcert",
];

/// Whether a text begins as such a URI.
pub(super) fn is_uri(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_whitespace)
}

/// The parts of a URI, as they stand in it.
struct Parts<'a> {
    scheme: &'a str,
    user: &'a str,
    hosts: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let scheme = SCHEMES.iter().find(|scheme| text.starts_with(**scheme))?;
        let rest = &text[scheme.len()..];
        let (before, query) = match rest.split_once('?') {
            Some((before, query)) => (before, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match before.find('/') {
            Some(at) => before.split_at(at),
            None => (before, ""),
        };
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        Some(Self {
            scheme: &text[..scheme.len()],
            user,
            hosts,
            path,
            query,
        })
    }

    /// The value of a key of the query.
    fn get(&self, key: &str) -> Option<String> {
        let mut items = self.query?.split('&').rev();
        let value = items.find_map(|item| item.strip_prefix(key)?.strip_prefix('='))?;
        percent::decode(value).filter(|value| !value.is_empty())
    }

    fn names(&self) -> Option<Names> {
        let full = |text: String| Some(text).filter(|text| !text.is_empty());
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for host in self.hosts.split(',') {
            let (name, port) = match host.strip_prefix('[') {
                Some(rest) => rest.split_once(']')?,
                None => host.split_at(host.rfind(':').unwrap_or(host.len())),
            };
            hosts.push(percent::decode(name)?);
            ports.push(percent::decode(port.strip_prefix(':').unwrap_or(port))?);
        }
        let user = self.user.split(':').next().unwrap_or_default();
        let path = self.path.strip_prefix('/').unwrap_or_default();
        Some(Names {
            service: self.get("service"),
            host: self.get("host").or_else(|| full(hosts.join(","))),
            hostaddr: self.get("hostaddr"),
            port: self
                .get("port")
                .or_else(|| full(ports.join(",")).filter(|list| list.chars().any(|c| c != ','))),
            dbname: self.get("dbname").or(full(percent::decode(path)?)),
            user: self
                .get("user")
                .or_else(|| self.get("username"))
                .or(full(percent::decode(user)?)),
        })
    }
}

/// The URI with another connection, if it means the central.
pub(super) fn adapt(rules: &dyn Rules, text: &str) -> Option<String> {
    let parts = Parts::of(text)?;
    let names = parts.names()?;
    if !rules.means_central(&names) {
        return None;
    }
    let entries = rules.connection(names.service.is_some());
    Some(print(&parts, &entries))
}

fn print(parts: &Parts<'_>, entries: &[Entry]) -> String {
    let get = |wanted: &str| {
        let found = entries.iter().find(|(key, ..)| *key == wanted);
        found.map(|(_, value, _)| value.as_str())
    };
    let mut text = parts.scheme.to_owned();
    let mut query: Vec<String> = Vec::new();
    let mut add = |key: &str| {
        if let Some(value) = get(key) {
            query.push(format!("{key}={}", percent::encode(value)));
        }
    };
    add("service");
    add("sslmode");
    let path = if parts.get("dbname").is_some() {
        add("dbname");
        String::new()
    } else {
        get("dbname").map_or_else(String::new, |name| format!("/{}", percent::encode(name)))
    };
    if let Some(user) = get("user") {
        text.push_str(&percent::encode(user));
        if let Some(password) = get("password") {
            text.push(':');
            text.push_str(&percent::encode(password));
        }
        text.push('@');
    }
    let ports: Vec<&str> = get("port").map_or_else(Vec::new, |ports| ports.split(',').collect());
    let hosts: Vec<String> = get("host")
        .map_or_else(Vec::new, |hosts| hosts.split(',').collect())
        .iter()
        .enumerate()
        .map(|(at, host)| {
            let host = match host.contains(':') {
                true => format!("[{host}]"),
                false => percent::encode(host),
            };
            match ports.get(at).or(ports.first()) {
                Some(port) => format!("{host}:{port}"),
                None => host,
            }
        })
        .collect();
    text.push_str(&hosts.join(","));
    text.push_str(&path);
    let kept = parts.query.unwrap_or_default().split('&').filter(|item| {
        let key = item.split('=').next().unwrap_or_default();
        !item.is_empty() && !CONNECTION.contains(&key)
    });
    query.extend(kept.map(str::to_owned));
    if !query.is_empty() {
        text.push('?');
        text.push_str(&query.join("&"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::forms::tests::TestRules;
    use super::adapt;

    fn adapted(text: &str) -> Option<String> {
        adapt(&TestRules, text)
    }

    #[test]
    fn a_uri_that_means_the_central_is_written_anew() {
        for (before, after) in [
            (
                "postgresql://anna:p%40ss@central:5432/gis",
                "postgresql://geopoppy:geopoppy@localhost:5432/geopoppy",
            ),
            (
                "postgres://central/gis?sslmode=require&application_name=x",
                "postgres://geopoppy:geopoppy@localhost:5432/geopoppy?application_name=x",
            ),
            (
                "postgresql://u:p@central:5432?sslmode=disable&dbname=gis&schema=public&project=a%20b",
                "postgresql://geopoppy:geopoppy@localhost:5432?dbname=geopoppy&schema=public&project=a%20b",
            ),
            (
                "postgresql://?service=central&dbname=gis&schema=p&project=q",
                "postgresql://?service=geopoppy&schema=p&project=q",
            ),
        ] {
            assert_eq!(adapted(before).as_deref(), Some(after));
        }
    }

    #[test]
    fn others_stay() {
        for text in [
            "postgresql://anna:pass@central:5433/gis",
            "postgresql://central/other",
            "postgresql://other/gis",
            "postgresql://[::1/gis",
            "postgresql://central/%ff",
            "http://central/gis",
        ] {
            assert_eq!(adapted(text), None, "{text}");
        }
    }
}
