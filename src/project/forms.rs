//! The forms in which QGIS keeps sources: one for each provider. Pure.

use std::borrow::Cow;

use super::datasource::{Dialect, Source};
use super::{percent, uri};

/// What a source says about the database that it means.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Names {
    pub service: Option<String>,
    pub host: Option<String>,
    pub hostaddr: Option<String>,
    pub port: Option<String>,
    pub dbname: Option<String>,
    pub user: Option<String>,
}

/// A key of a connection, its value, and whether QGIS writes it in quotes.
pub(super) type Entry = (&'static str, String, bool);

/// What decides about a source.
pub(super) trait Rules {
    /// Whether the central database is meant.
    fn means_central(&self, names: &Names) -> bool;
    /// The connection that takes its place; `by_service`: the source names a service.
    fn connection(&self, by_service: bool) -> Vec<Entry>;
    /// Is told each password that goes.
    fn forget(&self, _password: &str) {}
    /// The line in which an adapted project still holds one of them.
    fn leftover(&self, _text: &str) -> Option<usize> {
        None
    }
}

/// Where a source stands, and so what is expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is what a layer is read from.
    Own,
    /// It repeats the source of a layer; QGIS takes the password out of most of these.
    Copy,
    /// A text of any kind, which may be a source.
    Loose,
}

/// What a text turned out to be.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing that means the central.
    Other,
    /// A source that means it, with the connection replaced.
    Central(String),
    /// A copy that was cut badly. What can be done without its layer, if it seems to mean the
    /// central.
    Broken(Option<String>),
}

/// Virtual layers within virtual layers: QGIS itself goes no deeper than two or three.
const DEEPEST: usize = 8;

/// Looks at a source of a provider; without one its form shows what it is.
pub(super) fn adapt(rules: &dyn Rules, provider: Option<&str>, text: &str, role: Role) -> Found {
    adapt_at(rules, provider, text, role, 0)
}

/// Whether QGIS takes the password out of copies of such a source, and it is out of this one.
pub(super) fn lacks_password(provider: Option<&str>, text: &str) -> bool {
    match Form::of(provider, text) {
        Form::Qgis => !Source::parse(text, Dialect::Qgis).has("password"),
        Form::Pg => split_pg(text).is_some_and(|(_, body, _)| {
            !uri::is_uri(body) && !Source::parse(body, Dialect::Libpq).has("password")
        }),
        Form::Virtual | Form::Uri | Form::Foreign => false,
    }
}

/// The same source without its password.
pub(super) fn without_password<'a>(provider: Option<&str>, text: &'a str) -> Cow<'a, str> {
    let without =
        |text: &str, dialect| Source::parse(text, dialect).without("password").to_string();
    match Form::of(provider, text) {
        Form::Qgis => without(text, Dialect::Qgis).into(),
        Form::Pg => match split_pg(text) {
            Some((head, body, tail)) if !uri::is_uri(body) => {
                format!("{head}{}{tail}", without(body, Dialect::Libpq)).into()
            }
            _ => text.into(),
        },
        Form::Virtual | Form::Uri | Form::Foreign => text.into(),
    }
}

/// The grammar of a text.
enum Form {
    Qgis,
    Pg,
    Virtual,
    Uri,
    Foreign,
}

impl Form {
    fn of(provider: Option<&str>, text: &str) -> Self {
        let pg = split_pg(text).is_some();
        match provider {
            Some("postgres" | "postgresraster") => Self::Qgis,
            Some("virtual") => Self::Virtual,
            Some("gdal" | "ogr") | None if pg => Self::Pg,
            Some("gdal" | "ogr") | None if uri::is_uri(text) => Self::Uri,
            None if text.contains("?layer=") || text.contains("&layer=") => Self::Virtual,
            None => Self::Qgis,
            Some(_) => Self::Foreign,
        }
    }
}

fn adapt_at(
    rules: &dyn Rules,
    provider: Option<&str>,
    text: &str,
    role: Role,
    depth: usize,
) -> Found {
    match Form::of(provider, text) {
        Form::Qgis => {
            let source = Source::parse(text, Dialect::Qgis);
            match provider {
                // It may be a text of any kind.
                None if role == Role::Copy && !source.is_sound() => Found::Broken(None),
                None if !source.names_database() => Found::Other,
                None if role == Role::Own => connection(rules, &source, Role::Loose),
                _ => connection(rules, &source, role),
            }
        }
        Form::Pg => pg(rules, text, role),
        Form::Uri => uri::adapt(rules, text).map_or(Found::Other, Found::Central),
        Form::Virtual if depth < DEEPEST => virtual_layer(rules, text, role, depth),
        Form::Virtual | Form::Foreign => Found::Other,
    }
}

/// A sequence of keys and values.
fn connection(rules: &dyn Rules, source: &Source, role: Role) -> Found {
    if role == Role::Loose && !source.is_unmistakable() {
        return Found::Other;
    }
    let broken = role == Role::Copy && !source.is_sound();
    let mut names = names(source, Source::get);
    if broken && !rules.means_central(&names) {
        names = self::names(source, Source::first);
    }
    if !rules.means_central(&names) {
        return if broken {
            Found::Broken(None)
        } else {
            Found::Other
        };
    }
    if let Some(password) = source.get("password") {
        rules.forget(password);
    }
    let mut entries = rules.connection(names.service.is_some());
    if role == Role::Copy && !source.has("password") {
        entries.retain(|(key, ..)| *key != "password");
    }
    let block: Vec<_> = entries
        .iter()
        .map(|(key, value, quoted)| (*key, value.as_str(), *quoted))
        .collect();
    let new = source.with_connection(&block).to_string();
    if broken {
        Found::Broken(Some(new))
    } else {
        Found::Central(new)
    }
}

fn names<'a>(source: &'a Source, get: fn(&'a Source, &str) -> Option<&'a str>) -> Names {
    let get = |key| get(source, key).map(str::to_owned);
    let mut names = Names {
        service: get("service"),
        host: get("host"),
        hostaddr: get("hostaddr"),
        port: get("port"),
        dbname: get("dbname"),
        user: get("user").or_else(|| get("username")),
    };
    // QGIS hands on either a service or host and port.
    if source.dialect() == Dialect::Qgis && names.service.is_some() {
        names.host = None;
        names.hostaddr = None;
        names.port = None;
    }
    names
}

/// Takes `PG:…|layername=…` apart: what stands before the conninfo, the conninfo, and the rest.
fn split_pg(text: &str) -> Option<(&str, &str, &str)> {
    let prefix = ["PG:", "PGB:"].into_iter().find(|prefix| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })?;
    let rest = &text[prefix.len()..];
    let mut quoted = false;
    let mut escaped = false;
    let end = rest
        .find(|c| {
            let found = c == '|' && !quoted;
            quoted ^= c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            found
        })
        // A quote that is not closed; QGIS looks for this.
        .or_else(|| rest.find("|layername="))
        .unwrap_or(rest.len());
    let (mut start, mut end) = (prefix.len(), prefix.len() + end);
    // PG:"…", as on a command line.
    let body = &text[start..end];
    let inner = body.trim();
    if inner.len() > 1 && inner.starts_with('"') && inner.ends_with('"') {
        start += body.len() - body.trim_start().len() + 1;
        end = start + inner.len() - 2;
    }
    Some((&text[..start], &text[start..end], &text[end..]))
}

fn pg(rules: &dyn Rules, text: &str, role: Role) -> Found {
    let Some((head, body, tail)) = split_pg(text) else {
        return Found::Other;
    };
    let found = if uri::is_uri(body) {
        uri::adapt(rules, body).map_or(Found::Other, Found::Central)
    } else {
        connection(rules, &Source::parse(body, Dialect::Libpq), role)
    };
    // An authentication configuration of the old server.
    let tail: Vec<_> = tail
        .split('|')
        .filter(|part| !part.starts_with("authcfg="))
        .collect();
    let tail = tail.join("|");
    let whole = |body: String| format!("{head}{body}{tail}");
    match found {
        Found::Other => Found::Other,
        Found::Central(body) => Found::Central(whole(body)),
        Found::Broken(body) => Found::Broken(body.map(whole)),
    }
}

/// `?layer=postgres:SOURCE:alias:UTF-8&layer=…&query=…`, each source percent-encoded.
fn virtual_layer(rules: &dyn Rules, text: &str, role: Role, depth: usize) -> Found {
    let Some((head, query)) = text.split_once('?') else {
        return Found::Other;
    };
    // It says itself what it is.
    let role = match role {
        Role::Loose => Role::Own,
        role => role,
    };
    let mut central = false;
    let items: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|item| {
            let Some((provider, source, rest)) = embedded(item) else {
                return item.into();
            };
            let Some(decoded) = percent::decode(source) else {
                return item.into();
            };
            match adapt_at(rules, Some(provider), &decoded, role, depth + 1) {
                Found::Central(new) | Found::Broken(Some(new)) => {
                    central = true;
                    if new == decoded {
                        return item.into();
                    }
                    format!("layer={provider}:{}{rest}", percent::encode(&new)).into()
                }
                Found::Other | Found::Broken(None) => item.into(),
            }
        })
        .collect();
    if central {
        Found::Central(format!("{head}?{}", items.join("&")))
    } else {
        Found::Other
    }
}

/// Provider, encoded source and the rest (with its colon) of `layer=provider:source:alias:encoding`.
fn embedded(item: &str) -> Option<(&str, &str, &str)> {
    let (provider, rest) = item.strip_prefix("layer=")?.split_once(':')?;
    let end = rest.find(':').unwrap_or(rest.len());
    Some((provider, &rest[..end], &rest[end..]))
}

#[cfg(test)]
pub(super) mod tests;
