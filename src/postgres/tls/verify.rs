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

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
        DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
        SerialNumber, date_time_ymd,
    };
    use rustls::crypto::ring::default_provider;

    type Issuer = CertifiedIssuer<'static, KeyPair>;

    fn authority() -> Issuer {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// The parameters of a certificate with that common name and those alternative names.
    fn named(common: &str, alternatives: &[&str]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common);
        let dns = |name: &&str| SanType::DnsName((*name).try_into().unwrap());
        params.subject_alt_names = alternatives.iter().map(dns).collect();
        params
    }

    fn signed(params: &CertificateParams, by: &Issuer) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, by).unwrap().der().clone()
    }

    fn own_root(params: &CertificateParams) -> CertificateDer<'static> {
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .clone()
    }

    /// What `verify-full` (or with `check_name` false, `verify-ca`) says.
    fn verdict(
        root: &CertificateDer<'static>,
        certificate: &CertificateDer<'_>,
        host: &str,
        check_name: bool,
    ) -> Result<(), Error> {
        let trusted = vec![root.clone()];
        let provider = Arc::new(default_provider());
        let roots = super::super::roots(&trusted);
        let verifier = Verifier::new(roots, trusted, Vec::new(), check_name, &provider).unwrap();
        let name = ServerName::try_from(host).unwrap();
        verifier
            .verify_server_cert(certificate, &[], &name, &[], UnixTime::now())
            .map(|_| ())
    }

    #[test]
    fn a_name_is_an_alternative_name_or_else_the_common_name() {
        let root = authority();
        let full = |params: &CertificateParams, host: &str| {
            verdict(root.der(), &signed(params, &root), host, true).is_ok()
        };
        assert!(full(&named("x", &["db.example.org"]), "db.example.org"));
        assert!(full(&named("db.example.org", &[]), "db.example.org"));
        assert!(full(&named("*.example.org", &[]), "db.example.org"));
        assert!(full(&named("10.0.0.1", &[]), "10.0.0.1"));
        assert!(!full(
            &named("db.example.org", &["other.example.org"]),
            "db.example.org"
        ));
        assert!(!full(&named("other.example.org", &[]), "db.example.org"));
        let other = signed(&named("other.example.org", &[]), &root);
        assert!(verdict(root.der(), &other, "db.example.org", false).is_ok());
    }

    #[test]
    fn a_certificate_that_is_its_own_root_counts_when_it_is_the_very_one() {
        let params = named("db.example.org", &[]);
        let (own, other) = (own_root(&params), own_root(&params));
        assert!(verdict(&own, &own, "db.example.org", true).is_ok());
        assert!(verdict(&own, &own, "x.example.org", true).is_err());
        assert!(verdict(&own, &own, "x.example.org", false).is_ok());
        assert!(verdict(&own, &other, "db.example.org", false).is_err());
    }

    #[test]
    fn a_wrong_authority_and_a_wrong_date_are_never_forgiven() {
        let (root, other) = (authority(), authority());
        let foreign = signed(&named("db.example.org", &[]), &other);
        assert!(verdict(root.der(), &foreign, "db.example.org", false).is_err());
        let mut params = named("db.example.org", &[]);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        let own = own_root(&params);
        for (root, certificate) in [(root.der(), &signed(&params, &root)), (&own, &own)] {
            let error = verdict(root, certificate, "db.example.org", false).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::InvalidCertificate(
                        CertificateError::Expired | CertificateError::ExpiredContext { .. }
                    )
                ),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_revoked_certificate_is_refused() {
        let root = authority();
        let mut params = named("db.example.org", &[]);
        params.serial_number = Some(SerialNumber::from(7_u64));
        let certificate = signed(&params, &root);
        let refused = |serial: u64| {
            let revoked = RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            };
            let list = CertificateRevocationListParams {
                this_update: date_time_ymd(2020, 1, 1),
                next_update: date_time_ymd(2120, 1, 1),
                crl_number: SerialNumber::from(1_u64),
                issuing_distribution_point: None,
                revoked_certs: vec![revoked],
                key_identifier_method: KeyIdMethod::Sha256,
            };
            let list = list.signed_by(&root).unwrap().der().clone();
            let trusted = vec![root.der().clone()];
            let roots = super::super::roots(&trusted);
            let provider = Arc::new(default_provider());
            let verifier = Verifier::new(roots, trusted, vec![list], true, &provider).unwrap();
            let name = ServerName::try_from("db.example.org").unwrap();
            verifier
                .verify_server_cert(&certificate, &[], &name, &[], UnixTime::now())
                .err()
        };
        assert_eq!(refused(8), None);
        assert_eq!(
            refused(7),
            Some(Error::InvalidCertificate(CertificateError::Revoked))
        );
    }
}
