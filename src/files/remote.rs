//! What is below a folder of an FTP server.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::client::Client;
use super::listing::{Found, Stamp, What};
use super::names::{self, Excluded};
use super::plan::{File, Tree};
use super::session::{Problem, Session};
use crate::error::{Error, Kind};
use crate::text::{Text, tr};

/// Deeper folders are taken for a circle of links.
const DEEPEST: usize = 64;
/// So are folders in each other that hold the same this often: a circle may branch, and the server may tell nothing else.
const ALIKE: usize = 5;
const MOST: usize = 2_000_000;

/// What is below a folder of a server.
#[derive(Debug, Default)]
pub struct Remote {
    /// The folder: bytes, from the root.
    pub root: Vec<u8>,
    /// What is below it.
    pub tree: Tree,
    /// Half transferred files, and when they were changed.
    pub parts: Vec<(String, Option<Stamp>)>,
    /// What was left out, and why.
    pub left: Vec<(String, Text)>,
    /// Folders that the server does not list, and why.
    pub failed: Vec<(String, Text)>,
    /// Whether some names are not UTF-8, and whether some are, beyond ASCII.
    odd: bool,
    proper: bool,
    /// The bytes of paths that are not UTF-8.
    raw: BTreeMap<String, Vec<u8>>,
}

/// A folder to read: its path, its bytes below the root, and what tells those around it from others.
type Waiting = (String, Vec<u8>, Around);

/// The ids of the folders around one, where the server tells them, and hashes of what they hold.
#[derive(Debug, Clone, Default)]
struct Around {
    ids: Vec<Vec<u8>>,
    contents: Vec<u64>,
}

impl Remote {
    /// A folder as a user gives it: from the root, or from where the login begins.
    pub fn at(client: &Client, folder: &str) -> Self {
        let mut root = Vec::new();
        let from_home = !folder.trim().starts_with('/');
        let home: &[u8] = if from_home { &client.home } else { b"" };
        let given = folder.trim().as_bytes();
        for part in home
            .split(|&b| b == b'/')
            .chain(given.split(|&b| b == b'/'))
        {
            if !matches!(part, b"" | b".") {
                root.push(b'/');
                root.extend(part);
            }
        }
        Self {
            root,
            ..Self::default()
        }
    }

    /// The folder, for a message.
    pub fn name(&self) -> String {
        match self.root.as_slice() {
            b"" => "/".to_owned(),
            root => names::text(root),
        }
    }

    /// The bytes of a path below the folder; of an empty one, the folder itself.
    pub fn path(&self, path: &str) -> Vec<u8> {
        if path.is_empty() {
            return match self.root.is_empty() {
                true => b"/".to_vec(),
                false => self.root.clone(),
            };
        }
        let mut whole = self.root.clone();
        whole.push(b'/');
        whole.extend(self.below(path));
        whole
    }

    fn below(&self, path: &str) -> Vec<u8> {
        if let Some(raw) = self.raw.get(path) {
            return raw.clone();
        }
        // A new name in a folder that is there.
        match path.rsplit_once('/') {
            Some((parent, name)) => {
                let mut whole = self.below(parent);
                whole.push(b'/');
                whole.extend(names::bytes(name, self.is_latin()));
                whole
            }
            None => names::bytes(path, self.is_latin()),
        }
    }

    /// Whether the names of this server are Latin-1.
    fn is_latin(&self) -> bool {
        self.odd && !self.proper
    }

    /// Reads all that is below the folder. `None` where there is no such folder.
    pub fn read(
        mut self,
        client: &mut Client,
        excluded: &Excluded,
        session: &Session,
    ) -> Result<Option<Self>, Problem> {
        let top = self.path("");
        let found = match client.list(&top) {
            // Some servers list a folder that is not there as an empty one.
            Ok(found) if found.is_empty() => match client.enter(&top) {
                Ok(()) => found,
                Err(Problem::Refused(500..=599, _)) => return Ok(None),
                Err(problem) => return Err(problem),
            },
            Ok(found) => found,
            // One that is there and may not be listed must not pass for one that is not there.
            Err(Problem::Refused(code @ 500..=599, text)) => match client.enter(&top) {
                // Or another clone has just made it.
                Ok(()) => {
                    let text = tr!("the server does not list it ({code} {text})", code, text);
                    return Err(Problem::Lost(text));
                }
                Err(Problem::Refused(500..=599, _)) => return Ok(None),
                Err(problem) => return Err(problem),
            },
            Err(problem) => return Err(problem),
        };
        let mut waiting: Vec<Waiting> = Vec::new();
        self.take("", &[], found, &Around::default(), excluded, &mut waiting);
        let mut count = 0;
        while let Some((path, bytes, mut around)) = waiting.pop() {
            session.feedback.check()?;
            let whole = [&self.root[..], b"/", &bytes].concat();
            let found = match client.list(&whole) {
                // The others can be transferred all the same.
                Err(problem @ Problem::Refused(..)) => {
                    self.tree.folders.remove(&path);
                    self.tree.others.insert(path.clone());
                    self.failed.push((path, problem.text()));
                    continue;
                }
                other => other?,
            };
            count += found.len();
            if count > MOST {
                let text = tr!(
                    "The FTP server {account} lists more than {most} files.",
                    account = session.account,
                    most = MOST
                );
                return Err(Error::new(Kind::Transfer, text)
                    .hint(tr!("Exclude sub-directories, or choose a smaller folder."))
                    .into());
            }
            let content = content(&found);
            let alike = around.contents.iter().filter(|known| **known == content);
            if alike.count() >= ALIKE {
                self.left
                    .push((path.clone(), tr!("it leads into a circle")));
                self.tree.folders.remove(&path);
                self.tree.others.insert(path);
                continue;
            }
            around.contents.push(content);
            self.take(&path, &bytes, found, &around, excluded, &mut waiting);
        }
        Ok(Some(self))
    }

    fn take(
        &mut self,
        folder: &str,
        bytes: &[u8],
        found: Vec<Found>,
        around: &Around,
        excluded: &Excluded,
        waiting: &mut Vec<Waiting>,
    ) {
        for Found { name, what, unique } in found {
            let text = names::text(&name);
            match text.as_bytes() == name {
                true => self.proper |= !text.is_ascii(),
                false => self.odd = true,
            }
            let join = |name: &str| match folder {
                "" => name.to_owned(),
                folder => format!("{folder}/{name}"),
            };
            let path = join(&text);
            if let Some(objection) = names::objection(&text) {
                self.left.push((path, objection));
                continue;
            }
            if names::is_part(&text) {
                let changed = match what {
                    What::File(_, changed) => changed,
                    _ => continue,
                };
                self.parts.push((path, changed));
                continue;
            }
            let raw = match bytes {
                [] => name.clone(),
                bytes => [bytes, b"/", &name].concat(),
            };
            let tree = &self.tree;
            if tree.files.contains_key(&path)
                || tree.folders.contains(&path)
                || tree.others.contains(&path)
            {
                self.left.push((path, tr!("another one has that name")));
                continue;
            }
            match what {
                What::File(size, changed) => {
                    self.tree.files.insert(path.clone(), File { size, changed });
                }
                What::Folder if excluded.has(&path) => {
                    self.tree.others.insert(path);
                    continue;
                }
                What::Folder => {
                    let mut inside = around.clone();
                    let circle = unique.as_ref().is_some_and(|id| around.ids.contains(id));
                    if circle || path.matches('/').count() >= DEEPEST {
                        self.left
                            .push((path.clone(), tr!("it leads into a circle")));
                        self.tree.others.insert(path);
                        continue;
                    }
                    inside.ids.extend(unique);
                    self.tree.folders.insert(path.clone());
                    waiting.push((path.clone(), raw.clone(), inside));
                }
                What::Link => {
                    self.left.push((path.clone(), tr!("it is a link")));
                    self.tree.others.insert(path);
                    continue;
                }
                What::Other => {
                    self.left.push((path.clone(), tr!("it is no file")));
                    self.tree.others.insert(path);
                    continue;
                }
            }
            if raw != path.as_bytes() {
                self.raw.insert(path, raw);
            }
        }
    }
}

/// A hash of what a folder holds.
fn content(found: &[Found]) -> u64 {
    let mut hash = DefaultHasher::new();
    for entry in found {
        entry.name.hash(&mut hash);
        match entry.what {
            What::File(size, _) => size.hash(&mut hash),
            What::Folder => "folder".hash(&mut hash),
            What::Link | What::Other => "other".hash(&mut hash),
        }
    }
    hash.finish()
}
