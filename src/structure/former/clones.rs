//! What the former plugin knew of the other databases: what is still on its way, and where a clone comes from.

use ::postgres::GenericClient;
use uuid::Uuid;

use super::survey::Survey;
use crate::error::Result;
use crate::feedback::Feedback;
use crate::postgres::{Doing, Template};
use crate::text::{Text, tr};

/// A clone that a central knows.
#[derive(Debug)]
pub(super) struct Clone {
    pub(super) id: Uuid,
    listed: bool,
    package_event: Option<i64>,
}

/// What a clone knows of its package and its central.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) central: Uuid,
    package: Option<Uuid>,
    time: Option<String>,
    last_event: Option<i64>,
}

/// Events that somebody lacks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Waiting {
    id: Uuid,
    events: i64,
    truncates: i64,
    bare: i64,
}

impl Waiting {
    fn told(&self) -> Text {
        let mut parts = vec![tr!("{n} event" | "{n} events" % self.events.unsigned_abs())];
        if self.truncates > 0 {
            parts.push(tr!("{count} TRUNCATE", count = self.truncates));
        }
        if self.bare > 0 {
            parts.push(tr!(
                "{n} event without its row, which cannot be carried over"
                    | "{n} events without their rows, which cannot be carried over"
                        % self.bare.unsigned_abs()
            ));
        }
        Text::list(parts)
    }
}

/// The clones of a central; `lists`: the table of their lists, as SQL.
pub(super) fn of_central(
    client: &mut impl GenericClient,
    survey: &Survey,
    lists: &str,
) -> Result<Vec<Clone>> {
    let sql = Template::new(include_str!("../../../sql/structure/former/clones.sql"))
        .set("lists", lists)
        .sql();
    let rows = client
        .query(&sql, &[&survey.server_id])
        .doing(|| tr!("Looking for the clones of the former plugin"))?;
    Ok(rows
        .iter()
        .map(|row| Clone {
            id: row.get("id"),
            listed: row.get("listed"),
            package_event: row.get("package_event"),
        })
        .collect())
}

/// Says what waits in a central for each of its clones.
pub(super) fn tell_clones(
    client: &mut impl GenericClient,
    survey: &Survey,
    clones: &[Clone],
    feedback: &Feedback,
) -> Result<()> {
    if clones.is_empty() {
        feedback.info(tr!("No clone of the former plugin is known."));
        return Ok(());
    }
    feedback.info(tr!("Counting what the clones have not received yet."));
    let of: Vec<(Uuid, Option<i64>)> = clones.iter().map(|c| (c.id, c.package_event)).collect();
    let waiting = waiting(client, survey, &of, false)?;
    for clone in clones {
        let nothing = Waiting::default();
        let of = waiting.iter().find(|waiting| waiting.id == clone.id);
        let (id, told) = (clone.id, of.unwrap_or(&nothing).told());
        let text = match clone.listed {
            true => tr!(
                "Waiting in this central for the clone {id}: {told}.",
                id,
                told
            ),
            false => tr!(
                "Waiting in this central for the clone {id} (known by the history only): {told}.",
                id,
                told
            ),
        };
        match of.is_some_and(|waiting| waiting.bare > 0) {
            true => feedback.warning(tr!("{text} Compare the tables after its first synchronisation (lizsync.compare_tables).", text)),
            false => feedback.info(text),
        }
    }
    Ok(())
}

/// Says what waits in a clone for its central.
pub(super) fn tell_central(
    client: &mut impl GenericClient,
    survey: &Survey,
    central: Uuid,
    feedback: &Feedback,
) -> Result<()> {
    let waiting = waiting(client, survey, &[(central, None)], true)?;
    let nothing = Waiting::default();
    let of = waiting.first().unwrap_or(&nothing);
    let text = tr!(
        "Waiting in this clone for the central {central}: {told}.",
        central,
        told = of.told()
    );
    match of.bare > 0 {
        true => feedback.warning(text),
        false => feedback.info(text),
    }
    Ok(())
}

fn waiting(
    client: &mut impl GenericClient,
    survey: &Survey,
    of: &[(Uuid, Option<i64>)],
    own: bool,
) -> Result<Vec<Waiting>> {
    let sql = Template::new(include_str!("../../../sql/structure/former/waiting.sql"))
        .set("log", survey.layout.log())
        .sql();
    let ids: Vec<Uuid> = of.iter().map(|(id, _)| *id).collect();
    let events: Vec<Option<i64>> = of.iter().map(|(_, event)| *event).collect();
    let rows = client
        .query(&sql, &[&ids, &events, &own, &survey.server_id])
        .doing(|| tr!("Counting what has not been received"))?;
    Ok(rows
        .iter()
        .map(|row| Waiting {
            id: row.get("id"),
            events: row.get("events"),
            truncates: row.get("truncates"),
            bare: row.get("bare"),
        })
        .collect())
}

/// Lets an upgraded central know its clones: they are those of before, and its log is kept for them.
pub(super) fn register(client: &mut impl GenericClient, clones: &[Clone]) -> Result<()> {
    let ids: Vec<Uuid> = clones.iter().map(|clone| clone.id).collect();
    client
        .execute(
            include_str!("../../../sql/structure/former/registered.sql"),
            &[&ids],
        )
        .doing(|| tr!("Registering the clones"))?;
    Ok(())
}

/// The package and the central of a clone, from its history and its log (as SQL). Where neither names a central, the
/// first synchronisation with one that knows the clone does: its id is nil until then.
pub(super) fn package(
    client: &mut impl GenericClient,
    clone: Option<Uuid>,
    log: &str,
) -> Result<Package> {
    let sql = Template::new(include_str!("../../../sql/structure/former/package.sql"))
        .set("log", log)
        .sql();
    let row = client
        .query_opt(&sql, &[&clone])
        .doing(|| tr!("Looking for the package that the clone was made from"))?;
    Ok(row.map_or_else(Package::unknown, |row| Package {
        central: row.get("central"),
        package: row.get("package"),
        time: row.get("time"),
        last_event: row.get("last_event"),
    }))
}

impl Package {
    fn unknown() -> Self {
        Self {
            central: Uuid::nil(),
            package: None,
            time: None,
            last_event: None,
        }
    }

    /// Writes it where a synchronisation looks for it. `schemas`: those of the audited tables, where no list names any.
    pub(super) fn record(
        &self,
        client: &mut impl GenericClient,
        clone: Option<Uuid>,
        schemas: &str,
    ) -> Result<()> {
        client
            .execute(
                include_str!("../../../sql/structure/former/deployment.sql"),
                &[
                    &clone,
                    &self.central,
                    &self.package,
                    &self.time,
                    &self.last_event,
                    &schemas,
                ],
            )
            .doing(|| tr!("Recording the deployment in the clone"))?;
        Ok(())
    }
}
