//! Lines that an FTP server lists: any bytes are an entry or none, and no entry leads out of its folder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lizsync::files::{listing, names};

fuzz_target!(|bytes: &[u8]| {
    for line in bytes.split(|&byte| byte == b'\n') {
        let found = [listing::mlsd(line), listing::list(line, 1_800_000_000)];
        for entry in found.into_iter().flatten() {
            let name = names::text(&entry.name);
            if names::objection(&name).is_none() {
                let path = std::path::Path::new(&name);
                assert_eq!(path.components().count(), 1);
                assert_eq!(path.file_name(), Some(path.as_os_str()));
                assert!(names::part(&name, 1, None, "").len() < 240);
            }
        }
    }
});
