//! The keywords of libpq (version 18), and the environment variables that stand in for them.

/// One keyword of connection strings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyword {
    pub name: &'static str,
    /// The environment variable with the same meaning.
    pub variable: Option<&'static str>,
}

const fn with(name: &'static str, variable: &'static str) -> Keyword {
    Keyword {
        name,
        variable: Some(variable),
    }
}

const fn without(name: &'static str) -> Keyword {
    Keyword {
        name,
        variable: None,
    }
}

/// Every keyword that libpq takes.
pub(super) const KEYWORDS: &[Keyword] = &[
    with("service", "PGSERVICE"),
    with("servicefile", "PGSERVICEFILE"),
    with("user", "PGUSER"),
    with("password", "PGPASSWORD"),
    with("passfile", "PGPASSFILE"),
    with("channel_binding", "PGCHANNELBINDING"),
    with("connect_timeout", "PGCONNECT_TIMEOUT"),
    with("dbname", "PGDATABASE"),
    with("host", "PGHOST"),
    with("hostaddr", "PGHOSTADDR"),
    with("port", "PGPORT"),
    with("options", "PGOPTIONS"),
    with("application_name", "PGAPPNAME"),
    without("fallback_application_name"),
    without("keepalives"),
    without("keepalives_idle"),
    without("keepalives_interval"),
    without("keepalives_count"),
    without("tcp_user_timeout"),
    with("sslmode", "PGSSLMODE"),
    with("sslnegotiation", "PGSSLNEGOTIATION"),
    with("sslcert", "PGSSLCERT"),
    with("sslkey", "PGSSLKEY"),
    with("sslcertmode", "PGSSLCERTMODE"),
    without("sslpassword"),
    with("sslrootcert", "PGSSLROOTCERT"),
    with("sslcrl", "PGSSLCRL"),
    with("sslcrldir", "PGSSLCRLDIR"),
    with("sslsni", "PGSSLSNI"),
    with("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    with("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    with("min_protocol_version", "PGMINPROTOCOLVERSION"),
    with("max_protocol_version", "PGMAXPROTOCOLVERSION"),
    with("require_auth", "PGREQUIREAUTH"),
    with("requirepeer", "PGREQUIREPEER"),
    with("gssencmode", "PGGSSENCMODE"),
    with("target_session_attrs", "PGTARGETSESSIONATTRS"),
    with("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    without("replication"),
    without("scram_client_key"),
    without("scram_server_key"),
    // Without meaning here: the session is always UTF-8, and there is no GSSAPI, OAuth or compression.
    without("client_encoding"),
    without("sslcompression"),
    without("sslkeylogfile"),
    without("krbsrvname"),
    without("gsslib"),
    without("gssdelegation"),
    without("oauth_issuer"),
    without("oauth_client_id"),
    without("oauth_client_secret"),
    without("oauth_scope"),
];

/// The keyword of that name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// Every variable that changes what libpq does in a child process.
pub(in crate::postgres) const VARIABLES: &[&str] = &[
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGCHANNELBINDING",
    "PGCONNECT_TIMEOUT",
    "PGDATABASE",
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGOPTIONS",
    "PGAPPNAME",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGSSLNEGOTIATION",
    "PGSSLCOMPRESSION",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCERTMODE",
    "PGSSLROOTCERT",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLSNI",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGMINPROTOCOLVERSION",
    "PGMAXPROTOCOLVERSION",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGGSSENCMODE",
    "PGKRBSRVNAME",
    "PGGSSLIB",
    "PGGSSDELEGATION",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGCLIENTENCODING",
    "PGDATESTYLE",
    "PGTZ",
    "PGGEQO",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_inherits_no_variable_that_is_read_here() {
        for variable in KEYWORDS.iter().filter_map(|keyword| keyword.variable) {
            assert!(VARIABLES.contains(&variable), "{variable}");
        }
    }
}
