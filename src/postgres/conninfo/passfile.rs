//! Password files (`~/.pgpass`): lines of `host:port:database:user:password`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::private::open_to_others;
use crate::secret::{Pieces, Secret};
use crate::text::{Argument, Text, tr};

/// A password file that was read, or why it is left aside.
pub(super) struct PasswordFile {
    text: Secret,
}

impl PasswordFile {
    /// Reads the file; `Ok(None)` when it is not there. As libpq, a file that others can read is
    /// left aside: the error is the warning about it.
    pub fn read(path: &Path) -> Result<Option<Self>, Text> {
        let ignored = |why: Text| {
            tr!(
                "The password file {path} is ignored: {why}.",
                path = path.display(),
                why
            )
        };
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(ignored(error.text())),
        };
        if !metadata.is_file() {
            return Err(ignored(tr!("it is not a plain file")));
        }
        if open_to_others(&metadata) {
            return Err(ignored(tr!(
                "others can read it; allow only its owner to (chmod 600)"
            )));
        }
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Self {
                text: Secret::new(text),
            })),
            Err(error) => Err(ignored(error.text())),
        }
    }

    /// The password of the first line that matches; `host` is `localhost` for the default socket.
    pub fn find(&self, host: &str, port: u16, database: &str, user: &str) -> Option<Secret> {
        let wanted = [host, &port.to_string(), database, user];
        self.text
            .reveal()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| matching(line, &wanted))
    }
}

fn matching(line: &str, wanted: &[&str; 4]) -> Option<Secret> {
    let mut rest = line;
    for wanted in wanted {
        let (value, after) = field(rest);
        let after = after?;
        if &rest[..rest.len() - after.len()] != "*:" && value.reveal() != *wanted {
            return None;
        }
        rest = after;
    }
    Some(field(rest).0)
}

/// Reads up to a colon that has no backslash before it, and drops the backslashes.
/// What follows the colon is `None` at the end of the line.
fn field(text: &str) -> (Secret, Option<&str>) {
    let mut value = Pieces::with_capacity(text.len() + 1);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => return (value.finish(), Some(&text[at + 1..])),
            '\\' => value.push(chars.next().map_or('\\', |(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value.finish(), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(text: &str, host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        let file = PasswordFile {
            text: Secret::new(text),
        };
        file.find(host, port, database, user)
            .map(|found| found.reveal().to_owned())
    }

    #[test]
    fn the_first_matching_line_counts() {
        let text =
            "#db:5432:gis:anna:comment\ndb:5432:gis:bob:b\ndb:*:gis:anna:first\n*:*:*:*:any\r\n";
        assert_eq!(
            find(text, "db", 5432, "gis", "anna").as_deref(),
            Some("first")
        );
        assert_eq!(find(text, "db", 5432, "gis", "bob").as_deref(), Some("b"));
        assert_eq!(find(text, "other", 1, "x", "y").as_deref(), Some("any"));
        assert_eq!(find("db:5432:gis:anna", "db", 5432, "gis", "anna"), None);
        assert_eq!(find("db:5432:gis:an*:x", "db", 5432, "gis", "anna"), None);
        assert_eq!(
            find("#db:5432:gis:anna:x", "#db", 5432, "gis", "anna"),
            None
        );
    }

    #[test]
    fn backslashes_take_the_next_character_as_it_is() {
        let text = "\\:\\:1:1:a\\\\b:\\*:p\\:w\\\\:ignored";
        assert_eq!(find(text, "::1", 1, "a\\b", "*").as_deref(), Some("p:w\\"));
        assert_eq!(find(text, "::1", 1, "a\\b", "anna"), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_left_aside() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pgpass");
        assert!(PasswordFile::read(&path).unwrap().is_none());
        fs::write(&path, "*:*:*:*:secret").unwrap();
        for (mode, accepted) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o620, false),
            (0o602, false),
            (0o601, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match PasswordFile::read(&path) {
                Ok(file) => assert!(accepted && file.is_some(), "{mode:o}"),
                Err(warning) => {
                    let warning = warning.to_string();
                    assert!(
                        !accepted && warning.contains("pgpass"),
                        "{mode:o}: {warning}"
                    );
                    assert!(!warning.contains("secret"));
                }
            }
        }
        let error = PasswordFile::read(directory.path()).err().unwrap();
        assert!(error.to_string().contains("not a plain file"), "{error}");
    }

    fn escape(text: &str) -> String {
        text.replace('\\', "\\\\").replace(':', "\\:")
    }

    proptest! {
        #[test]
        fn what_is_printed_is_found(
            host in "[^\r\n#*][^\r\n]{0,6}", database in "[^\r\n]{2,6}",
            user in "[^\r\n]{2,6}", password in "[^\r\n]{0,9}", port in 1_u16..,
        ) {
            let line = format!(
                "{}:{port}:{}:{}:{}",
                escape(&host), escape(&database), escape(&user), escape(&password),
            );
            prop_assert_eq!(find(&line, &host, port, &database, &user), Some(password));
        }
    }
}
