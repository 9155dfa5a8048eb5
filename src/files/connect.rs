//! Connecting and logging in to an FTP server.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftp::types::{FileType, Response};
use ftp::{
    Encoding, FtpError, FtpResult, Mode, RustlsConnector, RustlsFtpStream, Status, TlsConnector,
};
use rustls::ClientConfig;

use super::problems::{lost, problem, refused_login};
use super::session::{Problem, Session, Tls};
use crate::error::{Error, Kind};
use crate::postgres::beside;
use crate::secret::Secret;
use crate::text::tr;

/// The sockets of one connection, to be closed from another thread.
#[derive(Debug, Clone, Default)]
pub struct Sockets(Arc<Mutex<Vec<TcpStream>>>);

impl Sockets {
    /// Ends everything that waits for one of them.
    pub fn shut(&self) {
        for socket in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // One that is closed already is what is wanted.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Lets go of that of the data: as long as it is kept here it does not close.
    pub fn release(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .truncate(1);
    }

    /// Keeps the first one, of the commands, and the last one, of the data.
    fn keep(&self, socket: &TcpStream) {
        if let Ok(socket) = socket.try_clone() {
            let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            list.truncate(1);
            list.push(socket);
        }
    }
}

/// Sends and takes the bytes as they are; names are made to text elsewhere.
#[derive(Debug)]
struct Bytes;

impl Encoding for Bytes {
    fn decode(&self, bytes: &[u8]) -> String {
        wire(bytes)
    }

    fn encode(&self, text: &str) -> io::Result<Vec<u8>> {
        let byte = |c| u8::try_from(u32::from(c)).map_err(|_| io::ErrorKind::InvalidInput.into());
        text.chars().map(byte).collect()
    }
}

/// Bytes as the text that [`Bytes`] sends as these bytes.
pub fn wire(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// TLS with limits on how long it may take.
#[derive(Debug)]
struct Connector {
    inner: RustlsConnector,
    timeout: Duration,
    sockets: Sockets,
}

impl TlsConnector for Connector {
    type Stream = <RustlsConnector as TlsConnector>::Stream;

    fn connect(&self, domain: &str, stream: TcpStream) -> FtpResult<Self::Stream> {
        limit(&stream, self.timeout).map_err(FtpError::ConnectionError)?;
        self.sockets.keep(&stream);
        self.inner.connect(domain, stream)
    }
}

/// A connection that is logged in.
pub struct Logged {
    /// It.
    pub stream: RustlsFtpStream,
    /// What the server can, by the names of RFC 2389.
    pub features: ftp::types::Features,
    /// The folder where it begins.
    pub home: Vec<u8>,
}

/// Connects and logs in. `sockets` can end that from another thread.
pub fn log_in(session: &Session, sockets: &Sockets) -> Result<Logged, Problem> {
    let account = &session.account;
    let mut stream = secured(session, sockets)?;
    stream.set_encoding(Bytes);
    let wrong = |error| problem(session, error);
    if account.tls == Tls::Implicit {
        // The library leaves these to its caller. Some servers know them only after the login.
        protect(&mut stream).or_else(|error| match error {
            FtpError::UnexpectedResponse(_) => Ok(()),
            error => Err(wrong(error)),
        })?;
    }
    let (login, password) = (account.login.as_str(), account.password.reveal());
    let wired = Secret::new(wire(password.as_bytes()));
    let mut logged = stream.login(wire(login.as_bytes()).as_str(), wired.reveal());
    let is_latin = |text: &str| text.chars().all(|c| u32::from(c) < 256);
    let is_plain = login.is_ascii() && password.is_ascii();
    if let Err(FtpError::UnexpectedResponse(_)) = logged
        && !is_plain
        && is_latin(login)
        && is_latin(password)
    {
        // A server of old may take names and passwords in Latin-1.
        logged = stream.login(login, password);
    }
    logged.map_err(|error| match wrong(error) {
        Problem::Refused(code @ (430 | 530 | 531 | 532), text) => {
            refused_login(session, code, &text)
        }
        problem => problem,
    })?;
    if account.tls == Tls::Implicit {
        protect(&mut stream).map_err(wrong)?;
    }
    let features = match stream.feat() {
        Ok(features) => features,
        Err(FtpError::UnexpectedResponse(_)) => Default::default(),
        Err(error) => return Err(wrong(error)),
    };
    if features.contains_key("UTF8") {
        // Servers that speak UTF-8 anyway need not know this command.
        match stream.custom_command(
            "OPTS UTF8 ON",
            &[Status::CommandOk, Status::CommandNotImplemented],
        ) {
            Ok(_) | Err(FtpError::UnexpectedResponse(_)) => (),
            Err(error) => return Err(wrong(error)),
        }
    }
    stream.transfer_type(FileType::Binary).map_err(wrong)?;
    let home = match stream.pwd() {
        Ok(home) => home.replace("\"\"", "\""),
        Err(FtpError::UnexpectedResponse(_)) => String::new(),
        Err(error) => return Err(wrong(error)),
    };
    let home: Vec<u8> = home
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect();
    // Only a folder that is given from there needs it.
    let is_path = home.starts_with(b"/") && !home.iter().any(|byte| byte.is_ascii_control());
    let home = if is_path { home } else { Vec::new() };
    Ok(Logged {
        stream,
        features,
        home,
    })
}

fn protect(stream: &mut RustlsFtpStream) -> FtpResult<()> {
    stream.custom_command("PBSZ 0", &[Status::CommandOk])?;
    stream
        .custom_command("PROT P", &[Status::CommandOk])
        .map(|_| ())
}

/// A connection with TLS as it is wanted.
fn secured(session: &Session, sockets: &Sockets) -> Result<RustlsFtpStream, Problem> {
    let account = &session.account;
    if account.tls == Tls::Implicit {
        let connector = connector(session, sockets, session.config()?);
        let addresses = addresses(session)?;
        // The variant for servers of port 990, which the standard has given up and servers have not.
        #[allow(deprecated)]
        let stream =
            RustlsFtpStream::connect_secure_implicit(&addresses[..], connector, &account.host)
                .map_err(|error| problem(session, error))?;
        return Ok(ready(stream, session, sockets));
    }
    let stream = plain(session, sockets)?;
    if !session.is_secure() {
        return Ok(stream);
    }
    let connector = connector(session, sockets, session.config()?);
    match stream.into_secure(connector, &account.host) {
        Ok(stream) => {
            session.has_encrypted();
            Ok(stream)
        }
        Err(FtpError::UnexpectedResponse(Response { status, .. }))
            if (500..=534).contains(&status.code()) || status.code() == 431 =>
        {
            if account.tls == Tls::Require {
                let text = tr!(
                    "The FTP server {account} does not encrypt, and FTP_TLS=require asks for that.",
                    account
                );
                let hint = tr!(
                    "Ask its administrator for TLS, or give FTP_TLS=prefer if login, password and files may be read on their way."
                );
                return Err(Error::new(Kind::Transfer, text).hint(hint).into());
            }
            if session.can_encrypt() {
                let text = tr!(
                    "the server {account} encrypted before, and says now that it cannot",
                    account
                );
                return Err(Problem::Lost(text));
            }
            session.go_plain();
            plain(session, sockets)
        }
        Err(error) => Err(problem(session, error)),
    }
}

fn connector(session: &Session, sockets: &Sockets, config: Arc<ClientConfig>) -> Connector {
    Connector {
        inner: RustlsConnector::from(config),
        timeout: session.account.timeout,
        sockets: sockets.clone(),
    }
}

fn plain(session: &Session, sockets: &Sockets) -> Result<RustlsFtpStream, Problem> {
    let account = &session.account;
    let mut last = None;
    for address in addresses(session)? {
        match TcpStream::connect_timeout(&address, account.timeout) {
            Ok(socket) => {
                limit(&socket, account.timeout).map_err(|error| lost(session, &error))?;
                *sockets.0.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
                sockets.keep(&socket);
                let stream = RustlsFtpStream::connect_with_stream(socket)
                    .map_err(|error| problem(session, error))?;
                return Ok(ready(stream, session, sockets));
            }
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| io::ErrorKind::NotFound.into());
    Err(lost(session, &error))
}

fn ready(stream: RustlsFtpStream, session: &Session, sockets: &Sockets) -> RustlsFtpStream {
    let (timeout, sockets) = (session.account.timeout, sockets.clone());
    let feedback = session.feedback.clone();
    let mut stream = stream.passive_stream_builder(move |address| {
        let open = || {
            // A firewall may swallow it: a cancel must not wait for that.
            let job = move || TcpStream::connect_timeout(&address, timeout);
            let socket = match beside(&feedback, None, job) {
                Ok(Some(socket)) => socket?,
                _ => return Err(io::ErrorKind::Interrupted.into()),
            };
            limit(&socket, timeout)?;
            sockets.keep(&socket);
            Ok(socket)
        };
        open().map_err(FtpError::ConnectionError)
    });
    // Data comes from the server itself, whatever address it names: behind NAT that is wrong, and another
    // host has no business here.
    stream.set_passive_nat_workaround(true);
    let is_v6 = stream
        .get_ref()
        .peer_addr()
        .is_ok_and(|address| address.is_ipv6());
    if is_v6 {
        stream.set_mode(Mode::ExtendedPassive);
    }
    stream
}

fn addresses(session: &Session) -> Result<Vec<SocketAddr>, Problem> {
    let account = &session.account;
    let found = (account.host.as_str(), account.port).to_socket_addrs();
    let list: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    if list.is_empty() {
        let text = tr!("The FTP server {host} was not found.", host = account.host);
        let hint = tr!("Check the name of the host, and the network.");
        return Err(Error::new(Kind::Transfer, text).hint(hint).into());
    }
    Ok(list)
}

fn limit(socket: &TcpStream, timeout: Duration) -> io::Result<()> {
    socket.set_read_timeout(Some(timeout))?;
    socket.set_write_timeout(Some(timeout))?;
    socket.set_nodelay(true)
}
