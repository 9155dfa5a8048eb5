//! Data connections: the content of files, in both directions.

use std::io::{self, Read, Write};

use ftp::{FtpError, RustlsConnector, Status, TlsConnector, TransferStream};

use super::Client;
use crate::error::Error;
use crate::files::connect::wire;
use crate::files::session::Problem;
use crate::files::single::unwritten;
use crate::text::tr;

const PIECE: usize = 64 << 10;

type Encrypted = <RustlsConnector as TlsConnector>::Stream;

impl Client {
    /// Opens the data connection of a command.
    pub(super) fn open(&mut self, command: &str) -> Result<TransferStream<Encrypted>, Problem> {
        let expected = [Status::AboutToSend, Status::AlreadyOpen];
        let opened = self.stream.custom_data_command(command, &expected);
        let (_, stream) = opened.map_err(|error| self.unopened(error))?;
        Ok(stream)
    }

    /// A data connection that did not come about.
    fn unopened(&self, error: FtpError) -> Problem {
        let problem = self.wrong(error);
        let about_tls = match &problem {
            Problem::Refused(425 | 426 | 522 | 535, _) => true,
            Problem::Lost(_) => true,
            Problem::Refused(..) | Problem::Final(_) => false,
        };
        // Servers that want a session to be resumed do not take each of TLS 1.3 for one.
        if about_tls && self.session.is_secure() && !self.older {
            self.session.go_older();
            return Problem::Lost(problem.text());
        }
        problem
    }

    /// Whether a transfer can begin at this byte of a file.
    pub fn can_resume(&self, from: u64) -> bool {
        self.can.rest && usize::try_from(from).is_ok()
    }

    /// Writes a file from byte `from` on to `sink`, `wanted` bytes; `moved` is told how many came.
    pub fn download(
        &mut self,
        path: &[u8],
        from: u64,
        wanted: u64,
        sink: &mut dyn Write,
        moved: &dyn Fn(u64),
    ) -> Result<(), Problem> {
        self.begin_at(from)?;
        let mut stream = self.open(&format!("RETR {}", wire(path)))?;
        let mut piece = vec![0; PIECE];
        let mut got = 0;
        let problem = loop {
            match stream.read(&mut piece) {
                Ok(0) => break None,
                Ok(count) => {
                    got += count as u64;
                    if got > wanted {
                        break Some(Problem::Lost(tr!("the file grew while it was read")));
                    }
                    if let Err(error) = sink.write_all(&piece[..count]) {
                        break Some(unwritable(&error));
                    }
                    moved(count as u64);
                }
                // See `lines`.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break None,
                Err(error) => break Some(self.wrong(FtpError::ConnectionError(error))),
            }
        };
        if let Some(problem) = problem {
            // Without this the library would wait for the end of the transfer.
            self.sockets.shut();
            return Err(problem);
        }
        self.sockets.release();
        stream.finish().map_err(|error| self.wrong(error))?;
        match got == wanted {
            true => Ok(()),
            false => Err(Problem::Lost(tr!(
                "{got} bytes came instead of {wanted}",
                got,
                wanted
            ))),
        }
    }

    /// Writes `source` to a file, from its byte `from` on.
    pub fn upload(
        &mut self,
        path: &[u8],
        from: u64,
        source: &mut dyn Read,
        moved: &dyn Fn(u64),
    ) -> Result<(), Problem> {
        self.begin_at(from)?;
        let mut stream = self.open(&format!("STOR {}", wire(path)))?;
        let mut piece = vec![0; PIECE];
        let problem = loop {
            match source.read(&mut piece) {
                Ok(0) => match stream.flush() {
                    Ok(()) => break None,
                    Err(error) => break Some(self.wrong(FtpError::ConnectionError(error))),
                },
                Ok(count) => {
                    if let Err(error) = stream.write_all(&piece[..count]) {
                        break Some(self.wrong(FtpError::ConnectionError(error)));
                    }
                    moved(count as u64);
                }
                Err(error) => {
                    let text = tr!("The file cannot be read: {error}.", error);
                    break Some(Error::file(text).into());
                }
            }
        };
        if let Some(problem) = problem {
            self.sockets.shut();
            return Err(problem);
        }
        self.sockets.release();
        stream.finish().map_err(|error| self.wrong(error))
    }

    fn begin_at(&mut self, from: u64) -> Result<(), Problem> {
        // Where that is too large a number for the machine, nothing is resumed: see `can_resume`.
        let from = usize::try_from(from).unwrap_or_default();
        self.stream
            .resume_transfer(from)
            .map_err(|error| self.wrong(error))
    }
}

fn unwritable(error: &io::Error) -> Problem {
    unwritten(tr!("The file cannot be written"), error).into()
}
