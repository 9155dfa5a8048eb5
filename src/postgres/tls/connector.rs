//! From a fresh socket to the stream that PostgreSQL's protocol runs in.
//!
//! `postgres` hands a socket over before its first byte only when it is told that TLS begins at once
//! (`sslnegotiation=direct`). So it is always told so, and the question whether the server speaks
//! TLS is asked here: this gives libpq's six modes, and a connection that can be broken while it
//! waits for an answer.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::postgres::Socket;
use ::postgres::tls::{MakeTlsConnect, TlsConnect};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::stream::{Breakable, Breaker, Stream};

/// The message with which a client asks for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Whether one attempt to connect uses TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// No TLS.
    Never,
    /// TLS when the server has it.
    IfOffered,
    /// TLS or nothing.
    Always,
}

/// Why TLS did not come about.
#[derive(Debug, thiserror::Error)]
pub enum TlsFailure {
    #[error("the server does not support TLS")]
    Refused,
    #[error("what answers there is not PostgreSQL")]
    Odd,
    #[error("{0}")]
    Network(io::Error),
    #[error("{0}")]
    Handshake(io::Error),
}

/// Prepares the sockets of one attempt to connect, and of cancel requests to the same server.
#[derive(Clone)]
pub struct Connector {
    pub tls: Option<MakeRustlsConnect>,
    pub encryption: Encryption,
    /// Whether TLS begins without asking.
    pub direct: bool,
    /// Whether the name of the server counts.
    pub check_name: bool,
    /// How long it may take until TLS stands; `None` when somebody else watches.
    pub timeout: Option<Duration>,
    pub breaker: Breaker,
    /// Whether the last connection got TLS.
    pub encrypted: Arc<AtomicBool>,
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Infallible> {
        let usable = self.check_name || ServerName::try_from(host).is_ok();
        Ok(Handshake {
            // An address is never sent, so it can stand for a name that TLS does not take.
            host: if usable { host } else { "0.0.0.0" }.to_owned(),
            connector: self.clone(),
        })
    }
}

/// What is done with one socket.
pub struct Handshake {
    host: String,
    connector: Connector,
}

type Connecting = Pin<Box<dyn Future<Output = Result<Stream, TlsFailure>> + Send>>;

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = TlsFailure;
    type Future = Connecting;

    fn connect(self, socket: Socket) -> Connecting {
        let timeout = self.connector.timeout;
        let connecting = self.run(socket);
        Box::pin(async move {
            match timeout {
                Some(timeout) => tokio::time::timeout(timeout, connecting)
                    .await
                    .unwrap_or_else(|_| Err(TlsFailure::Network(io::ErrorKind::TimedOut.into()))),
                None => connecting.await,
            }
        })
    }
}

impl Handshake {
    async fn run(self, socket: Socket) -> Result<Stream, TlsFailure> {
        let Self { host, connector } = self;
        let mut socket = Breakable::new(socket, connector.breaker);
        connector.encrypted.store(false, Ordering::SeqCst);
        let Some(mut tls) = connector
            .tls
            .filter(|_| connector.encryption != Encryption::Never)
        else {
            return Ok(Stream::Plain(socket));
        };
        if !connector.direct {
            match ask(&mut socket).await.map_err(TlsFailure::Network)? {
                b'S' => {}
                b'N' if connector.encryption == Encryption::IfOffered => {
                    return Ok(Stream::Plain(socket));
                }
                b'N' => return Err(TlsFailure::Refused),
                _ => return Err(TlsFailure::Odd),
            }
        }
        connector.encrypted.store(true, Ordering::SeqCst);
        let Ok(handshake) = MakeTlsConnect::<Breakable>::make_tls_connect(&mut tls, &host);
        let stream = handshake
            .connect(socket)
            .await
            .map_err(TlsFailure::Handshake)?;
        Ok(Stream::Encrypted(Box::new(stream)))
    }
}

/// Asks for TLS. The answer is one byte, and no more is read: what follows belongs to TLS.
async fn ask(socket: &mut Breakable) -> io::Result<u8> {
    socket.write_all(&SSL_REQUEST).await?;
    socket.flush().await?;
    socket.read_u8().await
}
