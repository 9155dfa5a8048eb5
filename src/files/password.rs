//! The password of an FTP account that was not given: in `LizSync.ini`, then in `~/.netrc`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};
use netrc::Netrc;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, Result};
use crate::feedback::Feedback;
use crate::private::open_to_others;
use crate::secret::Secret;
use crate::text::tr;

/// Where passwords may be.
#[derive(Debug, Clone)]
pub struct Places {
    /// `LizSync.ini`.
    pub settings: Option<PathBuf>,
    /// `.netrc`.
    pub netrc: Option<PathBuf>,
}

impl Places {
    /// `LIZSYNC_CONFIG_FILE` or the file of the default profile of QGIS, and `NETRC` or `~/.netrc`.
    pub fn usual() -> Self {
        let variable = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = env::home_dir();
        let data = if cfg!(windows) {
            variable("APPDATA")
        } else if cfg!(target_os = "macos") {
            home.as_ref()
                .map(|home| home.join("Library/Application Support"))
        } else {
            variable("XDG_DATA_HOME")
                .or_else(|| home.as_ref().map(|home| home.join(".local/share")))
        };
        let profile = data.map(|data| data.join("QGIS/QGIS3/profiles/default/LizSync.ini"));
        Self {
            settings: variable("LIZSYNC_CONFIG_FILE").or(profile),
            netrc: variable("NETRC").or_else(|| home.map(|home| home.join(".netrc"))),
        }
    }

    /// The password of a login on a host. `section`: that of `LizSync.ini`, which counts where it names no other
    /// host and no other user: a password goes to nobody else.
    ///
    /// # Errors
    /// [`Kind::File`](crate::error::Kind::File) for a file that is there and cannot be read, or that others can read.
    pub fn password(
        &self,
        section: &str,
        host: &str,
        login: &str,
        feedback: &Feedback,
    ) -> Result<Option<Secret>> {
        if let Some(path) = existing(self.settings.as_deref())
            && let Some(found) = in_settings(read(path)?.reveal(), section, host, login)
        {
            // The former plugin wrote it so: it is used all the same.
            if fs::metadata(path).is_ok_and(|about| open_to_others(&about)) {
                feedback.warning(tr!("Others on this machine can read {path}, which holds passwords: run chmod 600 on it.", path = path.display()));
            }
            return Ok(Some(found));
        }
        let Some(path) = existing(self.netrc.as_deref()) else {
            return Ok(None);
        };
        guarded(path)?;
        in_netrc(path, read(path)?.reveal(), host, login)
    }
}

fn existing(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| path.is_file())
}

fn read(path: &Path) -> Result<Secret> {
    let bytes = fs::read(path).map_err(|error| super::local::unreadable(path, &error))?;
    let bytes = Zeroizing::new(bytes);
    Ok(Secret::new(String::from_utf8_lossy(&bytes)))
}

fn in_settings(text: &str, section: &str, host: &str, login: &str) -> Option<Secret> {
    // As Python reads and writes it: nothing behind a value is a comment.
    let mut form = IniDefault::default();
    form.inline_comment_symbols = Some(Vec::new());
    form.case_sensitive = false;
    let mut settings = Ini::new_from_defaults(form);
    settings.read(text.to_owned()).ok()?;
    let value = |key| settings.get(section, key).filter(|value| !value.is_empty());
    let is = |key, wanted: &str| value(key).is_none_or(|value| value.eq_ignore_ascii_case(wanted));
    let same_user = value("user").is_none_or(|user| user == login);
    let found = (is("host", host) && same_user)
        .then(|| value("password").map(Secret::new))
        .flatten();
    for entries in settings.get_mut_map().values_mut() {
        entries.values_mut().flatten().for_each(Zeroize::zeroize);
    }
    found
}

fn in_netrc(path: &Path, text: &str, host: &str, login: &str) -> Result<Option<Secret>> {
    // Not what the parser says: it may quote the file.
    let mut known: Netrc = text.parse().map_err(|_| {
        Error::file(tr!("{path} cannot be understood.", path = path.display()))
            .hint(tr!(
                "It has lines such as “machine ftp.example.org login anna password …”; or give the password."
            ))
    })?;
    let same = |name: &&String| name.eq_ignore_ascii_case(host);
    let entry = known
        .hosts
        .keys()
        .find(same)
        .and_then(|name| known.hosts.get(name));
    let entry = entry.or_else(|| known.hosts.get("default"));
    let entry = entry.filter(|entry| entry.login.is_empty() || entry.login == login);
    let found = entry
        .map(|entry| Secret::new(entry.password.as_str()))
        .filter(|password| !password.reveal().is_empty());
    for entry in known.hosts.values_mut() {
        entry.password.zeroize();
    }
    Ok(found)
}

/// Refuses a file with passwords that others can read.
fn guarded(path: &Path) -> Result<()> {
    let about = fs::metadata(path).map_err(|error| super::local::unreadable(path, &error))?;
    if !open_to_others(&about) {
        return Ok(());
    }
    Err(Error::file(tr!(
        "{path} is not used, because others can read it.",
        path = path.display()
    ))
    .hint(tr!("Run chmod 600 on it, or give the password.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = "[general]\nx = 1\n\n[ftp:central]\nHost = ftp.example.org\nport = 21\nuser = anna\npassword = se#s;ame%%\n\n[ftp:clone]\npassword = poppy\n";

    fn found(section: &str, host: &str, login: &str) -> Option<String> {
        let secret = in_settings(SETTINGS, section, host, login);
        secret.map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn the_settings_have_the_password_of_their_host_and_user() {
        assert_eq!(
            found("ftp:central", "FTP.example.org", "anna").as_deref(),
            Some("se#s;ame%%")
        );
        assert_eq!(found("ftp:central", "elsewhere", "anna"), None);
        assert_eq!(found("ftp:central", "ftp.example.org", "bert"), None);
        assert_eq!(found("ftp:clone", "any", "any").as_deref(), Some("poppy"));
        assert_eq!(found("ftp:none", "any", "any"), None);
    }

    #[test]
    fn netrc_has_the_password_of_a_machine_and_login() {
        let text = "machine ftp.example.org login anna password sesame\ndefault login guest password poppy\n";
        let found = |host, login| {
            let secret = in_netrc(Path::new("x"), text, host, login).unwrap();
            secret.map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(found("ftp.example.org", "anna").as_deref(), Some("sesame"));
        assert_eq!(found("ftp.example.org", "guest"), None);
        assert_eq!(found("elsewhere", "guest").as_deref(), Some("poppy"));
        let error = in_netrc(Path::new("x"), "machine a password", "a", "b");
        assert!(error.is_err() || error.unwrap().is_none());
        for text in [
            "machine a sesame b",
            "sesame",
            "machine a login b passwd sesame",
        ] {
            let error = in_netrc(Path::new("x"), text, "a", "b").unwrap_err();
            assert!(!error.sentence().contains("sesame"), "{error}");
        }
    }
}
