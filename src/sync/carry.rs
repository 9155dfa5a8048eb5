//! Carrying rows from one database to the other, within the transactions of both.

use std::io::{Read, Write};

use ::postgres::fallible_iterator::FallibleIterator;

use crate::error::Result;
use crate::postgres::{Connection, Doing};
use crate::text::Text;

/// Bytes that are passed on at once.
const BUFFER: usize = 64 * 1024;

/// Copies what `query` returns in one database into `columns` of `table` in the other.
pub fn carry(
    from: &mut Connection,
    query: &str,
    to: &mut Connection,
    table: &str,
    columns: &str,
    doing: fn() -> Text,
) -> Result<()> {
    let mut from = from
        .copy_out(&format!("COPY ({query}) TO STDOUT (FORMAT binary)"))
        .doing(doing)?;
    let mut to = to
        .copy_in(&format!(
            "COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
        ))
        .doing(doing)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = from.read(&mut buffer).doing(doing)?;
        if length == 0 {
            break;
        }
        to.write_all(&buffer[..length]).doing(doing)?;
    }
    to.finish().doing(doing)?;
    Ok(())
}

/// Hands what `query` returns in one database, rows of one text (a JSON array each), to `call` in the
/// other, as its $1. So the functions of the other database need not look at temporary tables.
pub fn hand_over(
    from: &mut Connection,
    query: &str,
    to: &mut Connection,
    call: &str,
    doing: fn() -> Text,
) -> Result<()> {
    let call = (**to).prepare(call).doing(doing)?;
    let mut parts = from.query_raw(query, [] as [&str; 0]).doing(doing)?;
    while let Some(part) = parts.next().doing(doing)? {
        to.query_one(&call, &[&part.get::<_, &str>(0)])
            .doing(doing)?;
    }
    Ok(())
}
