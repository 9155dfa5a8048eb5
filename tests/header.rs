//! `include/lizsync.h` is what cbindgen makes of `src/ffi`.

mod generated;

use std::path::Path;

#[test]
fn the_committed_header_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let mut text = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/ffi/mod.rs"))
        .with_src(root.join("src/ffi/feedback.rs"))
        .generate()
        .unwrap()
        .write(&mut text);
    generated::compare("include/lizsync.h", &String::from_utf8(text).unwrap());
}
