//! Service files (`pg_service.conf`): connection parameters under a name.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Conninfo, Surroundings, keywords};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::text::{Argument, Text, tr};

/// The files to search, in libpq's order: the one that is named or else the user's own, and then
/// the machine's. A file that was named must be there.
fn files(named: Option<&str>, surroundings: &Surroundings) -> Vec<(PathBuf, bool)> {
    let named = named
        .map(PathBuf::from)
        .or_else(|| Some(surroundings.get("PGSERVICEFILE")?.reveal().into()))
        .map(|path| (path, true));
    let first = named.or_else(|| Some((surroundings.user_service_file()?, false)));
    let system = surroundings.system_service_files();
    first
        .into_iter()
        .chain(system.into_iter().map(|path| (path, false)))
        .collect()
}

/// Looks for a service; `file` is the value of the keyword `servicefile`. `None` when no file has it.
///
/// # Errors
/// [`Kind::Connection`] when a file cannot be read, [`Kind::Parameter`] when it breaks the grammar.
pub(super) fn find(
    name: &str,
    file: Option<&str>,
    surroundings: &Surroundings,
) -> Result<Option<Conninfo>> {
    for (path, required) in files(file, surroundings) {
        let text = match fs::read_to_string(&path) {
            Ok(text) => Secret::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound && !required => continue,
            Err(error) => {
                return Err(Error::new(
                    Kind::Connection,
                    tr!(
                        "The service file {path} cannot be read: {error}.",
                        path = path.display(),
                        error
                    ),
                )
                .hint(tr!(
                    "PGSERVICEFILE, or servicefile in the connection, says where it is."
                )));
            }
        };
        if let Some(found) = parse(text.reveal(), name, &path)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Where services are looked for, for messages.
pub(super) fn places(file: Option<&str>, surroundings: &Surroundings) -> Text {
    let files = files(file, surroundings);
    if files.is_empty() {
        return tr!("no file, as there is no home directory");
    }
    Text::list(files.into_iter().map(|(path, _)| match path.exists() {
        true => path.display().text(),
        false => tr!("{path} (not there)", path = path.display()),
    }))
}

/// Reads the section `[name]`; `None` when there is none. Values are taken literally, and the first
/// of two counts.
fn parse(text: &str, name: &str, path: &Path) -> Result<Option<Conninfo>> {
    let mut found: Option<Conninfo> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if section.split(']').next() == Some(name) {
                found = Some(Conninfo::default());
            }
            continue;
        }
        if let Some(conninfo) = &mut found {
            entry(conninfo, line).map_err(|error| {
                error.during(tr!(
                    "{path}, line {number}",
                    path = path.display(),
                    number = number + 1
                ))
            })?;
        }
    }
    Ok(found)
}

fn entry(conninfo: &mut Conninfo, line: &str) -> Result<()> {
    if line.starts_with("ldap") {
        return Err(Error::parameter(tr!(
            "Services from an LDAP server are not supported."
        )));
    }
    let (keyword, value) = line.split_once('=').ok_or_else(|| {
        Error::parameter(tr!("The line has no “=”."))
            .hint(tr!("Write keyword=value, without quotes."))
    })?;
    if keyword.ends_with(char::is_whitespace) {
        return Err(
            Error::parameter(tr!("There is a space before “=”.")).hint(tr!(
                "Service files have none around “=”: write keyword=value."
            )),
        );
    }
    match keywords::find(keyword) {
        Some(known) if known.name == "service" || known.name == "servicefile" => Err(
            Error::parameter(tr!("A service cannot refer to another service.")),
        ),
        Some(known) => {
            conninfo.fill(known.name, Secret::new(value));
            Ok(())
        }
        None => Err(super::unknown_keyword(keyword, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, name: &str) -> Result<Option<Conninfo>> {
        super::parse(text, name, Path::new("pg_service.conf"))
    }

    const TEXT: &str = "\
# a comment
[gis]
  host=db
password= a 'b' \\c
user=first
user=second

[gis2]
host=other
frobnicate=1
";

    #[test]
    fn a_section_is_read_and_others_are_left_alone() {
        let gis = parse(TEXT, "gis").unwrap().unwrap();
        assert_eq!(gis.get("host"), Some("db"));
        assert_eq!(gis.get("password"), Some(" a 'b' \\c"));
        assert_eq!(gis.get("user"), Some("first"));
        assert!(parse(TEXT, "gi").unwrap().is_none());
        assert!(parse(TEXT, "").unwrap().is_none());
    }

    #[test]
    fn a_bad_line_is_named_without_its_value() {
        let error = parse(TEXT, "gis2").unwrap_err();
        assert!(error.to_string().contains("line 10"), "{error}");
        assert!(error.to_string().contains("frobnicate"), "{error}");
        for line in [
            "password",
            "service=x",
            "host = db",
            "ldap://x",
            "pass word=Hidden",
        ] {
            let error = parse(&format!("[a]\n{line}"), "a").unwrap_err();
            assert_eq!(error.kind(), Kind::Parameter);
            assert!(!error.sentence().contains("Hidden"));
        }
    }

    #[test]
    fn files_are_searched_in_order() {
        let home = tempfile::tempdir().unwrap();
        let system = home.path().join("system");
        fs::create_dir(&system).unwrap();
        fs::write(
            system.join("pg_service.conf"),
            "[a]\nhost=system\n[b]\nhost=system",
        )
        .unwrap();
        let surroundings = Surroundings::new(home.path(), "anna")
            .variable("PGSYSCONFDIR", system.to_str().unwrap());
        let host = |name: &str, file: Option<&str>, surroundings: &Surroundings| {
            let found = find(name, file, surroundings).unwrap();
            found.and_then(|found| found.get("host").map(str::to_owned))
        };
        assert_eq!(host("a", None, &surroundings).as_deref(), Some("system"));

        let own = surroundings.user_service_file().unwrap();
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::write(&own, "[a]\nhost=own").unwrap();
        assert_eq!(host("a", None, &surroundings).as_deref(), Some("own"));
        assert_eq!(host("b", None, &surroundings).as_deref(), Some("system"));
        assert_eq!(host("c", None, &surroundings), None);

        let named = home.path().join("named");
        fs::write(&named, "[a]\nhost=named").unwrap();
        let surroundings = surroundings.variable("PGSERVICEFILE", named.to_str().unwrap());
        assert_eq!(host("a", None, &surroundings).as_deref(), Some("named"));
        assert_eq!(
            host("a", own.to_str(), &surroundings).as_deref(),
            Some("own")
        );

        let error = find("a", Some("/nowhere/services"), &surroundings).unwrap_err();
        assert_eq!(error.kind(), Kind::Connection);
        assert!(error.to_string().contains("/nowhere/services"));
    }
}
