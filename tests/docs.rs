//! `docs/algorithms.md` is what the registry says.

mod generated;

use std::fmt::Write;
use std::path::Path;

use lizsync::registry::{self, Algorithm};
use lizsync::schema::{Default, Parameter};

const INTRODUCTION: &str = "# Algorithms

Made from the registry by `make docs`; do not edit. `python3 -m lizsync describe ID` shows the same.

A parameter that is required and has a default may be left out. A connection is the name of a
service of `pg_service.conf`, a URI, a conninfo string, or a name in the object `connections` of
the parameters. The optional text `language` of the parameters (`\"fr\"`, `\"fr_FR\"`) says in which language messages
are; without it, and where there is no catalogue, they are in English.
";

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn mark(yes: bool) -> &'static str {
    if yes { "yes" } else { "" }
}

/// The default in words that hold on every machine.
fn default(parameter: &Parameter) -> String {
    match parameter.default {
        Default::None => String::new(),
        Default::Boolean(value) => value.to_string(),
        Default::Number(value) => value.to_string(),
        Default::Text(value) => format!("`{value}`"),
        Default::TemporaryFile(name) => format!("`{name}` in the temporary directory"),
    }
}

fn section(text: &mut String, algorithm: &Algorithm) {
    let (label, id) = (algorithm.label, algorithm.id);
    let _ = write!(text, "\n### {label}\n\n`{id}`\n");
    // “make screenshots” takes the pictures.
    let picture = format!("images/lizsync-{id}.png");
    if Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(&picture)
        .exists()
    {
        let _ = write!(text, "\n![The dialog in QGIS]({picture})\n");
    }
    let mut in_list = false;
    for line in algorithm
        .help
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let item = line.starts_with("* ");
        if !(item && in_list) {
            text.push('\n');
        }
        in_list = item;
        let _ = writeln!(text, "{line}");
    }
    text.push_str("\n| Parameter | Description | Type | Required | Advanced | Default |\n|---|---|---|---|---|---|\n");
    for parameter in algorithm.parameters {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            parameter.id,
            cell(parameter.label),
            parameter.kind.name(),
            mark(parameter.required),
            mark(parameter.advanced),
            cell(&default(parameter)),
        );
    }
    text.push_str("\n| Output | Description | Type |\n|---|---|---|\n");
    for output in algorithm.outputs {
        let (label, kind) = (cell(output.label), output.kind.name());
        let _ = writeln!(text, "| `{}` | {label} | {kind} |", output.id);
    }
}

#[test]
fn the_committed_description_is_current() {
    let mut text = INTRODUCTION.to_owned();
    let mut group = "";
    for algorithm in registry::all() {
        if algorithm.group.label != group {
            group = algorithm.group.label;
            let _ = write!(text, "\n## {group}\n");
        }
        section(&mut text, algorithm);
    }
    generated::compare("docs/algorithms.md", &text);
}
