//! The binary form of COPY and of hstore, as PostgreSQL documents it. Pure: bytes in, bytes out.

use std::io::{self, Read, Write};

use crate::text::{Text, tr};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// PostgreSQL holds no value of more than 1 GB.
const LARGEST: i32 = 0x4000_0000;

fn bad(what: Text) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        tr!("the server sent {what}", what),
    )
}

/// Reads the rows of a `COPY … TO STDOUT (FORMAT binary)`.
pub struct RowReader<R> {
    stream: R,
    started: bool,
}

impl<R: Read> RowReader<R> {
    /// Reads from `stream`.
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            started: false,
        }
    }

    fn int<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn start(&mut self) -> io::Result<()> {
        if self.int::<11>()? != SIGNATURE {
            return Err(bad(tr!("no binary COPY")));
        }
        let _flags = self.int::<4>()?;
        let extension = i32::from_be_bytes(self.int()?);
        let mut skipped =
            vec![0; usize::try_from(extension).map_err(|_| bad(tr!("a negative length")))?];
        self.stream.read_exact(&mut skipped)?;
        self.started = true;
        Ok(())
    }

    /// The values of the next row, None for null; nothing at the end.
    pub fn next_row(&mut self) -> io::Result<Option<Vec<Option<Vec<u8>>>>> {
        if !self.started {
            self.start()?;
        }
        let columns = i16::from_be_bytes(self.int()?);
        if columns < 0 {
            return Ok(None);
        }
        let mut row = Vec::with_capacity(columns as usize);
        for _ in 0..columns {
            let length = i32::from_be_bytes(self.int()?);
            row.push(match length {
                -1 => None,
                0..=LARGEST => {
                    let mut value = vec![0; length as usize];
                    self.stream.read_exact(&mut value)?;
                    Some(value)
                }
                _ => return Err(bad(tr!("an impossible length"))),
            });
        }
        Ok(Some(row))
    }
}

/// Writes rows for a `COPY … FROM STDIN (FORMAT binary)`.
pub struct RowWriter<W: Write> {
    stream: W,
    row: Vec<u8>,
    columns: i16,
}

impl<W: Write> RowWriter<W> {
    /// Writes to `stream`, beginning with the header.
    pub fn new(mut stream: W) -> io::Result<Self> {
        stream.write_all(SIGNATURE)?;
        stream.write_all(&[0; 8])?;
        Ok(Self {
            stream,
            row: Vec::new(),
            columns: 0,
        })
    }

    /// Adds a value to the row.
    pub fn value(&mut self, value: Option<&[u8]>) -> &mut Self {
        self.columns += 1;
        push(&mut self.row, value);
        self
    }

    /// Ends the row.
    pub fn end_row(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.columns.to_be_bytes())?;
        self.stream.write_all(&self.row)?;
        self.row.clear();
        self.columns = 0;
        Ok(())
    }

    /// Ends the stream and hands it back.
    pub fn finish(mut self) -> io::Result<W> {
        self.stream.write_all(&(-1i16).to_be_bytes())?;
        Ok(self.stream)
    }
}

fn push(buffer: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => buffer.extend((-1i32).to_be_bytes()),
        Some(bytes) => {
            // Values come from PostgreSQL, which holds none of this size.
            let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
            buffer.extend(length.to_be_bytes());
            buffer.extend(bytes);
        }
    }
}

/// Writes an hstore.
pub fn write_hstore<'a>(
    pairs: impl ExactSizeIterator<Item = (&'a str, Option<&'a str>)>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(i32::try_from(pairs.len()).unwrap_or(i32::MAX).to_be_bytes());
    for (key, value) in pairs {
        push(&mut bytes, Some(key.as_bytes()));
        push(&mut bytes, value.map(str::as_bytes));
    }
    bytes
}

/// Reads an hstore: calls `each` with every key and value.
pub fn read_hstore(bytes: &[u8], mut each: impl FnMut(&str, Option<&str>)) -> io::Result<()> {
    let mut rest = bytes;
    let pairs = take_int(&mut rest)?;
    for _ in 0..pairs {
        let key = take_text(&mut rest)?.ok_or_else(|| bad(tr!("a null key")))?;
        let value = take_text(&mut rest)?;
        each(key, value);
    }
    // Lengths that are not those of the texts would cut the values.
    match rest {
        [] => Ok(()),
        _ => Err(bad(tr!("a value that is longer than its parts"))),
    }
}

fn take_int(bytes: &mut &[u8]) -> io::Result<i32> {
    let (head, tail) = bytes
        .split_first_chunk()
        .ok_or_else(|| bad(tr!("a short value")))?;
    *bytes = tail;
    Ok(i32::from_be_bytes(*head))
}

fn take_text<'a>(bytes: &mut &'a [u8]) -> io::Result<Option<&'a str>> {
    let length = take_int(bytes)?;
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| bad(tr!("a negative length")))?;
    let (head, tail) = bytes
        .split_at_checked(length)
        .ok_or_else(|| bad(tr!("a short value")))?;
    *bytes = tail;
    std::str::from_utf8(head)
        .map(Some)
        .map_err(|_| bad(tr!("text that is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_back(rows in prop::collection::vec(prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..20)), 0..5), 0..5)) {
            let mut writer = RowWriter::new(Vec::new()).unwrap();
            for row in &rows {
                for value in row {
                    writer.value(value.as_deref());
                }
                writer.end_row().unwrap();
            }
            let bytes = writer.finish().unwrap();
            let mut reader = RowReader::new(bytes.as_slice());
            let mut read = Vec::new();
            while let Some(row) = reader.next_row().unwrap() {
                read.push(row);
            }
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn hstores_come_back(pairs in prop::collection::btree_map(".*", prop::option::of(".*"), 0..6)) {
            let bytes = write_hstore(pairs.iter().map(|(k, v)| (k.as_str(), v.as_deref())));
            let mut read = std::collections::BTreeMap::new();
            read_hstore(&bytes, |k, v| { read.insert(k.to_owned(), v.map(str::to_owned)); }).unwrap();
            prop_assert_eq!(read, pairs);
        }

        #[test]
        fn an_hstore_that_does_not_end_with_its_last_value_is_refused(more in prop::collection::vec(any::<u8>(), 1..5)) {
            let mut bytes = write_hstore([("a", Some("b"))].into_iter());
            bytes.extend(more);
            prop_assert!(read_hstore(&bytes, |_, _| ()).is_err());
        }

        #[test]
        fn rubbish_is_an_error_not_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = read_hstore(&bytes, |_, _| ());
            let mut with_header = SIGNATURE.to_vec();
            with_header.extend([0; 8]);
            with_header.extend(&bytes[..bytes.len().min(40)]);
            // A length of up to 1 GB is believed; keep the test small by refusing those.
            if bytes.first().is_none_or(|b| *b >= 0x80) {
                let _ = RowReader::new(with_header.as_slice()).next_row();
            }
        }
    }
}
