//! Upgrading the structure of a database that an earlier version installed.

use super::identity::{self, Installed};
use super::{former, install};
use crate::VERSION;
use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing};
use crate::text::{Text, tr};

/// Changes of tables: the version that brings them, and the SQL. Functions need no step: they are
/// replaced in every upgrade.
const STEPS: &[(&str, &str)] = &[];

/// Upgrades the structure, in one transaction; returns the sentence for the user. Without `run_it`
/// it only says what would be done.
///
/// # Errors
/// [`Kind::State`](crate::error::Kind::State) where LizSync is not installed, or in a version that
/// this one cannot upgrade.
pub fn upgrade(central: &mut Connection, run_it: bool, feedback: &Feedback) -> Result<Text> {
    let name = central.describe().to_owned();
    let found = match identity::inspect(&mut **central)
        .map_err(|error| error.during(tr!("The {name}", name)))?
    {
        Installed::Ours(identity) => identity,
        Installed::Older(version) if version == VERSION => {
            return Err(identity::incomplete(&name));
        }
        Installed::Older(version) => return former::upgrade(central, &version, run_it, feedback),
        Installed::Nothing => {
            return Err(
                Error::state(tr!("The LizSync tables are not installed in {name}.", name)).hint(
                    tr!("Run “Install Lizsync tools on the central database” first."),
                ),
            );
        }
    };
    let version = parse(&found.version).ok_or_else(|| unknown(&name, &found.version))?;
    let current = parse(VERSION).ok_or_else(|| Error::internal("The version is not a version."))?;
    if version > current {
        return Err(unknown(&name, &found.version));
    }
    if version == current && found.fits {
        return Ok(tr!(
            "The LizSync tables of {name} are of version {version} already: nothing to do.",
            name,
            version = VERSION
        ));
    }
    let moved = version == current;
    if !run_it && moved {
        return Ok(tr!(
            "Nothing was done. The functions of LizSync in {name} would be made anew: the extension hstore was moved to another schema ({hstore}).",
            name,
            hstore = found.hstore
        ));
    }
    if !run_it {
        return Ok(tr!(
            "Nothing was done. The LizSync tables of {name} would be upgraded from version {from} to {to}.",
            name,
            from = found.version,
            to = VERSION
        ));
    }
    let mut transaction = central
        .transaction()
        .doing(|| tr!("Starting a transaction"))?;
    for (brought_by, sql) in STEPS {
        if parse(brought_by).is_some_and(|step| step > version) {
            feedback.info(tr!(
                "Upgrading the tables to version {brought_by}.",
                brought_by
            ));
            transaction
                .batch_execute(sql)
                .doing(|| tr!("Upgrading to version {brought_by}", brought_by))?;
        }
    }
    feedback.info(tr!("Replacing the functions."));
    install::functions(&mut transaction, &found.hstore)?;
    let what = match moved {
        true => format!("Functions for hstore in {}", found.hstore),
        false => format!("Upgrade from {}", found.version),
    };
    install::record(&mut transaction, &what)?;
    feedback.check()?;
    transaction
        .commit()
        .doing(|| tr!("Upgrading {name}", name))?;
    if moved {
        return Ok(tr!(
            "The functions of LizSync in {name} were made anew for the schema that hstore is in now ({hstore}).",
            name,
            hstore = found.hstore
        ));
    }
    Ok(tr!(
        "The LizSync tables of {name} were upgraded from version {from} to {to}.",
        name,
        from = found.version,
        to = VERSION
    ))
}

pub(super) fn unknown(name: &Text, version: &str) -> Error {
    Error::state(tr!(
        "The LizSync tables of {name} are of version {version}, which this LizSync {ours} does not know.",
        name,
        version,
        ours = VERSION
    ))
    .hint(tr!("Nothing was changed. Install a newer LizSync, or ask where these tables come from: 0.2.2 to 0.7.2 of the former plugin can be upgraded."))
}

/// Major, minor, patch, and whether it is a release (a pre-release comes before it).
pub(super) fn parse(version: &str) -> Option<(u32, u32, u32, bool)> {
    let (numbers, pre) = match version.split_once('-') {
        Some((numbers, _)) => (numbers, true),
        None => (version, false),
    };
    let mut parts = numbers.split('.').map(|part| part.parse().ok());
    let parsed = (parts.next()??, parts.next()??, parts.next()??, !pre);
    parts.next().is_none().then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn versions_are_ordered() {
        assert!(parse("1.0.0-beta.1") < parse("1.0.0"));
        assert!(parse("1.0.0") < parse("1.10.0"));
        assert_eq!(parse("1.0"), None);
        assert_eq!(parse("x"), None);
    }
}
