//! Random uuids, whatever the server knows.

/// The major version of PostgreSQL that brought `gen_random_uuid()`.
pub const BUILTIN_UUID_SINCE: i32 = 13;

/// A random uuid of version 4 from functions that every server has. `random()` alone has 48 bits of
/// state; time and session tell two sessions with the same one apart. An expression, not a function of
/// our own: tables must not depend on the schemas `audit` and `lizsync`, which a deployment replaces.
const PORTABLE: &str = "(overlay(overlay(md5(pg_catalog.concat(random(), '-', random(), '-', clock_timestamp(), '-', pg_backend_pid())) \
    PLACING '4' FROM 13) PLACING to_hex(8 + floor(random() * 4::float8)::integer) FROM 17))::uuid";

/// The SQL expression that makes a random uuid on a server of that `server_version_num`.
pub fn random_uuid(server: i32) -> &'static str {
    if server / 10_000 >= BUILTIN_UUID_SINCE {
        "gen_random_uuid()"
    } else {
        PORTABLE
    }
}
