//! Work on both databases at the same time.

use std::thread;

use crate::error::{Error, Result};
use crate::postgres::is_collision;

/// Does both, the second on a thread of its own, and waits for both. Where both fail, the error counts that trying
/// again does not mend.
pub fn at_once<A, B: Send>(
    one: impl FnOnce() -> Result<A>,
    other: impl FnOnce() -> Result<B> + Send,
) -> Result<(A, B)> {
    thread::scope(|threads| {
        let other = threads.spawn(other);
        let one = one();
        let other = other
            .join()
            .unwrap_or_else(|_| Err(Error::internal("The work on one database stopped.")));
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(one), Err(other)) if is_collision(&one) => Err(other),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::at_once;
    use crate::error::{Error, Kind};
    use crate::text::Text;

    #[test]
    fn the_error_that_stays_counts() {
        let collision =
            || Error::new(Kind::Database, Text::verbatim("collision")).sqlstate("40001");
        let real = || Error::new(Kind::Database, Text::verbatim("real"));
        let of = |one: Error, other: Error| {
            let error = at_once(|| Err::<(), _>(one), || Err::<(), _>(other)).unwrap_err();
            error.to_string()
        };
        assert!(of(collision(), real()).contains("real"));
        assert!(of(real(), collision()).contains("real"));
        assert_eq!(at_once(|| Ok(1), || Ok(2)).unwrap(), (1, 2));
        assert!(
            at_once(
                || Ok(1),
                || -> crate::error::Result<()> { panic!("stopped") }
            )
            .is_err()
        );
    }
}
