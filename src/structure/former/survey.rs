//! What the former plugin left in a database.

use std::collections::BTreeMap;

use ::postgres::GenericClient;
use uuid::Uuid;

use super::layout::Layout;
use crate::error::{Error, Kind, Result};
use crate::postgres::{Doing, Table};
use crate::structure::{CENTRAL_NAME, install};
use crate::text::{Text, tr};

/// All that matters of it.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) layout: Layout,
    /// The quoted schema of hstore.
    pub(super) hstore: String,
    pub(super) server_id: Option<Uuid>,
    pub(super) server_name: Option<String>,
    /// Whether there is a schema audit.
    pub(super) audit: bool,
    pub(super) audited: Vec<Audited>,
    /// What to drop: kind and signature.
    pub(super) functions: Vec<(String, String)>,
    /// Users' own objects.
    pub(super) kept: Vec<String>,
    /// Schemas of foreign tables of the former plugin.
    pub(super) foreign_schemas: Vec<String>,
    pub(super) foreign_server: bool,
}

/// A relation with triggers of the former plugin.
#[derive(Debug)]
pub(super) struct Audited {
    pub(super) table: Table,
    pub(super) oid: u32,
    pub(super) root: u32,
    pub(super) kind: String,
    pub(super) mine: bool,
    pub(super) triggers: Vec<String>,
    pub(super) left_out: Option<String>,
}

impl Audited {
    /// Whether its edits can be captured from now on.
    pub(super) fn can_be_captured(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "p")
    }
}

impl Survey {
    /// Looks at a database of that layout; `name` is the database for messages.
    ///
    /// # Errors
    /// [`Kind::State`](crate::error::Kind::State) for a missing piece, or something that is in the way.
    pub(super) fn of(
        client: &mut impl GenericClient,
        layout: Layout,
        version: &str,
        name: &Text,
    ) -> Result<Self> {
        let doing = || tr!("Looking at the tables of the former plugin");
        let facts = client
            .query_one(
                include_str!("../../../sql/structure/former/facts.sql"),
                &[&layout.columns()],
            )
            .doing(doing)?;
        let missing: Vec<String> = facts.get("missing");
        let mut missing: Vec<Text> = missing.into_iter().map(Text::verbatim).collect();
        let hstore = install::hstore(client)?;
        if hstore.is_none() {
            missing.push(tr!("the extension hstore"));
        }
        let Some(hstore) = hstore.filter(|_| missing.is_empty()) else {
            return Err(Error::state(tr!("The LizSync tables of {name} are of version {version}, but not complete. Missing: {missing}.", name, version, missing = Text::list(missing)))
            .hint(tr!("Nothing was changed. Restore what is missing from a backup, then run again.")));
        };
        let (audited, of_triggers) = audited(client, layout.schema)?;
        let server = client
            .query_one(include_str!("../../../sql/structure/server.sql"), &[])
            .doing(|| tr!("Reading lizsync.server_metadata"))?;
        let mut survey = Self {
            layout,
            hstore,
            server_id: server.get("server_id"),
            server_name: server.get("server_name"),
            audit: facts.get("audit"),
            audited,
            functions: Vec::new(),
            kept: Vec::new(),
            foreign_schemas: Vec::new(),
            foreign_server: facts.get("foreign_server"),
        };
        survey.refuse_other_audit(client, name)?;
        survey.objects(client, &of_triggers)?;
        if !survey.is_central() {
            let sql = include_str!("../../../sql/package/leftovers.sql");
            let rows = client.query(sql, &[]).doing(doing)?;
            survey.foreign_schemas = rows.iter().map(|row| row.get("schema")).collect();
        }
        Ok(survey)
    }

    /// Whether it is a central: the former plugin gave clones other names.
    pub(super) fn is_central(&self) -> bool {
        self.server_name.as_deref() == Some(CENTRAL_NAME)
    }

    /// Whether it is a clone.
    pub(super) fn is_clone(&self) -> bool {
        self.server_id.is_some() && !self.is_central()
    }

    /// Schema `audit` may serve something else where the log is in `lizsync`.
    fn refuse_other_audit(&self, client: &mut impl GenericClient, name: &Text) -> Result<()> {
        if !self.audit || self.layout.schema == "audit" {
            return Ok(());
        }
        let rows = client
            .query(include_str!("../../../sql/structure/former/taken.sql"), &[])
            .doing(|| tr!("Looking at the schema audit"))?;
        let taken: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        if taken.is_empty() {
            return Ok(());
        }
        Err(Error::state(tr!("The schema audit of {name} is not LizSync's in this version, and holds what LizSync has to create there: {taken}.", name, taken = Text::list(taken)))
        .hint(tr!("Nothing was changed. Move those objects to another schema (or drop them, if nobody needs them), then run again.")))
    }

    fn objects(&mut self, client: &mut impl GenericClient, of_triggers: &[u32]) -> Result<()> {
        let schemas: &[&str] = match self.layout.schema {
            "audit" => &["audit", "lizsync"],
            _ => &["lizsync"],
        };
        let doing = || tr!("Listing what is in the schemas audit and lizsync");
        let rows = client
            .query(
                include_str!("../../../sql/structure/former/functions.sql"),
                &[&schemas, &of_triggers],
            )
            .doing(doing)?;
        let oids: Vec<u32> = rows.iter().map(|row| row.get("oid")).collect();
        self.functions = rows
            .iter()
            .map(|row| (row.get("kind"), row.get("signature")))
            .collect();
        let rows = client
            .query(
                include_str!("../../../sql/structure/former/kept.sql"),
                &[&self.layout.tables(), &self.layout.columns(), &oids],
            )
            .doing(doing)?;
        self.kept = rows.iter().map(|row| row.get(0)).collect();
        Ok(())
    }

    /// Refuses relations with triggers that this role may not change.
    pub(super) fn refuse_others(&self, name: &Text) -> Result<()> {
        let others: Vec<String> = self
            .audited
            .iter()
            .filter(|relation| !relation.mine)
            .map(|relation| relation.table.plain())
            .collect();
        if others.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            Kind::Permission,
            tr!("The role of the connection does not own all tables of {name} that have triggers of the former plugin: {others}.", name, others = Text::list(others)),
        )
        .hint(tr!("Nothing was changed. Run the upgrade as their owner, or as a superuser.")))
    }
}

/// The relations with triggers of the former plugin, and the functions of these.
fn audited(client: &mut impl GenericClient, schema: &str) -> Result<(Vec<Audited>, Vec<u32>)> {
    let rows = client
        .query(
            include_str!("../../../sql/structure/former/audited.sql"),
            &[&schema],
        )
        .doing(|| tr!("Looking for the triggers of the former plugin"))?;
    let mut relations: BTreeMap<u32, Audited> = BTreeMap::new();
    let mut functions = Vec::new();
    for row in &rows {
        let oid = row.get("oid");
        let relation = relations.entry(oid).or_insert_with(|| Audited {
            table: Table::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
            oid,
            root: row.get("root"),
            kind: row.get("kind"),
            mine: row.get("mine"),
            triggers: Vec::new(),
            left_out: None,
        });
        relation.triggers.push(row.get("trigger"));
        if let Some(columns) = row.get("left_out") {
            relation.left_out = Some(columns);
        }
        functions.push(row.get("function"));
    }
    let mut relations: Vec<Audited> = relations.into_values().collect();
    relations.sort_by_key(|relation| relation.table.plain());
    Ok((relations, functions))
}
