//! Upgrades while an autovacuum works on the log, as the owner of the tables: after a long day it does for a long time.

use serde_json::json;

use super::UPGRADE;
use super::fixture::former;
use crate::support::pair::Place;
use crate::support::server::Server;
use crate::support::{messages, refused};
use lizsync::error::Kind;

/// The processes without a user that hold a lock on the log.
const AUTOVACUUM: &str = "SELECT k.pid FROM pg_locks AS k JOIN pg_stat_activity AS a ON a.pid = k.pid AND a.backend_type = 'autovacuum worker'
    WHERE k.relation = 'audit.logged_actions'::regclass AND k.granted";

/// A database on a server of its own.
struct Vacuumed {
    central: Place,
    _server: Server,
}

impl Vacuumed {
    /// An autovacuum holds the log, and takes a minute for it at least. `settings` are its settings for the log.
    fn new(settings: &str) -> Self {
        let server = Server::start();
        let central = Place::new(&server.conninfo(), "central");
        central.run("CREATE ROLE keeper LOGIN; ALTER DATABASE central OWNER TO keeper; CREATE EXTENSION hstore SCHEMA public;
            GRANT ALL ON SCHEMA public TO PUBLIC");
        let former = former("0.4.5").central_sql();
        let owned = Self {
            central,
            _server: server,
        };
        let mut keeper = postgres::Client::connect(&owned.conninfo(), postgres::NoTls).unwrap();
        keeper.batch_execute(&format!("{former}; CREATE TABLE public.burnt ();
            INSERT INTO gis.tree (name) SELECT 'tree ' || i FROM generate_series(1, 5000) AS i; UPDATE gis.tree SET height = 1;
            UPDATE audit.logged_actions SET client_query = 'UPDATE';
            ALTER TABLE audit.logged_actions SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, {settings})")).unwrap();
        // Subtransactions, so many that a table may be old.
        keeper.batch_execute("DO 'BEGIN FOR i IN 1 .. 100100 LOOP BEGIN INSERT INTO public.burnt DEFAULT VALUES; EXCEPTION WHEN others THEN RAISE; END; END LOOP; END'")
            .unwrap();
        let mut admin = owned.central.admin();
        for sql in [
            "ALTER SYSTEM SET autovacuum_naptime = '1s'",
            "SELECT pg_reload_conf()",
        ] {
            admin.batch_execute(sql).unwrap();
        }
        owned.process();
        owned
    }

    fn conninfo(&self) -> String {
        self.central.conninfo().replace("postgres", "keeper")
    }

    /// The process that holds the log, once there is one.
    fn process(&self) -> String {
        let mut process = String::new();
        while process.is_empty() {
            process = self.central.value(AUTOVACUUM);
            std::thread::yield_now();
        }
        process
    }
}

#[test]
fn an_autovacuum_gives_way() {
    let vacuumed =
        Vacuumed::new("autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0");
    let before = vacuumed.process();
    let said = messages(
        UPGRADE,
        json!({"CONNECTION_NAME": vacuumed.conninfo(), "RUNIT": true}),
    );
    let last = said.last().unwrap();
    assert!(
        last.contains("were upgraded from version 0.4.5"),
        "{said:?}"
    );
    assert_ne!(vacuumed.central.value(AUTOVACUUM), before);
}

#[test]
fn one_that_prevents_a_wraparound_does_not_and_is_named() {
    let vacuumed = Vacuumed::new("autovacuum_freeze_max_age = 100000, autovacuum_enabled = off");
    let process = vacuumed.process();
    let parameters = json!({"CONNECTION_NAME": vacuumed.conninfo(), "RUNIT": true});
    let started = std::time::Instant::now();
    let said = refused(UPGRADE, parameters.clone(), Kind::State);
    assert!((10..20).contains(&started.elapsed().as_secs()));
    for what in [
        &format!("audit.logged_actions is used by an autovacuum (process {process})"),
        "Nothing was changed.",
        "wraparound",
    ] {
        assert!(said.contains(what), "{what}: {said}");
    }
    assert_eq!(vacuumed.process(), process);
    assert_eq!(
        vacuumed
            .central
            .value("SELECT to_regclass('lizsync.deployments')"),
        "∅"
    );
    // The way out: it ends.
    let mut admin = vacuumed.central.admin();
    for sql in [
        "ALTER SYSTEM SET autovacuum = off",
        "SELECT pg_reload_conf()",
        &format!("SELECT pg_terminate_backend({process})"),
    ] {
        admin.batch_execute(sql).unwrap();
    }
    let said = messages(UPGRADE, parameters).pop().unwrap();
    assert!(said.contains("were upgraded from version 0.4.5"), "{said}");
}
