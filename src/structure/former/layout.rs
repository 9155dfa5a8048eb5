//! The layouts of the former plugin, by version.

use super::super::upgrade::parse;

/// The first and the last version that is known, the first with a table of conflicts, and the first whose log is in
/// the schema `lizsync`.
const FIRST: &str = "0.2.2";
const LAST: &str = "0.7.2";
const CONFLICTS: &str = "0.3.2";
const MOVED: &str = "0.5.0";

/// Where the former plugin kept what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// The schema of its log.
    pub(super) schema: &'static str,
    /// Whether clones have lists of tables, instead of schemas.
    pub(super) lists: bool,
    conflicts: bool,
}

const SERVER: &str = "server_id server_name";
const HISTORY: &str = "sync_id sync_time server_from server_to min_event_id max_event_id max_action_tstamp_tx sync_type sync_status";
const CONFLICT: &str = "id conflict_time object_table object_uid clone_id central_event_id central_event_timestamp central_sql clone_sql rejected rule_applied";
const VERSION: &str = "id date_ajout version description";
const ACTIONS: &str = "event_id schema_name table_name relid session_user_name action_tstamp_tx action_tstamp_stm action_tstamp_clk transaction_id application_name client_addr client_port client_query action row_data changed_fields statement_only sync_data";
const RELATIONS: &str = "relation_name uid_column";

impl Layout {
    /// The layout of a version; None for one that is not known.
    pub(super) fn of(version: &str) -> Option<Self> {
        let found = parse(version)?;
        let is = |other: &str| parse(other).is_some_and(|other| found >= other);
        if !is(FIRST) || Some(found) > parse(LAST) {
            return None;
        }
        Some(Self {
            schema: if is(MOVED) { "lizsync" } else { "audit" },
            lists: is(MOVED),
            conflicts: is(CONFLICTS),
        })
    }

    /// The log, as SQL.
    pub(super) fn log(&self) -> String {
        format!("{}.logged_actions", self.schema)
    }

    /// The table of the lists, as SQL.
    pub(super) fn clones(&self) -> &'static str {
        if self.lists {
            "lizsync.synchronized_tables"
        } else {
            "lizsync.synchronized_schemas"
        }
    }

    /// Its tables, as `schema.table`.
    pub(super) fn tables(&self) -> Vec<String> {
        self.parts()
            .iter()
            .map(|(table, _)| table.clone())
            .collect()
    }

    /// Their columns, as `schema.table.column`.
    pub(super) fn columns(&self) -> Vec<String> {
        let of = |(table, columns): &(String, &str)| {
            let names = columns.split(' ');
            names
                .map(|column| format!("{table}.{column}"))
                .collect::<Vec<_>>()
        };
        self.parts().iter().flat_map(of).collect()
    }

    fn parts(&self) -> Vec<(String, &'static str)> {
        let list = if self.lists {
            "server_id sync_tables"
        } else {
            "server_id sync_schemas"
        };
        let mut parts = vec![
            ("lizsync.server_metadata".to_owned(), SERVER),
            ("lizsync.history".to_owned(), HISTORY),
            (self.clones().to_owned(), list),
            ("lizsync.sys_structure_metadonnee".to_owned(), VERSION),
            (self.log(), ACTIONS),
            (format!("{}.logged_relations", self.schema), RELATIONS),
        ];
        if self.conflicts {
            parts.push(("lizsync.conflicts".to_owned(), CONFLICT));
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn the_layouts_of_the_versions() {
        for (version, schema, lists, conflicts) in [
            ("0.2.2", "audit", false, false),
            ("0.3.1", "audit", false, false),
            ("0.3.2", "audit", false, true),
            ("0.4.5", "audit", false, true),
            ("0.5.0", "lizsync", true, true),
            ("0.7.2", "lizsync", true, true),
        ] {
            let layout = Layout::of(version).unwrap();
            assert_eq!(
                (layout.schema, layout.lists, layout.conflicts),
                (schema, lists, conflicts),
                "{version}"
            );
        }
        for version in ["0.2.1", "0.7.3", "1.0.0", "0.4", "x", "", "0.8.0"] {
            assert_eq!(Layout::of(version), None, "{version}");
        }
    }
}
