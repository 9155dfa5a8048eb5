//! How the library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if ["linux", "android", "freebsd"].contains(&system.as_str()) {
        // dlclose() leaves it in memory: threads may still be waiting for what a canceled run left behind, and
        // their code must not go away.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
