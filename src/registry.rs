//! The list of algorithms: describe, check and run them.

use once_cell::sync::Lazy;
use serde_json::{Value, json};

use crate::algorithms;
use crate::error::{Error, Kind, Result};
use crate::feedback::Feedback;
use crate::language::Language;
use crate::schema::{Output, Outputs, Parameter, Parameters, Type};
use crate::secret::shown;
use crate::text::{Text, tr};

/// One algorithm: its schema, and the function that runs it.
pub struct Algorithm {
    /// Its id, unique in the registry.
    pub id: &'static str,
    /// Its display name.
    pub label: &'static str,
    /// The group it is shown in.
    pub group: Group,
    /// What it does, for users.
    pub help: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What it returns.
    pub outputs: &'static [Output],
    /// Runs it on validated parameters.
    pub run: fn(&Parameters, &Feedback) -> Result<Outputs>,
}

/// A group of algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: &'static str,
    /// Its display name.
    pub label: &'static str,
}

/// Setting up a central database.
pub const INSTALLATION: Group = Group {
    id: "lizsync_installation",
    label: "01 Installation",
};
/// Moving data between databases.
pub const SYNCHRONIZATION: Group = Group {
    id: "lizsync_postgresql_sync",
    label: "02 PostgreSQL synchronization",
};
/// Moving projects, files and photos.
pub const FILES: Group = Group {
    id: "lizsync_geopoppy_sync",
    label: "03 GeoPoppy file synchronization",
};

/// The two outputs that every algorithm has.
pub const OUTPUT_STATUS: Output = Output::new("OUTPUT_STATUS", "Output status", Type::Number);
/// See [`OUTPUT_STATUS`].
pub const OUTPUT_STRING: Output = Output::new("OUTPUT_STRING", "Output message", Type::String);

static DESCRIPTION: Lazy<Value> =
    Lazy::new(|| Value::Array(algorithms::ALL.iter().map(|a| a.describe()).collect()));

impl Algorithm {
    /// Its entry in the registry.
    pub fn describe(&self) -> Value {
        json!({
            "id": self.id,
            "label": self.label,
            "group": self.group.label,
            "group_id": self.group.id,
            "help": self.help,
            "parameters": self.parameters.iter().map(Parameter::describe).collect::<Vec<_>>(),
            "outputs": self.outputs.iter().map(Output::describe).collect::<Vec<_>>(),
        })
    }
}

/// All algorithms, in the order users see them.
pub fn all() -> &'static [&'static Algorithm] {
    algorithms::ALL
}

/// The whole registry as JSON.
pub fn describe() -> &'static Value {
    &DESCRIPTION
}

/// The algorithm of that id.
///
/// # Errors
/// [`Kind::UnknownAlgorithm`], naming the ids that there are.
pub fn find(id: &str) -> Result<&'static Algorithm> {
    algorithms::ALL
        .iter()
        .find(|algorithm| algorithm.id == id)
        .copied()
        .ok_or_else(|| {
            let message = match shown(id) {
                Some(id) => tr!("There is no algorithm {id}.", id),
                None => {
                    tr!("There is no algorithm of that id (not shown, as it may hold a password).")
                }
            };
            let ids = Text::list(algorithms::ALL.iter().map(|algorithm| algorithm.id));
            Error::new(Kind::UnknownAlgorithm, message).hint(tr!("The algorithms are {ids}.", ids))
        })
}

/// Validates the parameters and reaches the servers that they name; changes nothing.
///
/// # Errors
/// As [`run`], as far as they show without doing the work.
pub fn check(id: &str, given: &Value, feedback: &Feedback) -> Result<Outputs> {
    let feedback = &feedback.speaking(Language::wanted(given));
    let algorithm = find(id)?;
    let parameters = Parameters::validate(algorithm.parameters, given)?;
    let mut reached: u64 = 0;
    for parameter in algorithm
        .parameters
        .iter()
        .filter(|p| p.kind == Type::Connection)
    {
        if let Some(value) = parameters.text(parameter.id) {
            crate::postgres::open(value, parameters.connections(), feedback)
                .map_err(|error| error.during(Text::verbatim(parameter.id)))?;
            reached += 1;
        }
    }
    Ok(Outputs::new(tr!(
        "The parameters are valid; {n} database answered."
            | "The parameters are valid; {n} databases answered." % reached
    )))
}

/// Runs one algorithm. `given` is the parameters JSON; the outputs hold at least OUTPUT_STRING.
///
/// # Errors
/// Every [`Kind`]: [`Kind::Parameter`] names the parameter, [`Kind::Canceled`] follows a cancel.
pub fn run(id: &str, given: &Value, feedback: &Feedback) -> Result<Outputs> {
    let feedback = &feedback.speaking(Language::wanted(given));
    let algorithm = find(id)?;
    let parameters = Parameters::validate(algorithm.parameters, given)?;
    let outcome = (algorithm.run)(&parameters, feedback);
    // A canceled query or child process fails in its own way; the user asked for it.
    match outcome {
        Err(error) if feedback.is_canceled() && is_interruption(&error) => {
            log::debug!("stopped by a cancel: {error}");
            Err(Error::canceled())
        }
        Ok(outputs) => {
            feedback.progress(100.0);
            Ok(outputs)
        }
        other => other,
    }
}

/// Whether an error is how work ends that a cancel broke off, rather than a failure of its own.
fn is_interruption(error: &Error) -> bool {
    match error.kind() {
        Kind::Connection | Kind::Program | Kind::Transfer => true,
        Kind::Database => error.sqlstate_code() == Some("57014"),
        _ => false,
    }
}
