//! Adapts the projects of a folder from the command line: what the tests in QGIS drive.
//!
//!     cargo run --example adapt_projects -- FOLDER CENTRAL [CLONE]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use lizsync::feedback::{Event, Feedback};
use lizsync::project::adapt;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, central, clone) = match arguments.as_slice() {
        [folder, central] => (folder, central, None),
        [folder, central, clone] => (folder, central, Some(clone.as_str())),
        _ => {
            eprintln!("usage: adapt_projects FOLDER CENTRAL [CLONE]");
            return ExitCode::FAILURE;
        }
    };
    let feedback = Feedback::new(|event| {
        if let Event::Message(_, text) = event {
            eprintln!("{text}");
        }
    });
    match adapt(
        Path::new(folder),
        central,
        clone,
        &BTreeMap::new(),
        &feedback,
    ) {
        Ok(adapted) => {
            println!(
                "{} {} {} {}",
                adapted.projects,
                adapted.changed,
                adapted.sources,
                adapted.problems.len()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", error.sentence());
            ExitCode::FAILURE
        }
    }
}
