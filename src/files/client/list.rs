//! Listing a folder.

use std::io::{self, BufRead, BufReader, Read};

use ftp::FtpError;

use super::Client;
use crate::error::{Error, Kind};
use crate::files::connect::wire;
use crate::files::listing::{self, Found};
use crate::files::names;
use crate::files::session::Problem;
use crate::text::tr;

/// No folder has a longer listing than this; a server may never end one.
const LONGEST_LISTING: u64 = 64 << 20;
const LONGEST_LINE: u64 = 16 << 10;

impl Client {
    /// What is in a folder.
    pub fn list(&mut self, folder: &[u8]) -> Result<Vec<Found>, Problem> {
        if self.can.mlsd {
            let command = format!("MLSD {}", wire(folder));
            match self.lines(&command, listing::mlsd) {
                Err(Problem::Refused(500 | 502 | 504, _)) => self.can.mlsd = false,
                other => return other,
            }
        }
        // As an argument, a name with a star or a dash in front would be a pattern or an option.
        self.enter(folder)?;
        let now = chrono::Utc::now().timestamp();
        let parse = |line: &[u8]| listing::list(line, now);
        // -a shows what begins with a dot; not every server knows it, and some take it for a name.
        match self.lines("LIST -a", parse) {
            Ok(found) if !found.is_empty() => return Ok(found),
            Ok(_) | Err(Problem::Refused(..)) => (),
            Err(problem) => return Err(problem),
        }
        match self.lines("LIST", parse) {
            // So some servers call an empty folder.
            Err(Problem::Refused(450 | 550, _)) => Ok(Vec::new()),
            other => other,
        }
    }

    fn lines(
        &mut self,
        command: &str,
        parse: impl Fn(&[u8]) -> Option<Found>,
    ) -> Result<Vec<Found>, Problem> {
        let stream = self.open(command)?;
        let mut reader = BufReader::new(stream.take(LONGEST_LISTING));
        let mut found = Vec::new();
        let mut line = Vec::new();
        let (mut cut, mut odd) = (false, None);
        loop {
            line.clear();
            match (&mut reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
            {
                Ok(0) => break,
                Ok(_) if line.len() as u64 == LONGEST_LINE => return Err(self.endless(reader)),
                Ok(_) => {
                    // The name may go on.
                    cut = !line.ends_with(b"\n");
                    let text = without_end(&line);
                    match parse(text) {
                        Some(entry) => found.push(entry),
                        None if listing::is_no_entry(text) => (),
                        None => odd = Some(names::text(text)),
                    }
                }
                // Some servers end TLS without saying so; the reply tells whether the listing is whole.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => {
                    self.sockets.shut();
                    drop(reader);
                    return Err(self.wrong(FtpError::ConnectionError(error)));
                }
            }
        }
        let rest = reader.into_inner();
        if rest.limit() == 0 {
            return Err(self.endless(rest));
        }
        self.sockets.release();
        rest.into_inner()
            .finish()
            .map_err(|error| self.wrong(error))?;
        if cut {
            return Err(Problem::Lost(tr!("the listing of a folder was cut")));
        }
        if let Some(line) = odd {
            let text = tr!(
                "The FTP server {account} lists something that is not understood: “{line}”.",
                account = self.session.account,
                line = self.session.clean(&line)
            );
            // Of a folder that is not understood at all, nothing would be known to be missing.
            if found.is_empty() {
                let hint = tr!("Nothing was transferred. Please report the line.");
                return Err(Error::new(Kind::Transfer, text).hint(hint).into());
            }
            self.session.feedback.warning(text);
        }
        Ok(found)
    }

    fn endless<T>(&self, stream: T) -> Problem {
        self.sockets.shut();
        drop(stream);
        let text = tr!(
            "The FTP server {account} does not end the listing of a folder.",
            account = self.session.account
        );
        Error::new(Kind::Transfer, text)
            .hint(tr!(
                "Its administrator should look at it; nothing more was transferred."
            ))
            .into()
    }
}

/// A line without what ends it.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
