//! Certificates and keys in files, found and guarded as libpq does.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::{Revoked, unusable};
use crate::error::Result;
use crate::postgres::conninfo::{Certificates, TlsWishes};
use crate::text::{Argument, Text, tr};

/// A client's certificate with its chain, its key, and the file it came from.
pub type Identity = (
    Vec<CertificateDer<'static>>,
    PrivateKeyDer<'static>,
    PathBuf,
);

/// How messages name the place of root certificates.
pub fn place(certificates: &Certificates) -> Text {
    match certificates {
        Certificates::System => tr!("the operating system"),
        Certificates::Named(path) | Certificates::Default(path) => path.display().text(),
        Certificates::Nowhere => tr!("no file"),
    }
}

/// The certificates that `sslrootcert` trusts.
pub fn trusted(wishes: &TlsWishes) -> Result<Vec<CertificateDer<'static>>> {
    let path = match &wishes.roots {
        Certificates::System => {
            let found = rustls_native_certs::load_native_certs().certs;
            return if found.is_empty() {
                Err(unusable(tr!(
                    "The operating system has no trusted certificates that can be read (sslrootcert=system)."
                ))
                    .hint(tr!(
                        "Install them (on Debian: the package ca-certificates), or name a file in sslrootcert."
                    )))
            } else {
                Ok(found)
            };
        }
        Certificates::Named(path) | Certificates::Default(path) if path.exists() => path,
        missing => {
            return Err(unusable(tr!(
                "sslmode={mode} needs the certificate of the authority that signed the server's, and there is none in {place}.",
                mode = wishes.mode.name(),
                place = place(missing)
            ))
            .hint(tr!(
                "Put it there, name another file in sslrootcert, or use sslrootcert=system."
            )));
        }
    };
    certificates(path)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read(path)?;
    let found: std::result::Result<Vec<_>, PemError> =
        CertificateDer::pem_slice_iter(&bytes).collect();
    found.ok().filter(|list| !list.is_empty()).ok_or_else(|| {
        unusable(tr!(
            "The file {path} holds no certificate that can be read.",
            path = path.display()
        ))
        .hint(tr!("It must be in PEM form (BEGIN CERTIFICATE)."))
    })
}

/// The lists of revoked certificates; none when the default file is not there.
pub fn revoked(place: &Certificates) -> Result<Revoked> {
    let path = match place {
        Certificates::Named(path) => path,
        Certificates::Default(path) if path.exists() => path,
        _ => return Ok(Vec::new()),
    };
    let bytes = read(path)?;
    let found: std::result::Result<Vec<_>, PemError> =
        CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    found.ok().filter(|list| !list.is_empty()).ok_or_else(|| {
        unusable(tr!(
            "The file {path} holds no list of revoked certificates.",
            path = path.display()
        ))
        .hint(tr!("It must be in PEM form (BEGIN X509 CRL)."))
    })
}

/// The client's own certificate and key, if there are any.
pub fn identity(wishes: &TlsWishes) -> Result<Option<Identity>> {
    let path = match &wishes.certificate {
        Some(Certificates::Named(path)) => Some(path),
        Some(Certificates::Default(path)) if path.exists() => Some(path),
        _ => None,
    };
    let Some(path) = path else {
        return if wishes.certificate_required {
            Err(unusable(tr!(
                "sslcertmode=require needs a client certificate, and there is none."
            ))
            .hint(tr!("Name its file in sslcert.")))
        } else {
            Ok(None)
        };
    };
    let chain = certificates(path)?;
    let key_path = match &wishes.key {
        Some(Certificates::Named(key)) => key,
        Some(Certificates::Default(key)) if key.exists() => key,
        _ => {
            return Err(unusable(tr!(
                "There is a client certificate, {path}, but no file with its key.",
                path = path.display()
            ))
            .hint(tr!("Name the file in sslkey.")));
        }
    };
    Ok(Some((chain, key(key_path)?, path.clone())))
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let bytes = zeroize::Zeroizing::new(read(path)?);
    check_owner_only(path)?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(unusable(tr!(
            "The key {path} is encrypted, and encrypted keys are not supported.",
            path = path.display()
        ))
        .hint(tr!(
            "Store it without a passphrase, readable by you alone: openssl pkey -in KEY -out NEW_KEY; chmod 600 NEW_KEY."
        )));
    }
    let key = if text.contains("-----BEGIN") {
        PrivateKeyDer::from_pem_slice(&bytes).ok()
    } else {
        PrivateKeyDer::try_from(bytes.to_vec()).ok()
    };
    key.ok_or_else(|| {
        unusable(tr!(
            "The file {path} holds no private key that can be read.",
            path = path.display()
        ))
        .hint(tr!(
            "It must be an RSA, EC or Ed25519 key in PEM form (BEGIN PRIVATE KEY)."
        ))
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => tr!("it does not exist"),
            _ => error.text(),
        };
        unusable(tr!(
            "The file {path} cannot be read: {why}.",
            path = path.display(),
            why
        ))
        .hint(tr!("Check the path and your right to read it."))
    })
}

/// As libpq: the key is its owner's alone, or root's with read access for a group.
#[cfg(unix)]
fn check_owner_only(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).map_err(|error| {
        unusable(tr!(
            "The file {path} cannot be read: {error}.",
            path = path.display(),
            error
        ))
    })?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden != 0 {
        return Err(unusable(tr!(
            "The key {path} can be read by others, so it is not used.",
            path = path.display()
        ))
        .hint(tr!("Allow only its owner to read it: chmod 600.")));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner_only(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn refusal(name: &str, text: &str, mode: u32) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        key(&path).unwrap_err().sentence()
    }

    #[test]
    fn keys_that_cannot_be_used_say_why() {
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(refusal("a.key", encrypted, 0o600).contains("encrypted"));
        let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert!(refusal("a.key", legacy, 0o600).contains("encrypted"));
        assert!(refusal("a.key", encrypted, 0o604).contains("by others"));
        assert!(refusal("a.key", "rubbish", 0o600).contains("no private key"));
    }
}
