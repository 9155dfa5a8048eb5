//! Carrying rows from one database to the other, within the transactions of both.

use std::io::{Read, Write};

use crate::error::Result;
use crate::postgres::{Connection, Doing};

/// Bytes that are passed on at once.
const BUFFER: usize = 64 * 1024;

/// Copies what `query` returns in one database into `columns` of `table` in the other.
pub fn carry(
    from: &mut Connection,
    query: &str,
    to: &mut Connection,
    table: &str,
    columns: &str,
    doing: &'static str,
) -> Result<()> {
    let doing = || doing;
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
