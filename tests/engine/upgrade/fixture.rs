//! Databases of the former plugin, and a synchronisation as it did it: what is known of both from the outside.

use postgres::Client;
use uuid::Uuid;

use crate::support::role::Role;
use crate::support::{Database, Server};

const CONFLICTS: &str = "CREATE TABLE lizsync.conflicts (id bigserial PRIMARY KEY, conflict_time timestamptz DEFAULT now(), object_table text,
    object_uid uuid, clone_id uuid, central_event_id bigint, central_event_timestamp timestamptz, central_sql text,
    clone_sql text, rejected text, rule_applied text);";

/// One version.
#[derive(Debug, Clone, Copy)]
pub struct Former {
    pub version: &'static str,
    /// The schema of the log.
    pub log: &'static str,
    lists: bool,
    conflicts: bool,
}

/// All of them; 0.6.0 stands for those between 0.5.0 and 0.7.0.
pub const VERSIONS: [Former; 15] = [
    of("0.2.2", false, false),
    of("0.3.0", false, false),
    of("0.3.1", false, false),
    of("0.3.2", false, true),
    of("0.4.0", false, true),
    of("0.4.1", false, true),
    of("0.4.2", false, true),
    of("0.4.3", false, true),
    of("0.4.4", false, true),
    of("0.4.5", false, true),
    of("0.5.0", true, true),
    of("0.6.0", true, true),
    of("0.7.0", true, true),
    of("0.7.1", true, true),
    of("0.7.2", true, true),
];

const fn of(version: &'static str, lists: bool, conflicts: bool) -> Former {
    Former {
        version,
        log: if lists { "lizsync" } else { "audit" },
        lists,
        conflicts,
    }
}

/// One of them.
pub fn former(version: &str) -> Former {
    *VERSIONS
        .iter()
        .find(|former| former.version == version)
        .unwrap()
}

/// The uid of a row of these tests.
pub fn uid(letter: char) -> Uuid {
    let digit = u32::from(letter);
    Uuid::parse_str(&format!("{digit:08x}-0000-4000-8000-000000000000")).unwrap()
}

impl Former {
    /// The statements that install it.
    pub fn structure(&self) -> String {
        include_str!("former.sql")
            .replace("{log}", self.log)
            .replace("{prefix}", if self.lists { "lizsync_" } else { "" })
            .replace("{conflicts}", if self.conflicts { CONFLICTS } else { "" })
            .replace("{lists}", self.lists_table())
            .replace(
                "{list}",
                if self.lists {
                    "sync_tables"
                } else {
                    "sync_schemas"
                },
            )
            .replace("{version}", self.version)
    }

    pub fn lists_table(&self) -> &'static str {
        if self.lists {
            "synchronized_tables"
        } else {
            "synchronized_schemas"
        }
    }

    fn list(&self) -> &'static str {
        match self.lists {
            true => r#"["\"gis\".\"tree\"", "\"gis\".\"plot\"", "\"gis\".\"bare\""]"#,
            false => r#"["gis"]"#,
        }
    }

    /// The statements that make a central in an empty database.
    pub fn central_sql(&self) -> String {
        format!(
            "{}; {}; INSERT INTO lizsync.server_metadata (server_name) VALUES ('central')",
            self.structure(),
            include_str!("tables.sql").replace("{log}", self.log)
        )
    }

    /// A central; of `owner`, where one is given.
    pub fn central(&self, label: &str, owner: Option<&Role>) -> Database {
        let database = match owner {
            Some(role) => role.database(label),
            None => Database::new(label),
        };
        if owner.is_some() {
            database
                .run("CREATE EXTENSION hstore SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC");
        }
        let sql = self.central_sql();
        match owner {
            Some(role) => role.run(&database, &sql),
            None => database.run(&sql),
        }
        database
    }

    /// A clone of it, as its package and deployment left it; the foreign server only for a superuser.
    pub fn clone(&self, central: &Database, label: &str, owner: Option<&Role>) -> Database {
        assert_eq!(central.server, Server::First);
        let package = central.value(&format!(
            "INSERT INTO lizsync.history (sync_id, server_from, server_to, min_event_id, max_event_id, sync_type, sync_status)
             SELECT md5(random()::text)::uuid, server_id::text, '{{}}', 1, (SELECT max(event_id) FROM {}.logged_actions), 'full', 'done'
             FROM lizsync.server_metadata RETURNING sync_id",
            self.log
        ));
        let clone = central.copy(label);
        if let Some(role) = owner {
            clone.run(&format!(
                "ALTER DATABASE \"{}\" OWNER TO {}",
                clone.name, role.name
            ));
        }
        let id = Uuid::new_v4();
        let told = format!(
            "UPDATE lizsync.history SET server_to = array_append(server_to, '{id}') WHERE sync_id = '{package}';
             INSERT INTO lizsync.{} VALUES ('{id}', '{}');",
            self.lists_table(),
            self.list()
        );
        clone.run(&format!(
            "DELETE FROM {log}.logged_actions; DELETE FROM lizsync.{lists}; DELETE FROM lizsync.history WHERE sync_id <> '{package}';
             UPDATE lizsync.server_metadata SET server_id = '{id}', server_name = '{label}'; {told}",
            log = self.log,
            lists = self.lists_table()
        ));
        if owner.is_none() {
            clone.run("CREATE EXTENSION IF NOT EXISTS postgres_fdw;
                CREATE SERVER central_server FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'localhost', dbname 'x');
                CREATE USER MAPPING FOR CURRENT_USER SERVER central_server OPTIONS (user 'u', password 'open sesame');
                CREATE SCHEMA central_gis; CREATE SCHEMA central_lizsync; CREATE SCHEMA central_audit;
                CREATE FOREIGN TABLE central_gis.tree (uid uuid) SERVER central_server;
                CREATE FOREIGN TABLE central_audit.logged_actions (event_id bigint) SERVER central_server;
                CREATE FOREIGN TABLE central_lizsync.history (sync_id uuid) SERVER central_server");
        }
        central.run(&told);
        clone
    }

    /// Synchronises as the former plugin did: the events of each side, one by one, and the marks in the log.
    pub fn synchronize(&self, central: &Database, clone: &Database) {
        let id =
            |database: &Database| database.value("SELECT server_id FROM lizsync.server_metadata");
        let (central_id, clone_id) = (id(central), id(clone));
        let run = Uuid::new_v4();
        let package = clone.value(
            "SELECT coalesce(max(max_event_id), 0) FROM lizsync.history WHERE sync_type = 'full'",
        );
        let log = self.log;
        let new = central.rows(&format!(
            "SELECT event_id FROM {log}.logged_actions WHERE event_id > {package} AND action <> 'T'
                AND (sync_data ->> 'origin') IS DISTINCT FROM '{clone_id}' AND NOT (sync_data -> 'replayed_by') ? '{clone_id}' ORDER BY 1"
        ));
        let made = clone.rows(&format!(
            "SELECT event_id FROM {log}.logged_actions WHERE sync_data ->> 'origin' IS NULL AND action <> 'T' ORDER BY 1"
        ));
        let (mut at_central, mut at_clone) = (central.connect(), clone.connect());
        for event in &new {
            self.replay(
                &mut at_central,
                &mut at_clone,
                event,
                [&central_id, &clone_id],
                &run,
            );
            let mark = format!(
                "UPDATE {log}.logged_actions SET sync_data = jsonb_set(sync_data, '{{replayed_by,{clone_id}}}', '\"{run}\"') WHERE event_id = {event}"
            );
            at_central.batch_execute(&mark).unwrap();
        }
        for event in &made {
            self.replay(&mut at_clone, &mut at_central, event, [&clone_id, ""], &run);
        }
        at_clone
            .batch_execute(&format!("DELETE FROM {log}.logged_actions"))
            .unwrap();
        at_central.batch_execute(&format!(
            "INSERT INTO lizsync.history VALUES ('{run}', now(), '{central_id}', '{{{clone_id}}}', NULL, NULL, now(), 'partial', 'done')"
        )).unwrap();
    }

    fn replay(
        &self,
        from: &mut Client,
        to: &mut Client,
        event: &str,
        [origin, receiver]: [&str; 2],
        run: &Uuid,
    ) {
        let sql = format!("SELECT format('%I.%I', schema_name, table_name), action, row_data::text, changed_fields::text,
            (SELECT string_agg(quote_ident(k), ', ') FROM unnest(public.akeys(changed_fields)) AS k), action_tstamp_tx::text,
            (SELECT string_agg(quote_ident(k), ', ') FROM unnest(public.akeys(row_data OPERATOR(public.-) 'id'::text)) AS k)
            FROM {}.logged_actions WHERE event_id = {event}", self.log);
        let row = from.query_one(&sql, &[]).unwrap();
        let text = |place: usize| {
            row.get::<_, Option<String>>(place)
                .unwrap_or_default()
                .replace('\'', "''")
        };
        let (table, rows, fields, columns) = (text(0), text(2), text(3), text(4));
        let uid = format!("('{rows}'::public.hstore -> 'uid')::uuid");
        let sql = match text(1).as_str() {
            // Automatic keys are given anew.
            "I" => format!(
                "INSERT INTO {table} ({keys}) SELECT {keys} FROM public.populate_record(NULL::{table}, '{rows}'::public.hstore)",
                keys = text(6)
            ),
            "D" => format!("DELETE FROM {table} WHERE uid = {uid}"),
            _ => format!(
                "UPDATE {table} AS t SET ({columns}) = (SELECT {columns} FROM public.populate_record(t, '{fields}'::public.hstore) AS r) WHERE uid = {uid}"
            ),
        };
        let made_at = if receiver.is_empty() {
            text(5)
        } else {
            String::new()
        };
        to.batch_execute(&format!(
            "SET search_path = public; BEGIN; SET LOCAL lizsync.server_from = '{origin}'; SET LOCAL lizsync.server_to = '{receiver}';
             SET LOCAL lizsync.sync_id = '{run}'; SET LOCAL test.made_at = '{made_at}'; {sql}; COMMIT"
        ))
        .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }
}
