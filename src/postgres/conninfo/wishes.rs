//! What a connection asks of the server, of the network and of TLS.

use std::time::Duration;

use ::postgres::config::ChannelBinding;

use super::{Certificates, Conninfo, Keepalive, Session, SslMode, Surroundings, TlsWishes};
use crate::error::{Error, Result};
use crate::text::tr;

/// A network that was lost must show within minutes, not after the system's two hours.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(60), Duration::from_secs(10), 6);

/// `target_session_attrs`.
pub(super) fn session(conninfo: &Conninfo) -> Result<Session> {
    let choices = [
        ("any", Session::Any),
        ("read-write", Session::ReadWrite),
        ("read-only", Session::ReadOnly),
        ("primary", Session::Primary),
        ("standby", Session::Standby),
        ("prefer-standby", Session::PreferStandby),
    ];
    Ok(conninfo
        .choice("target_session_attrs", &choices)?
        .unwrap_or(Session::Any))
}

/// `channel_binding`.
pub(super) fn channel_binding(conninfo: &Conninfo) -> Result<ChannelBinding> {
    let choices = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    Ok(conninfo
        .choice("channel_binding", &choices)?
        .unwrap_or(ChannelBinding::Prefer))
}

/// `keepalives…` and `tcp_user_timeout`.
pub(super) fn keepalive(conninfo: &Conninfo) -> Result<Keepalive> {
    let (idle, interval, count) = KEEPALIVE;
    let seconds = |keyword, default| match conninfo.number(keyword)? {
        None => Ok(Some(default)),
        Some(_) => conninfo.seconds(keyword),
    };
    Ok(Keepalive {
        enabled: conninfo.number("keepalives")? != Some(0),
        idle: seconds("keepalives_idle", idle)?,
        interval: seconds("keepalives_interval", interval)?,
        count: match conninfo.number("keepalives_count")? {
            None => Some(count),
            Some(given) => u32::try_from(given).ok().filter(|&n| n > 0),
        },
        user_timeout: conninfo
            .number("tcp_user_timeout")?
            .and_then(|n| u64::try_from(n).ok())
            .filter(|&n| n > 0)
            .map(Duration::from_millis),
    })
}

/// `sslmode` and all that goes with it.
pub(super) fn tls(conninfo: &Conninfo, surroundings: &Surroundings) -> Result<TlsWishes> {
    let file = |keyword: &str, default: &str| match conninfo.get(keyword) {
        Some(path) => Certificates::Named(path.into()),
        None => surroundings
            .certificate(default)
            .map_or(Certificates::Nowhere, Certificates::Default),
    };
    let roots = match conninfo.get("sslrootcert") {
        Some("system") => Certificates::System,
        _ => file("sslrootcert", "root.crt"),
    };
    let given = conninfo.choice("sslmode", SslMode::ALL)?;
    let system = roots == Certificates::System;
    let mode = given.unwrap_or(if system {
        SslMode::VerifyFull
    } else {
        SslMode::Prefer
    });
    if system && mode < SslMode::VerifyFull {
        return Err(Error::parameter(tr!(
            "sslmode={mode} is too weak for sslrootcert=system, which trusts every public authority.",
            mode = mode.name()
        ))
        .hint(tr!("Use sslmode=verify-full.")));
    }
    let direct = conninfo
        .choice("sslnegotiation", &[("postgres", false), ("direct", true)])?
        .unwrap_or(false);
    if direct && mode < SslMode::Require {
        return Err(Error::parameter(tr!(
            "sslmode={mode} is too weak for sslnegotiation=direct.",
            mode = mode.name()
        ))
        .hint(tr!("Use sslmode=require or stronger.")));
    }
    let certificates = conninfo
        .choice(
            "sslcertmode",
            &[("disable", 0), ("allow", 1), ("require", 2)],
        )?
        .unwrap_or(1);
    let versions = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    let least = conninfo
        .choice("ssl_min_protocol_version", &versions)?
        .unwrap_or(0);
    let most = conninfo
        .choice("ssl_max_protocol_version", &versions)?
        .unwrap_or(3);
    if most < 2 || least > most {
        return Err(Error::parameter(
            tr!(
                "ssl_min_protocol_version and ssl_max_protocol_version leave no version that can be used."
            ),
        )
        .hint(tr!("TLSv1.2 and TLSv1.3 can be used.")));
    }
    Ok(TlsWishes {
        mode,
        roots,
        certificate: (certificates > 0).then(|| file("sslcert", "postgresql.crt")),
        key: (certificates > 0).then(|| file("sslkey", "postgresql.key")),
        revoked: file("sslcrl", "root.crl"),
        certificate_required: certificates == 2,
        server_name_indication: conninfo.number("sslsni")? != Some(0),
        direct,
        tls12: least <= 2,
        tls13: most >= 3,
    })
}
