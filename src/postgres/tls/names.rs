//! What webpki leaves out and libpq goes by: the common name of a certificate without alternative
//! names (PostgreSQL's own manual makes such certificates), and the dates of one that is its own root.

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Whether now is between the dates of the certificate.
pub fn check_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = Certificate::from_der(certificate)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let validity = parsed.tbs_certificate.validity;
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        Err(Error::InvalidCertificate(CertificateError::NotValidYet))
    } else if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        Err(Error::InvalidCertificate(CertificateError::Expired))
    } else {
        Ok(())
    }
}

/// Whether the certificate has no alternative names for hosts, and its common name is the host's.
pub fn common_name_matches(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let Ok(parsed) = Certificate::from_der(certificate) else {
        return false;
    };
    let certificate = &parsed.tbs_certificate;
    match certificate.get::<SubjectAltName>() {
        Ok(None) => {}
        Ok(Some((_, names))) => {
            let of_host = |name: &GeneralName| {
                matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_))
            };
            if names.0.iter().any(of_host) {
                return false;
            }
        }
        Err(_) => return false,
    }
    let common = certificate
        .subject
        .0
        .iter()
        .flat_map(|part| part.0.iter())
        .find(|attribute| attribute.oid == CN)
        .and_then(|attribute| std::str::from_utf8(attribute.value.value()).ok());
    match (common, name) {
        (Some(common), ServerName::DnsName(host)) => matches(common, host.as_ref()),
        (Some(common), ServerName::IpAddress(address)) => {
            std::net::IpAddr::from(*address).to_string() == common
        }
        _ => false,
    }
}

/// As libpq: a leading `*.` stands for one label.
fn matches(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(domain), Some((label, rest))) => {
            !domain.is_empty() && !label.is_empty() && domain.eq_ignore_ascii_case(rest)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(matches("db.example.org", "DB.example.ORG"));
        assert!(matches("*.example.org", "db.example.org"));
        for host in [
            "example.org",
            "a.b.example.org",
            ".example.org",
            "db.example.com",
        ] {
            assert!(!matches("*.example.org", host), "{host}");
        }
        assert!(!matches("*.", "db."));
        assert!(!matches("*", "db"));
    }
}
