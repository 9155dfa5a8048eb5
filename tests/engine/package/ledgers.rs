//! A role may write the ledger of the central. Nobody's edits are thrown away by a deployment because of what it says.

use lizsync::error::Kind;

use super::fixture::*;
use crate::support::role::Role;
use crate::support::{Database, synchronize};

/// Says that the central has taken all that the clone will ever log; `run` is SQL for the run that it then has.
fn forge(role: &Role, central: &Database, clone: &Database, run: &str) {
    let id = clone.value("SELECT server_id FROM lizsync.server_metadata");
    role.run(
        central,
        &format!(
            "SELECT lizsync.receive(l.sender, '1:999999999:'::txid_snapshot, {run}, l.deployment, l.system_identifier, l.timeline,
                l.highest_event, l.acknowledged) FROM lizsync.ledger('{id}') AS l"
        ),
    );
}

#[test]
fn a_forged_ledger_does_not_have_edits_of_another_clone_thrown_away() {
    let role = Role::new("ledger_forger");
    let (central, clone, folder, _) = deployed("forged");
    role.grant("Synchronising", &central);
    for (number, run) in ["l.sync_id", "md5('x')::uuid"].into_iter().enumerate() {
        for _ in 0..2 {
            synchronize(&central, &clone);
        }
        clone.run("UPDATE gis.tree SET name = name || ' edited' WHERE id = 1");
        forge(&role, &central, &clone, run);
        let zip = folder.path(&format!("{number}.zip"));
        package(&central, "gis", &zip);
        let said = refused(&central, &clone, &zip, Kind::State);
        assert!(said.contains("gis.tree (1)"), "{run}: {said}");
        if number == 0 {
            // The clone goes by its own memory.
            synchronize(&central, &clone);
            assert_eq!(
                central.value("SELECT name FROM gis.tree WHERE id = 1"),
                "oak edited"
            );
            deploy(&central, &clone, &zip).unwrap();
        } else {
            assert!(said.contains("does not know"), "{said}");
            crate::support::refused(
                "synchronize_database",
                serde_json::json!({"CONNECTION_NAME_CENTRAL": central.conninfo(), "CONNECTION_NAME_CLONE": clone.conninfo()}),
                Kind::State,
            );
            // The way out that is told.
            clone.run("DELETE FROM audit.logged_actions");
            deploy(&central, &clone, &zip).unwrap();
            synchronize(&central, &clone);
        }
    }
}
