//! The files that rows of a database mention.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Connection, Doing, Template};
use crate::text::tr;

/// How many files of each kind are named; all are counted.
const NAMED: usize = 20;

/// What rows mention against what there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Files that rows mention and that are nowhere, with the columns.
    pub missing: BTreeMap<String, String>,
    /// Files below `media/upload` that no row mentions.
    pub unmentioned: BTreeSet<String>,
}

/// The files that columns of text mention: path from the folder of the project, and column.
///
/// # Errors
/// Those of the database.
pub fn mentioned(clone: &mut Connection, feedback: &Feedback) -> Result<BTreeMap<String, String>> {
    let doing = || tr!("Looking for photos that rows mention");
    let columns = clone
        .query(include_str!("../../sql/files/text_columns.sql"), &[])
        .doing(doing)?;
    let mut mentioned = BTreeMap::new();
    for column in columns {
        feedback.check()?;
        let sql = Template::new(include_str!("../../sql/files/mentions.sql"))
            .set("table", column.get::<_, String>("table"))
            .set("column", column.get::<_, String>("column"))
            .sql();
        let name: String = column.get("name");
        for row in clone.query(&sql, &[]).doing(doing)? {
            mentioned
                .entry(row.get("path"))
                .or_insert_with(|| name.clone());
        }
    }
    Ok(mentioned)
}

impl Mentions {
    /// Compares what rows mention with the files that there are. Pure.
    pub fn compare(mentioned: &BTreeMap<String, String>, known: &BTreeSet<String>) -> Self {
        let missing = mentioned.iter().filter(|(path, _)| !known.contains(*path));
        let uploads = format!("{}/", super::media::UPLOAD);
        let unmentioned = known
            .iter()
            .filter(|path| path.starts_with(&uploads) && !mentioned.contains_key(*path));
        Self {
            missing: missing
                .map(|(path, column)| (path.clone(), column.clone()))
                .collect(),
            unmentioned: unmentioned.cloned().collect(),
        }
    }

    /// Tells about them.
    pub fn tell(&self, feedback: &Feedback) {
        for (path, column) in self.missing.iter().take(NAMED) {
            let path = super::outcome::shown(path);
            feedback.warning(tr!(
                "{path} is mentioned in {column}, and is neither here nor on the server.",
                path,
                column
            ));
        }
        for path in self.unmentioned.iter().take(NAMED) {
            feedback.info(tr!(
                "No row mentions {path}.",
                path = super::outcome::shown(path)
            ));
        }
        if self.missing.len() > NAMED {
            feedback.warning(tr!(
                "{n} file that rows mention is nowhere; {named} are named above."
                    | "{n} files that rows mention are nowhere; {named} are named above."
                        % self.missing.len(),
                named = NAMED
            ));
        }
        if self.unmentioned.len() > NAMED {
            feedback.warning(tr!(
                "{n} file is mentioned by no row; {named} are named above."
                    | "{n} files are mentioned by no row; {named} are named above."
                        % self.unmentioned.len(),
                named = NAMED
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mentioned_is_compared_with_what_there_is() {
        let mentioned = [
            ("media/upload/a.jpg", "gis.t.photo"),
            ("media/b.jpg", "gis.t.photo"),
            ("media/c", "x"),
        ];
        let mentioned = mentioned
            .map(|(path, column)| (path.to_owned(), column.to_owned()))
            .into();
        let known = [
            "media/upload/a.jpg",
            "media/upload/d.jpg",
            "media/c",
            "media/logo.png",
        ]
        .map(str::to_owned)
        .into();
        let found = Mentions::compare(&mentioned, &known);
        assert_eq!(
            found.missing,
            [("media/b.jpg".to_owned(), "gis.t.photo".to_owned())].into()
        );
        assert_eq!(found.unmentioned, ["media/upload/d.jpg".to_owned()].into());
    }
}
