//! Data sources of QGIS projects: what is parsed is printed as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lizsync::project::datasource::{Dialect, Source};

fuzz_target!(|text: &str| {
    for dialect in [Dialect::Qgis, Dialect::Libpq] {
        let source = Source::parse(text, dialect);
        assert_eq!(source.to_string(), text);
        let again = Source::parse(&source.to_string(), dialect);
        for key in ["host", "port", "dbname", "user", "password", "service", "table"] {
            assert_eq!(source.get(key), again.get(key));
        }
    }
});
