//! TLS by rustls, with the choices of libpq.

mod connector;
mod files;
mod names;
mod stream;
mod verify;

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::conninfo::{Certificates, SslMode, TlsWishes};
use crate::error::{Error, Kind, Result};
use crate::text::{Text, tr};

pub use connector::{Connector, Encryption, TlsFailure};
pub use files::place;
pub use stream::Breaker;
use verify::Verifier;

/// What TLS connections to a server are made with.
///
/// # Errors
/// [`Kind::Connection`] for certificates and keys that cannot be read or used.
pub fn client(wishes: &TlsWishes) -> Result<MakeRustlsConnect> {
    Ok(MakeRustlsConnect::new(config(wishes)?))
}

fn config(wishes: &TlsWishes) -> Result<ClientConfig> {
    let provider = Arc::new(default_provider());
    let verifier = verifier(wishes, &provider)?;
    let versions: Vec<&'static SupportedProtocolVersion> = [
        (wishes.tls12, &version::TLS12),
        (wishes.tls13, &version::TLS13),
    ]
    .into_iter()
    .filter_map(|(wanted, version)| wanted.then_some(version))
    .collect();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| Error::internal(format!("TLS cannot be set up: {error}.")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match files::identity(wishes)? {
        Some((chain, key, path)) => builder.with_client_auth_cert(chain, key).map_err(|error| {
            unusable(tr!(
                "The client certificate {path} and its key cannot be used: {error}.",
                path = path.display(),
                error
            ))
            .hint(tr!("Check that sslkey is the key of sslcert."))
        })?,
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = wishes.server_name_indication;
    if wishes.direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

/// TLS to servers of other kinds, by the same rules: `roots` is a file of certificates to trust (those of the
/// operating system without one), and with `check` the server must be the one of the name.
///
/// # Errors
/// [`Kind::Connection`] for certificates that cannot be read or used.
pub fn plain(roots: Option<&Path>, check: bool, newest: bool) -> Result<Arc<ClientConfig>> {
    let wishes = TlsWishes {
        mode: match check {
            true => SslMode::VerifyFull,
            false => SslMode::Prefer,
        },
        roots: match roots {
            Some(path) => Certificates::Named(path.to_owned()),
            None => Certificates::System,
        },
        certificate: None,
        key: None,
        revoked: Certificates::Nowhere,
        certificate_required: false,
        server_name_indication: true,
        direct: false,
        tls12: true,
        tls13: newest,
    };
    Ok(Arc::new(config(&wishes)?))
}

fn unusable(message: Text) -> Error {
    Error::new(Kind::Connection, message)
}

/// Who may be at the other end. As libpq, a root certificate in its default place makes `require`
/// as strict as `verify-ca`.
fn verifier(wishes: &TlsWishes, provider: &Arc<CryptoProvider>) -> Result<Verifier> {
    let check_name = match wishes.mode {
        SslMode::Disable | SslMode::Allow | SslMode::Prefer => {
            return Ok(Verifier::anyone(provider));
        }
        SslMode::Require if wishes.roots.existing().is_none() => {
            return Ok(Verifier::anyone(provider));
        }
        SslMode::Require | SslMode::VerifyCa => false,
        SslMode::VerifyFull => true,
    };
    let trusted = files::trusted(wishes)?;
    let revoked = match &wishes.revoked {
        // The default list says nothing about authorities that stand elsewhere.
        Certificates::Default(_) if wishes.roots == Certificates::System => Vec::new(),
        place => files::revoked(place)?,
    };
    Verifier::new(roots(&trusted), trusted, revoked, check_name, provider).map_err(|error| {
        unusable(tr!(
            "The certificates of {place} cannot be used: {error}.",
            place = files::place(&wishes.roots),
            error
        ))
        .hint(tr!(
            "The file must hold the certificates of authorities in PEM form (BEGIN CERTIFICATE)."
        ))
    })
}

fn roots(trusted: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    roots
}

type Revoked = Vec<CertificateRevocationListDer<'static>>;
