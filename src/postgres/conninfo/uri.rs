//! Connection URIs: `postgresql://user:password@host1:5432,host2/database?sslmode=require`.

use zeroize::Zeroizing;

use super::{Conninfo, unknown_keyword};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::text::tr;

/// What follows `postgresql://` or `postgres://`; `None` for anything else.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    let text = text.trim_start();
    text.strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
}

/// Reads what follows the scheme. Every part may be missing; parts may be percent-encoded.
pub(super) fn parse(text: &str) -> Result<Conninfo> {
    let mut conninfo = Conninfo::default();
    // As libpq: credentials end at the first @, which must come before the first slash.
    let text = match credentials_end(text) {
        Some(end) => {
            credentials(&mut conninfo, &text[..end])?;
            &text[end + 1..]
        }
        None => text,
    };
    let (text, query) = split(text, '?');
    let (hosts, database) = split(text, '/');
    if hosts.contains('@') || database.is_some_and(|name| name.contains('@')) {
        return Err(misplaced_at());
    }
    authority(&mut conninfo, hosts)?;
    if let Some(database) = database.filter(|name| !name.is_empty()) {
        store(&mut conninfo, "dbname", decode(database)?);
    }
    if let Some(query) = query {
        parameters(&mut conninfo, query)?;
    }
    Ok(conninfo)
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn credentials_end(text: &str) -> Option<usize> {
    text.find(['@', '/'])
        .filter(|&at| text[at..].starts_with('@'))
}

fn credentials(conninfo: &mut Conninfo, text: &str) -> Result<()> {
    let (user, password) = split(text, ':');
    for (keyword, value) in [("user", Some(user)), ("password", password)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            store(conninfo, keyword, decode(value)?);
        }
    }
    Ok(())
}

/// Reads `host:port,[ipv6]:port,…` into the lists that `host` and `port` are.
fn authority(conninfo: &mut Conninfo, text: &str) -> Result<()> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    let mut rest = Some(text);
    while let Some(text) = rest {
        let (host, after) = host(text)?;
        let (port, next) = match after.strip_prefix(':') {
            Some(port) => split(port, ','),
            None => match after.strip_prefix(',') {
                Some(next) => ("", Some(next)),
                None => ("", None),
            },
        };
        hosts.push(host);
        ports.push(port);
        rest = next;
    }
    for (keyword, list) in [("host", hosts), ("port", ports)] {
        // Only “,” between empty entries still says how many servers there are.
        if list.len() > 1 || list.iter().any(|entry| !entry.is_empty()) {
            store(conninfo, keyword, decode(&list.join(","))?);
        }
    }
    Ok(())
}

/// Splits a host, without the brackets of an IPv6 address, from what follows it.
fn host(text: &str) -> Result<(&str, &str)> {
    let Some(address) = text.strip_prefix('[') else {
        let end = text.find([':', ',']).unwrap_or(text.len());
        return Ok(text.split_at(end));
    };
    let malformed = || {
        Error::parameter(tr!(
            "The “[” of an IPv6 address is not closed, or is followed by more text."
        ))
        .hint(tr!("Write it like [2001:db8::1]:5432."))
    };
    let (address, after) = address.split_once(']').ok_or_else(malformed)?;
    if address.is_empty() || !(after.is_empty() || after.starts_with([':', ','])) {
        return Err(malformed());
    }
    Ok((address, after))
}

fn parameters(conninfo: &mut Conninfo, query: &str) -> Result<()> {
    let mut previous: Option<Secret> = None;
    for pair in query.split('&') {
        // A query may be empty or end with &.
        if pair.is_empty() {
            continue;
        }
        let (keyword, value) = pair
            .split_once('=')
            .filter(|(_, value)| !value.contains('='))
            .ok_or_else(|| {
                Error::parameter(tr!("A parameter after “?” does not have exactly one “=”.")).hint(
                    tr!("Write keyword=value, joined by &; write %3D for “=” and %26 for “&”."),
                )
            })?;
        let keyword = decode(keyword)?;
        let value = decode(value)?;
        // The way of JDBC, which libpq takes too.
        let (keyword, value) = match (keyword.reveal(), value.reveal()) {
            ("ssl", "true") => (Secret::new("sslmode"), Secret::new("require")),
            _ => (keyword, value),
        };
        conninfo.set(keyword.reveal(), value).map_err(|_| {
            unknown_keyword(keyword.reveal(), previous.as_ref().map(Secret::reveal))
        })?;
        previous = Some(keyword);
    }
    Ok(())
}

fn store(conninfo: &mut Conninfo, keyword: &'static str, value: Secret) {
    conninfo.0.insert(keyword, value);
}

/// Decodes `%xx`; nothing else has a meaning, not even `+`.
fn decode(text: &str) -> Result<Secret> {
    let malformed = || {
        Error::parameter(tr!(
            "A “%” is not followed by the two hexadecimal digits of a character."
        ))
        .hint(tr!("Write %25 for a “%” that is meant as such."))
    };
    // Wiped also where it is no text.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let digit = |at: usize| after.get(at).and_then(|&c| char::from(c).to_digit(16));
        match (digit(0), digit(1)) {
            // Both are below 16.
            (Some(high), Some(low)) if high + low > 0 => bytes.push((high * 16 + low) as u8),
            _ => return Err(malformed()),
        }
        rest = &after[2..];
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    Ok(Secret::new(text))
}

fn misplaced_at() -> Error {
    Error::parameter(tr!("An “@” stands in an unexpected place."))
        .hint(tr!(
            "Percent-encode special characters, above all in the password: %40 for “@”, %2F for “/”, %3A for “:”."
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(&'static str, String)> {
        let conninfo = parse(text).unwrap();
        conninfo
            .0
            .iter()
            .map(|(k, v)| (*k, v.reveal().to_owned()))
            .collect()
    }

    fn pairs(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect()
    }

    #[test]
    fn parts_are_read_as_libpq_reads_them() {
        assert_eq!(read(""), []);
        assert_eq!(read("db"), pairs(&[("host", "db")]));
        assert_eq!(read("/gis"), pairs(&[("dbname", "gis")]));
        assert_eq!(read("db/?"), pairs(&[("host", "db")]));
        assert_eq!(
            read("anna:p%40s%2Fs%3A@db:5433/my%20gis?sslmode=require&application_name=x%26y"),
            pairs(&[
                ("application_name", "x&y"),
                ("dbname", "my gis"),
                ("host", "db"),
                ("password", "p@s/s:"),
                ("port", "5433"),
                ("sslmode", "require"),
                ("user", "anna"),
            ])
        );
        assert_eq!(
            read("a:1,b,[::1]:3/"),
            pairs(&[("host", "a,b,::1"), ("port", "1,,3")])
        );
        assert_eq!(
            read("%2Frun%2Fpg:5/x"),
            pairs(&[("dbname", "x"), ("host", "/run/pg"), ("port", "5")])
        );
        assert_eq!(
            read("/x?host=/run/pg&ssl=true"),
            pairs(&[("dbname", "x"), ("host", "/run/pg"), ("sslmode", "require")])
        );
        assert_eq!(read("anna@/x"), pairs(&[("dbname", "x"), ("user", "anna")]));
        assert_eq!(read(":pw@db"), pairs(&[("host", "db"), ("password", "pw")]));
        assert_eq!(
            read("db?dbname=a+b"),
            pairs(&[("dbname", "a+b"), ("host", "db")])
        );
        assert_eq!(
            read("anna:p?@db"),
            pairs(&[("host", "db"), ("password", "p?"), ("user", "anna")])
        );
        assert_eq!(
            read("host.example?user=u"),
            pairs(&[("host", "host.example"), ("user", "u")])
        );
    }

    #[test]
    fn what_breaks_the_grammar_is_an_error_that_shows_no_password() {
        for text in [
            "anna:first@Second@db/gis",
            "anna:first/Second@db/gis",
            "anna:first%Second@db/gis",
            "anna:first%00Second@db/gis",
            "anna:first%ffSecond@db/gis",
            "[::1/gis",
            "[]/gis",
            "[::1]x/gis",
            "db/gis?password=first&Second",
            "db/gis?password=first&Second=1",
            "db/gis?password=x&first=1",
            "db/gis?password=first=Second",
        ] {
            let sentence = parse(text).unwrap_err().sentence();
            assert!(
                !sentence.contains("irst") && !sentence.contains("Second"),
                "{sentence}"
            );
        }
    }

    fn encode(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            user in "[^\0]{1,8}", password in "[^\0]{1,8}", database in "[^\0]{1,8}",
            host in "[a-z0-9.]{1,8}", port in 1_u16.., name in "[^\0]{0,8}",
        ) {
            let text = format!(
                "{}:{}@{host}:{port}/{}?application_name={}",
                encode(&user), encode(&password), encode(&database), encode(&name),
            );
            prop_assert_eq!(read(&text), vec![
                ("application_name", name), ("dbname", database), ("host", host),
                ("password", password), ("port", port.to_string()), ("user", user),
            ]);
        }
    }
}
