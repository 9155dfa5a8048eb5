//! The difference between the clocks of two servers.

use std::time::Instant;

use super::change::Time;
use crate::error::Result;
use crate::postgres::{Connection, Doing};
use crate::text::tr;

/// How often each clock is read; the quickest answer counts.
const SAMPLES: usize = 2;

/// A reading of a server's clock.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Microseconds that the server's clock is ahead of ours.
    ahead: i64,
    /// By how much that may be wrong: half the time that the answer took.
    uncertainty: i64,
}

/// What to add to a time of the clone to get the central's, in microseconds. A difference that is
/// smaller than what can be measured counts as none, so that a tie stays a tie.
pub fn offset(central: &mut Connection, clone: &mut Connection) -> Result<Time> {
    let start = Instant::now();
    let (central, clone) = (read(central, start)?, read(clone, start)?);
    Ok(difference(central, clone))
}

fn difference(central: Reading, clone: Reading) -> Time {
    let difference = central.ahead - clone.ahead;
    let uncertainty = central.uncertainty + clone.uncertainty;
    if difference.abs() <= uncertainty {
        0
    } else {
        difference
    }
}

fn read(connection: &mut Connection, start: Instant) -> Result<Reading> {
    let mut best = Reading {
        ahead: 0,
        uncertainty: i64::MAX / 4,
    };
    let micros =
        |at: Instant| i64::try_from(at.duration_since(start).as_micros()).unwrap_or(i64::MAX / 4);
    for _ in 0..SAMPLES {
        let before = micros(Instant::now());
        let row = connection
            .query_one(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
                &[],
            )
            .doing(|| tr!("Reading the clock of a server"))?;
        let after = micros(Instant::now());
        let uncertainty = (after - before) / 2 + 1;
        if uncertainty < best.uncertainty {
            best = Reading {
                ahead: row.get::<_, i64>(0) - (before + after) / 2,
                uncertainty,
            };
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::{Reading, difference};

    #[test]
    fn what_cannot_be_measured_counts_as_none() {
        let reading = |ahead, uncertainty| Reading { ahead, uncertainty };
        assert_eq!(difference(reading(150, 100), reading(0, 60)), 0);
        assert_eq!(
            difference(reading(2_000_000, 100), reading(0, 60)),
            2_000_000
        );
        assert_eq!(
            difference(reading(0, 100), reading(2_000_000, 60)),
            -2_000_000
        );
    }
}
