//! Parameter and output types, their JSON description, and the validation of what a caller gives.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::language::{self, LANGUAGE, Language};
use crate::secret::{Secret, SecretJson, is_connection, shown};
use crate::text::{Text, tr};

/// The key of the parameters JSON that maps connection names to conninfo strings.
const CONNECTIONS: &str = "connections";

/// The type of a parameter or an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A PostgreSQL connection: a name, a conninfo string, a URI or a service.
    Connection,
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// Text that must not be shown.
    Password,
    /// A number.
    Number,
    /// A file that exists.
    File,
    /// A folder.
    Folder,
    /// A file to be written.
    FileDestination,
}

impl Type {
    /// The name of the type in the registry.
    pub fn name(self) -> &'static str {
        match self {
            Type::Connection => "connection",
            Type::Boolean => "boolean",
            Type::String => "string",
            Type::Password => "password",
            Type::Number => "number",
            Type::File => "file",
            Type::Folder => "folder",
            Type::FileDestination => "file_destination",
        }
    }
}

/// What a parameter is when the caller leaves it out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// Nothing.
    None,
    /// A truth value.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(&'static str),
    /// A file of this name in the temporary directory.
    TemporaryFile(&'static str),
}

impl Default {
    /// The default as the registry and the validation see it; null where there is none.
    pub fn value(&self) -> Value {
        match self {
            Default::None => Value::Null,
            Default::Boolean(value) => json!(value),
            Default::Number(value) => number(*value),
            Default::Text(value) => json!(value),
            Default::TemporaryFile(name) => {
                json!(std::env::temp_dir().join(name).to_string_lossy())
            }
        }
    }
}

/// A parameter of an algorithm.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its key in the parameters JSON.
    pub id: &'static str,
    /// What users read.
    pub label: &'static str,
    /// What values it takes.
    pub kind: Type,
    /// Whether it needs a value. A default is one.
    pub required: bool,
    /// Whether user interfaces fold it away.
    pub advanced: bool,
    /// Its value when left out.
    pub default: Default,
    /// The extension of a file, without the dot; empty for any.
    pub extension: &'static str,
}

impl Parameter {
    /// A required parameter without a default.
    pub const fn new(id: &'static str, label: &'static str, kind: Type) -> Self {
        Self {
            id,
            label,
            kind,
            required: true,
            advanced: false,
            default: Default::None,
            extension: "",
        }
    }

    /// Makes it optional.
    pub const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Folds it away in user interfaces.
    pub const fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// Gives it a default.
    pub const fn default(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    /// Gives it a file extension.
    pub const fn extension(mut self, extension: &'static str) -> Self {
        self.extension = extension;
        self
    }

    /// Its entry in the registry.
    pub fn describe(&self) -> Value {
        let mut entry = json!({
            "id": self.id,
            "label": self.label,
            "type": self.kind.name(),
            "required": self.required,
            "advanced": self.advanced,
            "default": self.default.value(),
        });
        if !self.extension.is_empty() {
            entry["extension"] = json!(self.extension);
        }
        entry
    }

    /// How messages name it.
    pub(crate) fn text(&self) -> Text {
        tr!(
            "{id} ({label})",
            id = self.id,
            label = Text::label(self.label)
        )
    }

    /// Whether `value` is of this parameter's type; the error names the parameter.
    fn check(&self, value: &Value) -> Result<()> {
        let fits = match self.kind {
            Type::Boolean => value.is_boolean(),
            Type::Number => value.as_f64().is_some_and(f64::is_finite),
            _ => value.is_string(),
        };
        if !fits {
            let (given, parameter) = (json_type(value), self.text());
            return Err(Error::parameter(match self.kind {
                Type::Boolean => tr!(
                    "Parameter {parameter} must be true or false, not {given}.",
                    parameter,
                    given
                ),
                Type::Number => tr!(
                    "Parameter {parameter} must be a number, not {given}.",
                    parameter,
                    given
                ),
                _ => tr!(
                    "Parameter {parameter} must be a text, not {given}.",
                    parameter,
                    given
                ),
            }));
        }
        if value.as_str().is_some_and(|text| text.contains('\0')) {
            return Err(Error::parameter(tr!(
                "Parameter {parameter} holds a null character.",
                parameter = self.text()
            )));
        }
        let place = matches!(self.kind, Type::File | Type::Folder | Type::FileDestination);
        if place && value.as_str().is_some_and(is_connection) {
            let message = tr!(
                "Parameter {parameter} holds a connection string (not shown, as it may hold a password).",
                parameter = self.text()
            );
            return Err(
                Error::parameter(message).hint(tr!("Give it the path of a file or folder."))
            );
        }
        Ok(())
    }
}

/// An output of an algorithm.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Its key in the outputs.
    pub id: &'static str,
    /// What users read.
    pub label: &'static str,
    /// Number, String or File.
    pub kind: Type,
}

impl Output {
    /// An output.
    pub const fn new(id: &'static str, label: &'static str, kind: Type) -> Self {
        Self { id, label, kind }
    }

    /// Its entry in the registry.
    pub fn describe(&self) -> Value {
        json!({"id": self.id, "label": self.label, "type": self.kind.name()})
    }
}

/// The validated parameters of one call.
#[derive(Debug, Clone)]
pub struct Parameters {
    values: BTreeMap<&'static str, SecretJson>,
    connections: BTreeMap<String, Secret>,
}

impl Parameters {
    /// Validates `given` against `schema`: unknown keys, missing values and wrong types are
    /// errors that name the parameter. Null counts as left out, and so does an empty text where
    /// there is a default.
    pub fn validate(schema: &[Parameter], given: &Value) -> Result<Self> {
        let Value::Object(given) = given else {
            return Err(Error::parameter(tr!(
                "The parameters must be a JSON object, not {given}.",
                given = json_type(given)
            )));
        };
        refuse_unknown(schema, given)?;
        language::check(given.get(LANGUAGE))?;
        let mut values = BTreeMap::new();
        for parameter in schema {
            if let Some(value) = resolve(parameter, given.get(parameter.id))? {
                values.insert(parameter.id, SecretJson::new(value));
            }
        }
        Ok(Self {
            values,
            connections: connections(given.get(CONNECTIONS))?,
        })
    }

    fn value(&self, id: &str) -> Option<&Value> {
        self.values.get(id).map(SecretJson::reveal)
    }

    /// The text of a parameter; None where it was left out or is empty.
    pub fn text(&self, id: &str) -> Option<&str> {
        self.value(id)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// The text of a required parameter.
    pub fn required(&self, id: &str) -> Result<&str> {
        self.text(id)
            .ok_or_else(|| Error::internal(format!("Parameter {id} was not validated.")))
    }

    /// The truth value of a parameter; false where it was left out.
    pub fn flag(&self, id: &str) -> bool {
        self.value(id).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A number; `None` where it was left out.
    pub fn number(&self, id: &str) -> Option<f64> {
        self.value(id).and_then(Value::as_f64)
    }

    /// The connections that the caller named: name to conninfo or URI.
    pub fn connections(&self) -> &BTreeMap<String, Secret> {
        &self.connections
    }
}

fn refuse_unknown(schema: &[Parameter], given: &Map<String, Value>) -> Result<()> {
    for key in given.keys() {
        let ours = key == CONNECTIONS || key == LANGUAGE;
        if !ours && !schema.iter().any(|parameter| parameter.id == key) {
            // Ids are in capitals; anything else may be a password in front of a “=”.
            let is_id = key.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            let message = match shown(key).filter(|_| is_id) {
                Some(key) => tr!("Unknown parameter {key}.", key),
                None => {
                    tr!("Unknown parameter whose name is not shown, as it may hold a password.")
                }
            };
            let known = Text::list(schema.iter().map(|parameter| parameter.id));
            return Err(Error::parameter(message).hint(tr!("The parameters are {known}.", known)));
        }
    }
    Ok(())
}

fn resolve(parameter: &Parameter, given: Option<&Value>) -> Result<Option<Value>> {
    let given = given.filter(|value| !value.is_null());
    if let Some(value) = given {
        parameter.check(value)?;
    }
    let empty = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    let default = Some(parameter.default.value()).filter(|value| !value.is_null());
    match given.cloned().filter(|value| !empty(value)).or(default) {
        Some(value) => Ok(Some(value)),
        None if parameter.required => {
            let parameter = parameter.text();
            let message = if given.is_some() {
                tr!("Parameter {parameter} is empty.", parameter)
            } else {
                tr!("Parameter {parameter} is missing.", parameter)
            };
            Err(Error::parameter(message).hint(tr!("Give it a value.")))
        }
        None => Ok(None),
    }
}

fn connections(given: Option<&Value>) -> Result<BTreeMap<String, Secret>> {
    let wrong = || {
        Error::parameter(tr!(
            "“connections” must be an object of names and conninfo strings."
        ))
    };
    match given {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(name, value)| {
                let text = value.as_str().ok_or_else(wrong)?;
                if text.contains('\0') {
                    return Err(Error::parameter(match shown(name) {
                        Some(name) => tr!("The connection {name} holds a null character.", name),
                        None => tr!("A connection (its name is not shown) holds a null character."),
                    }));
                }
                Ok((name.clone(), Secret::new(text)))
            })
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn json_type(value: &Value) -> Text {
    match value {
        Value::Null => Text::verbatim("null"),
        Value::Bool(_) => tr!("a truth value"),
        Value::Number(_) => tr!("a number"),
        Value::String(_) => tr!("a text"),
        Value::Array(_) => tr!("a list"),
        Value::Object(_) => tr!("an object"),
    }
}

/// A JSON number, whole where it is whole.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// What an algorithm returns besides OUTPUT_STATUS.
#[derive(Debug, Clone)]
pub struct Outputs {
    sentence: Text,
    values: Map<String, Value>,
}

impl Outputs {
    /// Outputs with this OUTPUT_STRING.
    pub fn new(sentence: Text) -> Self {
        Self {
            sentence,
            values: Map::new(),
        }
    }

    /// Adds one output.
    #[must_use]
    pub fn with(mut self, id: &str, value: impl Into<Value>) -> Self {
        self.values.insert(id.to_owned(), value.into());
        self
    }

    /// With another sentence.
    #[must_use]
    pub fn saying(mut self, sentence: Text) -> Self {
        self.sentence = sentence;
        self
    }

    /// The outputs without status and sentence, for an error that leaves something done.
    pub(crate) fn values(self) -> Map<String, Value> {
        self.values
    }

    /// The JSON object of a success, in English.
    pub fn into_json(self) -> Value {
        self.into_json_in(Language::ENGLISH)
    }

    /// The JSON object of a success.
    pub fn into_json_in(self, language: Language) -> Value {
        let mut object = self.values;
        object.insert("OUTPUT_STATUS".into(), json!(1));
        object.insert(
            "OUTPUT_STRING".into(),
            json!(self.sentence.in_language(language)),
        );
        Value::Object(object)
    }
}

/// The JSON object of a failure.
pub fn failure(error: &Error, language: Language) -> Value {
    let mut detail = json!({"code": error.kind().code(), "kind": error.kind().name()});
    if let Some(sqlstate) = error.sqlstate_code() {
        detail["sqlstate"] = json!(sqlstate);
    }
    if let Some(hint) = error.hint_text() {
        detail["hint"] = json!(hint.in_language(language));
    }
    let mut object = error.outputs().cloned().unwrap_or_default();
    object.insert("OUTPUT_STATUS".into(), json!(0));
    object.insert("OUTPUT_STRING".into(), json!(error.sentence_in(language)));
    object.insert("error".into(), detail);
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const SCHEMA: &[Parameter] = &[
        Parameter::new("NAME", "Name", Type::String),
        Parameter::new("COUNT", "Count", Type::Number).default(Default::Number(21.0)),
        Parameter::new("FLAG", "Flag", Type::Boolean).default(Default::Boolean(true)),
        Parameter::new("NOTE", "Note", Type::String).optional(),
    ];

    fn refused(given: Value) -> String {
        let error = Parameters::validate(SCHEMA, &given).unwrap_err();
        assert_eq!(error.kind(), Kind::Parameter);
        error.sentence()
    }

    #[test]
    fn a_required_parameter_with_a_default_may_be_left_out() {
        let values = Parameters::validate(SCHEMA, &json!({"NAME": "a", "NOTE": null})).unwrap();
        assert_eq!(values.text("NAME"), Some("a"));
        assert!(values.flag("FLAG"));
        assert_eq!(values.text("NOTE"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refused(json!({"NAME": "a", "OTHER": 1})).contains("“OTHER”"));
        assert!(refused(json!({})).contains("NAME (Name) is missing"));
        assert!(refused(json!({"NAME": " "})).contains("NAME (Name) is empty"));
        assert!(
            refused(json!({"NAME": "a", "COUNT": "7"})).contains("COUNT (Count) must be a number")
        );
        assert!(refused(json!({"NAME": "a", "FLAG": "true"})).contains("must be true or false"));
        assert!(refused(json!({"NAME": "a\0b"})).contains("null character"));
        assert!(refused(json!([])).contains("JSON object"));
        assert!(refused(json!({"NAME": "a", "connections": {"x": 1}})).contains("connections"));
        let null = refused(json!({"NAME": "a", "connections": {"x": "password=a\0sesame"}}));
        assert!(null.contains("null character") && !null.contains("sesame"));
    }

    #[test]
    fn a_connection_string_is_not_shown() {
        let given = json!({"NAME": "a", "connections": {"x": "password=sesame"}});
        let values = Parameters::validate(SCHEMA, &given).unwrap();
        assert!(!format!("{values:?}").contains("sesame"));
    }
}
