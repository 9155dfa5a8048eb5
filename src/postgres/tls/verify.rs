//! Whether the server is who it should be.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::{Revoked, names};

/// Checks the certificate of a server as far as the sslmode wants it. The proof that the server
/// has the key of its certificate is always checked: channel binding relies on it.
#[derive(Debug)]
pub struct Verifier {
    trust: Option<Trust>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
struct Trust {
    chain: Arc<WebPkiServerVerifier>,
    /// As OpenSSL, a server may show the very certificate that is trusted.
    trusted: Vec<CertificateDer<'static>>,
    check_name: bool,
}

impl Verifier {
    /// Takes any certificate.
    pub fn anyone(provider: &CryptoProvider) -> Self {
        Self {
            trust: None,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    /// Takes what `roots` signed and `revoked` does not name, or one of `trusted` itself; with
    /// `check_name`, only for the host's name.
    pub fn new(
        roots: RootCertStore,
        trusted: Vec<CertificateDer<'static>>,
        revoked: Revoked,
        check_name: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .with_crls(revoked)
            .build()?;
        Ok(Self {
            trust: Some(Trust {
                chain,
                trusted,
                check_name,
            }),
            algorithms: provider.signature_verification_algorithms,
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let verdict = if trust
            .trusted
            .iter()
            .any(|one| one.as_ref() == end_entity.as_ref())
        {
            names::check_dates(end_entity, now)
                .and_then(|()| verify_server_name(&ParsedCertificate::try_from(end_entity)?, name))
                .map(|()| ServerCertVerified::assertion())
        } else {
            trust
                .chain
                .verify_server_cert(end_entity, intermediates, name, ocsp, now)
        };
        match verdict {
            // The name is what is checked last: all else was right.
            Err(error) if is_about_name(&error) => {
                if !trust.check_name || names::common_name_matches(end_entity, name) {
                    Ok(ServerCertVerified::assertion())
                } else {
                    Err(error)
                }
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn is_about_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}
