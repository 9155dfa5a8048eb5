"""Connection strings: from the text of a QgsDataSourceUri to a conninfo of libpq. No QGIS in here.

QgsDataSourceUri itself drops what it does not know (hostaddr, options, connect_timeout), so its text
is read here.
"""

import re

# The keywords of libpq. What else stands in a QgsDataSourceUri (key, srid, authcfg …) is for QGIS.
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """application_name channel_binding client_encoding connect_timeout dbname fallback_application_name
    gssencmode host hostaddr keepalives keepalives_count keepalives_idle keepalives_interval krbsrvname
    load_balance_hosts options passfile password port require_auth requirepeer service servicefile
    ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir
    sslkey sslmode sslnegotiation sslpassword sslrootcert sslsni target_session_attrs tcp_user_timeout
    user""",
    )
)

PAIR = re.compile(r"\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)", re.DOTALL)


def parse(text):
    """The pairs `key=value` at the beginning of `text`, also those of QGIS, up to `table`."""
    pairs = {}
    position = 0
    while True:
        found = PAIR.match(text, position)
        if not found or found.group(1) in ("table", "sql"):
            return pairs
        value = found.group(2) if found.group(2) is not None else found.group(3) or ""
        pairs[found.group(1)] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        position = found.end()


def join(pairs):
    """The conninfo of those pairs that libpq knows and that have a value."""
    return " ".join(
        "{}='{}'".format(key, value.replace("\\", "\\\\").replace("'", "\\'"))
        for key, value in pairs.items()
        if key in KEYWORDS and value != ""
    )


def with_role(options, role):
    """The value of `options` that also sets the role of the session."""
    # The server splits the options at white space; a backslash keeps a character as it is.
    quoted = re.sub(r"([\\\s])", r"\\\1", role)
    return f"{options} -c role={quoted}".strip()


def is_string(text):
    """Whether `text` is a connection string rather than a name: it may hold a password."""
    return bool(re.match(r"\s*\w+\s*=", text)) or "://" in text
