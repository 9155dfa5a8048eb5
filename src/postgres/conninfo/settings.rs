//! Values of keywords that are not plain text.

use std::time::Duration;

use super::Conninfo;
use crate::error::{Error, Result};
use crate::secret::is_nested;
use crate::text::{Text, tr};

impl Conninfo {
    /// A value out of a fixed list; `None` when not given.
    pub(super) fn choice<T: Copy>(
        &self,
        keyword: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>> {
        let Some(value) = self.get(keyword) else {
            return Ok(None);
        };
        let found = choices.iter().find(|(name, _)| *name == value);
        found.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let names = Text::list(choices.iter().map(|(name, _)| *name));
            Error::parameter(tr!("The value of “{keyword}” is not a valid one.", keyword))
                .hint(tr!("It is one of {names}.", names))
        })
    }

    /// A whole number; `None` when not given.
    pub(super) fn number(&self, keyword: &str) -> Result<Option<i32>> {
        self.get(keyword)
            .map(|value| value.trim().parse())
            .transpose()
            .map_err(|_| {
                Error::parameter(tr!(
                    "The value of “{keyword}” is not a whole number.",
                    keyword
                ))
            })
    }

    /// A number of seconds; `None` when not given, or when it leaves the choice to the system.
    pub(super) fn seconds(&self, keyword: &str) -> Result<Option<Duration>> {
        let seconds = self.number(keyword)?.and_then(|n| u64::try_from(n).ok());
        Ok(seconds.filter(|&n| n > 0).map(Duration::from_secs))
    }

    /// Refuses values that are pairs themselves, such as the one of `dbname= password=…`: without a value, a keyword
    /// takes the next pair for it, and messages show most values.
    pub(super) fn refuse_connection_strings(&self) -> Result<()> {
        let pair = |keyword: &str, value: &str| match keyword {
            "password" | "sslpassword" => false,
            "options" if value.trim_start().starts_with('-') => false,
            _ => is_nested(value),
        };
        match self
            .0
            .iter()
            .find(|(keyword, value)| pair(keyword, value.reveal()))
        {
            None => Ok(()),
            Some((keyword, _)) => Err(Error::parameter(tr!(
                "The value of “{keyword}” is a connection string of its own (not shown, as it may hold a password).",
                keyword
            ))
            .hint(tr!(
                "Give a URI as the whole connection; separate keyword=value pairs by spaces, and write '' for a value that is empty."
            ))),
        }
    }

    /// Refuses what would lower the user's demands if it were left aside.
    pub(super) fn refuse_what_cannot_be_honoured(&self) -> Result<()> {
        let refuse = |keyword: &str, why: Text| {
            Err(Error::parameter(tr!(
                "The connection asks for “{keyword}”, and {why}.",
                keyword,
                why
            ))
            .hint(tr!(
                "Take “{keyword}” out of the connection, the service or the environment.",
                keyword
            )))
        };
        for keyword in ["scram_client_key", "scram_server_key"] {
            if self.get(keyword).is_some() {
                return refuse(keyword, tr!("only passwords can be used"));
            }
        }
        if self.get("require_auth").is_some() {
            return refuse(
                "require_auth",
                tr!("the way of authentication cannot be restricted here"),
            );
        }
        if self.get("sslcrldir").is_some() {
            return refuse(
                "sslcrldir",
                tr!("revoked certificates can only be listed in a file (sslcrl)"),
            );
        }
        if self.get("gssencmode") == Some("require") {
            return refuse(
                "gssencmode=require",
                tr!("there is no GSSAPI encryption here"),
            );
        }
        if matches!(self.get("min_protocol_version"), Some(version) if version != "3.0") {
            return refuse(
                "min_protocol_version",
                tr!("only protocol version 3.0 can be used"),
            );
        }
        match self.get("replication") {
            None | Some("false" | "off" | "no" | "0") => Ok(()),
            Some(_) => refuse("replication", tr!("this needs an ordinary session")),
        }
    }
}
