//! Which sources mean the central, and what takes their place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroize;

use super::forms::{Entry, Names, Rules};
use super::leftovers;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Location, Surroundings, locate_in};
use crate::secret::Secret;
use crate::text::tr;

/// GeoPoppy's database on its own machine: name, user and password are the same.
const GEOPOPPY: &str = "geopoppy";

/// The central, and the clone that takes its place.
pub(super) struct Databases<'a> {
    surroundings: &'a Surroundings,
    central: Location,
    /// `None`: GeoPoppy.
    clone: Option<Location>,
    /// What was found out already: looking at a service reads a file.
    known: RefCell<BTreeMap<Names, bool>>,
    /// Passwords of the sources that were replaced.
    forgotten: RefCell<BTreeSet<String>>,
}

impl Drop for Databases<'_> {
    fn drop(&mut self) {
        for mut password in std::mem::take(self.forgotten.get_mut()) {
            password.zeroize();
        }
    }
}

impl<'a> Databases<'a> {
    /// Finds out where both lead, without connecting.
    ///
    /// # Errors
    /// As [`locate_in`].
    pub fn locate(
        surroundings: &'a Surroundings,
        central: &str,
        clone: Option<&str>,
        named: &BTreeMap<String, Secret>,
    ) -> Result<Self> {
        Ok(Self {
            surroundings,
            central: locate_in(surroundings, central, named)?,
            clone: clone
                .map(|clone| locate_in(surroundings, clone, named))
                .transpose()?,
            known: RefCell::default(),
            forgotten: RefCell::default(),
        })
    }

    /// Says so when both are one database.
    pub fn warn_if_same(&self, feedback: &Feedback) {
        if self
            .clone
            .as_ref()
            .is_some_and(|clone| clone.is_same_database(&self.central))
        {
            feedback.warning(
                tr!(
                    "CONNECTION_NAME_CLONE leads to the central database, so the projects still do. Name the database of the clone."
                ),
            );
        }
    }

    /// Where a source leads; `None` when that cannot be said here.
    fn locate_source(&self, names: &Names) -> Option<Location> {
        let keys = [
            ("service", &names.service),
            ("host", &names.host),
            ("hostaddr", &names.hostaddr),
            ("port", &names.port),
            ("dbname", &names.dbname),
            ("user", &names.user),
        ];
        // Not empty: a connection string has at least one key.
        let mut text = "connect_timeout=10".to_owned();
        for (key, value) in keys {
            if let Some(value) = value {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                text.push_str(&format!(" {key}='{value}'"));
            }
        }
        locate_in(self.surroundings, &text, &BTreeMap::new()).ok()
    }

    /// Rules that find the sources of the clone, where those of [`Databases`] find the central's.
    pub fn of_clone(&self) -> impl Rules {
        OfClone(self)
    }
}

impl Rules for Databases<'_> {
    fn means_central(&self, names: &Names) -> bool {
        if let Some(known) = self.known.borrow().get(names) {
            return *known;
        }
        let found = self
            .locate_source(names)
            .is_some_and(|location| location.is_same_database(&self.central));
        self.known.borrow_mut().insert(names.clone(), found);
        found
    }

    fn forget(&self, password: &str) {
        self.forgotten.borrow_mut().insert(password.to_owned());
    }

    fn leftover(&self, text: &str) -> Option<usize> {
        let central = self.central.database();
        let mut ordinary = vec![GEOPOPPY, "postgres", "public", central];
        if let Some(clone) = &self.clone {
            let given = ["dbname", "user", "password"].map(|key| clone.given(key));
            ordinary.extend(given.into_iter().flatten());
        }
        leftovers::line(text, &self.forgotten.borrow(), &ordinary)
    }

    fn connection(&self, by_service: bool) -> Vec<Entry> {
        let entry = |key, value: &str, quoted| (key, value.to_owned(), quoted);
        let Some(clone) = &self.clone else {
            return if by_service && self.central.service().is_some() {
                vec![entry("service", GEOPOPPY, true)]
            } else {
                vec![
                    entry("dbname", GEOPOPPY, true),
                    entry("host", "localhost", false),
                    entry("port", "5432", false),
                    entry("user", GEOPOPPY, true),
                    entry("password", GEOPOPPY, true),
                ]
            };
        };
        let mut entries = Vec::new();
        if let Some(service) = clone.service() {
            // The service says the rest, except what the connection itself adds.
            entries.extend(
                clone
                    .given("dbname")
                    .map(|name| entry("dbname", name, true)),
            );
            entries.push(entry("service", service, true));
        } else {
            entries.push(entry("dbname", clone.database(), true));
            entries.push(entry("host", &clone.host(), false));
            entries.push(entry("port", &clone.port(), false));
        }
        // A password from a password file or the environment is left where it is.
        let own = [("user", true), ("password", true), ("sslmode", false)];
        entries.extend(own.into_iter().filter_map(|(key, quoted)| {
            let value = clone.given(key)?;
            Some(entry(key, value, quoted))
        }));
        entries
    }
}

struct OfClone<'a>(&'a Databases<'a>);

impl Rules for OfClone<'_> {
    fn means_central(&self, names: &Names) -> bool {
        let databases = self.0;
        let service = match &databases.clone {
            Some(clone) => clone.service(),
            None => Some(GEOPOPPY),
        };
        if service.is_some() && names.service.as_deref() == service {
            return true;
        }
        let Some(found) = databases.locate_source(names) else {
            return false;
        };
        match &databases.clone {
            Some(clone) => found.is_same_database(clone),
            None => {
                let is = |value: &Option<String>, wanted| value.as_deref() == Some(wanted);
                is(&names.host, "localhost") && is(&names.dbname, GEOPOPPY)
            }
        }
    }

    fn connection(&self, by_service: bool) -> Vec<Entry> {
        self.0.connection(by_service)
    }
}
