//! What a mirror has to do: a pure function of two listings.

use crate::text::{Text, tr};
use std::collections::{BTreeMap, BTreeSet};

use super::listing::Stamp;

/// What is below a folder: paths with slashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Its files.
    pub files: BTreeMap<String, File>,
    /// Its folders, without itself.
    pub folders: BTreeSet<String>,
    /// What stands at a path and is neither, or is left out.
    pub others: BTreeSet<String>,
}

/// A file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub size: u64,
    /// When it was changed, if that is known.
    pub changed: Option<Stamp>,
}

/// What a mirror does with files that differ.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// By how many seconds a file must be newer. The clocks of the two sides may differ.
    pub tolerance: i64,
    /// Whether names that differ only in capitals are names of different files at the destination.
    pub case_matters: bool,
}

/// Why a file is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The destination has none.
    Missing,
    /// The destination has one of another size.
    Size,
    /// It is newer at its source.
    Newer,
    /// Its project is transferred.
    Project,
}

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files to transfer, projects last: what they refer to is then there.
    pub transfers: Vec<(String, Why)>,
    /// Folders to make, parents first.
    pub folders: Vec<String>,
    /// Lizmap configurations at the destination of projects that have none any more.
    pub retired: Vec<String>,
    /// Files that need nothing.
    pub same: u64,
    /// Paths that cannot be transferred, and why.
    pub blocked: Vec<(String, Text)>,
}

/// What comes behind the name of a project in that of its Lizmap configuration.
pub const LIZMAP: &str = ".cfg";

/// Whether a path is that of a QGIS project.
pub fn is_project(path: &str) -> bool {
    let path = path.to_lowercase();
    path.ends_with(".qgs") || path.ends_with(".qgz")
}

/// The names that a tree has, for whoever asks with others.
pub struct Spelling<'t>(Option<BTreeMap<String, &'t str>>);

impl<'t> Spelling<'t> {
    /// Of a tree; `case_matters`: whether names that differ only in capitals are different names there.
    pub fn of(tree: &'t Tree, case_matters: bool) -> Self {
        let all = || {
            let names = tree.files.keys().chain(&tree.folders);
            names.chain(&tree.others)
        };
        Self((!case_matters).then(|| all().map(|path| (path.to_lowercase(), &path[..])).collect()))
    }

    /// A path as the tree spells it.
    pub fn there<'p>(&self, path: &'p str) -> &'p str
    where
        't: 'p,
    {
        let known = self
            .0
            .as_ref()
            .and_then(|names| names.get(&path.to_lowercase()));
        known.copied().unwrap_or(path)
    }
}

/// Plans a mirror.
pub fn plan(source: &Tree, destination: &Tree, rules: Rules) -> Plan {
    let mut plan = Plan::default();
    let spelling = Spelling::of(destination, rules.case_matters);
    let mut taken = BTreeMap::new();
    let mut blocked: BTreeSet<&str> = BTreeSet::new();
    for folder in &source.folders {
        if within(folder, &blocked) {
            continue;
        }
        let there = spelling.there(folder);
        if destination.files.contains_key(there) {
            blocked.insert(folder);
            plan.blocked
                .push((folder.clone(), tr!("there is a file of that name")));
        } else if destination.others.contains(there) || is_taken(&mut taken, folder, rules) {
            blocked.insert(folder);
            plan.blocked.push((folder.clone(), self::taken()));
        } else if !destination.folders.contains(there) {
            plan.folders.push(folder.clone());
        }
    }
    let mut wanted: BTreeMap<&str, Why> = BTreeMap::new();
    for (path, file) in &source.files {
        if within(path, &blocked) {
            continue;
        }
        let there = spelling.there(path);
        if destination.folders.contains(there) {
            plan.blocked
                .push((path.clone(), tr!("there is a folder of that name")));
        } else if destination.others.contains(there) || is_taken(&mut taken, path, rules) {
            plan.blocked.push((path.clone(), self::taken()));
        } else if let Some(why) = reason(file, destination.files.get(there), rules) {
            wanted.insert(path, why);
        } else {
            plan.same += 1;
        }
    }
    // A configuration belongs to the state of its project.
    let projects: Vec<&str> = wanted
        .keys()
        .copied()
        .filter(|path| is_project(path))
        .collect();
    for project in projects {
        let configuration = format!("{project}{LIZMAP}");
        match source.files.get_key_value(&configuration) {
            Some((path, _)) => {
                let known = destination.files.contains_key(spelling.there(path))
                    && !wanted.contains_key(path.as_str());
                if known {
                    wanted.insert(path, Why::Project);
                    plan.same -= 1;
                }
            }
            None => {
                let there = spelling.there(&configuration);
                if destination.files.contains_key(there) {
                    plan.retired.push(there.to_owned());
                }
            }
        }
    }
    plan.transfers = wanted
        .into_iter()
        .map(|(path, why)| (path.to_owned(), why))
        .collect();
    plan.transfers.sort_by_key(|(path, _)| is_project(path));
    plan
}

fn taken() -> Text {
    tr!("something else has that name")
}

/// Why a file is transferred; `None` where it need not be.
pub fn reason(source: &File, destination: Option<&File>, rules: Rules) -> Option<Why> {
    let Some(destination) = destination else {
        return Some(Why::Missing);
    };
    if source.size != destination.size {
        return Some(Why::Size);
    }
    let (source, mut destination) = (source.changed?, destination.changed?);
    destination.span = destination.span.saturating_add(rules.tolerance);
    source.is_after(destination).then_some(Why::Newer)
}

/// Whether a name that is the same but for capitals was there before.
fn is_taken<'p>(taken: &mut BTreeMap<String, &'p str>, path: &'p str, rules: Rules) -> bool {
    !rules.case_matters && *taken.entry(path.to_lowercase()).or_insert(path) != path
}

/// Whether a path is below one of these.
fn within(path: &str, folders: &BTreeSet<&str>) -> bool {
    let mut ends = path.match_indices('/').map(|(at, _)| &path[..at]);
    ends.any(|parent| folders.contains(parent))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
