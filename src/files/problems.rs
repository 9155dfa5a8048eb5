//! What went wrong with a server, in words.

use std::io;

use ftp::FtpError;

use super::names;
use super::session::{Problem, Session};
use crate::error::{Error, Kind};
use crate::text::{Text, tr};

/// What an error of the library means.
pub fn problem(session: &Session, error: FtpError) -> Problem {
    match error {
        FtpError::ConnectionError(error) => lost(session, &error),
        FtpError::SecureError(text) => insecure(session, &text),
        FtpError::UnexpectedResponse(response) => {
            let text = names::text(&response.body);
            // The library does not know all codes. What stands before the words is the code.
            let code = text.get(..3).and_then(|code| code.parse().ok());
            let code = code.unwrap_or_else(|| response.status.code());
            let words =
                text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-' || c == ' ');
            match code {
                421 => Problem::Lost(tr!(
                    "the server ended the connection ({words})",
                    words = session.clean(words)
                )),
                code => Problem::Refused(code, Text::verbatim(session.clean(words))),
            }
        }
        FtpError::DataConnectionAlreadyOpen => Problem::Lost(tr!("the connection is busy")),
        _ => odd(session),
    }
}

fn odd(session: &Session) -> Problem {
    Problem::Lost(tr!(
        "{account} answers with something that is not FTP",
        account = session.account
    ))
}

pub fn lost(session: &Session, error: &io::Error) -> Problem {
    let account = &session.account;
    if let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return insecure(session, &tls.to_string());
    }
    Problem::Lost(match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => tr!(
            "the server {account} did not answer within {seconds} seconds",
            account,
            seconds = account.timeout.as_secs_f32()
        ),
        io::ErrorKind::ConnectionRefused => tr!("nothing listens on {account}", account),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => {
            tr!("the connection to {account} broke", account)
        }
        _ => tr!(
            "the connection to {account} failed ({error})",
            account,
            error
        ),
    })
}

fn insecure(session: &Session, text: &str) -> Problem {
    let message = tr!(
        "The FTP server {account} cannot be trusted: {why}.",
        account = session.account,
        why = session.clean(text)
    );
    let hint = tr!(
        "Name the certificate of the server or of its authority in FTP_CA_FILE; FTP_ANY_CERTIFICATE=true takes any certificate, FTP_TLS=disable does not encrypt."
    );
    Error::new(Kind::Transfer, message).hint(hint).into()
}

pub fn refused_login(session: &Session, code: u32, text: &Text) -> Problem {
    let account = &session.account;
    let message = tr!(
        "The FTP server {account} refuses the login “{login}” ({code} {text}).",
        account,
        login = account.login,
        code,
        text
    );
    let hint = match account.password.reveal().is_empty() {
        true => tr!("No password was given, and none was found in LizSync.ini and ~/.netrc."),
        false => tr!("Check the login and the password."),
    };
    Error::new(Kind::Transfer, message).hint(hint).into()
}
