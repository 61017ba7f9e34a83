//! The layers, from low to high: defaults, the system's file, the user's, the repository's, the environment.
//!
//! A repository's file is written by whoever wrote the repository, so only what can do no harm counts from it:
//! the base branch, the name of a runtime without a command, and gates that ask a person.

use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Provider as _};

use super::error::ConfigError;
use super::place::{line_in, line_of, nearest};
use super::values::{HIDDEN, Values};

/// What the layers say together.
pub(super) struct Layers {
    pub(super) figment: Figment,
    pub(super) values: Values,
    pub(super) warnings: Vec<String>,
}

/// One value, with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Row {
    /// Its name, such as `limits.runs`.
    pub(crate) key: String,
    /// The value as JSON.
    pub(crate) value: serde_json::Value,
    /// Where it comes from.
    pub(crate) origin: String,
}

/// Reads all layers.
pub(super) fn read(cwd: &Path, user_file: Option<&Path>) -> Result<Layers, ConfigError> {
    let mut figment = Figment::from(Serialized::defaults(Values::default()));
    let mut warnings = Vec::new();
    for path in [Some(Path::new("/etc/ipa/ipa.toml")), user_file].into_iter().flatten() {
        if let Some(file) = read_file(path)? {
            figment = figment.merge(file);
        }
    }
    if let Some(folder) = cwd.ancestors().find(|folder| folder.join(".git").exists()) {
        for path in [folder.join("ipa.toml"), folder.join("ipa.local.toml")] {
            if let Some(file) = read_file(&path)? {
                figment = figment.merge(harmless(&file, &path, &mut warnings)?);
            }
        }
    }
    let figment = figment.merge(Env::prefixed("IPA__").split("__"));
    let values = figment.extract().map_err(|error| ConfigError::Environment(error.to_string()))?;
    Ok(Layers { figment, values, warnings })
}

/// Lists every value with where it comes from.
pub(super) fn rows(figment: &Figment) -> Vec<Row> {
    let row = |(key, value): (String, Value)| {
        let metadata = figment.find_metadata(&key);
        let origin = metadata.map_or_else(String::new, |metadata| match &metadata.source {
            Some(figment::Source::File(path)) => path.display().to_string(),
            _ if metadata.name.contains("environment") => "environment".to_owned(),
            _ => "default".to_owned(),
        });
        let hidden = matches!(key.split('.').collect::<Vec<_>>()[..], ["agents", _, "env", ..]);
        let value = if hidden { HIDDEN.into() } else { serde_json::to_value(value).unwrap_or_default() };
        Row { key, value, origin }
    };
    leaves(figment.extract().unwrap_or_default()).into_iter().map(row).collect()
}

/// Lists the values in a dictionary with their whole names, such as `limits.runs`.
fn leaves(dict: Dict) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, value) in dict {
        if let Value::Dict(_, inner) = value {
            all.extend(leaves(inner).into_iter().map(|(rest, value)| (format!("{name}.{rest}"), value)));
        } else {
            all.push((name, value));
        }
    }
    all
}

/// Reads and checks one file; none when it is not there.
fn read_file(path: &Path) -> Result<Option<figment::providers::Data<Toml>>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(source) => return Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    };
    let file = Toml::file_exact(path);
    let checked: Result<Values, figment::Error> = Figment::from(&file).extract();
    checked.map_err(|error| in_file(path, &text, &error))?;
    Ok(Some(file))
}

/// Says what is wrong with a file, where, and what was probably meant.
fn in_file(path: &Path, text: &str, error: &figment::Error) -> ConfigError {
    let mut names: Vec<&str> = error.path.iter().map(String::as_str).collect();
    let wrong = |line, problem, help: &str| ConfigError::File {
        path: path.to_owned(),
        line,
        problem,
        help: help.to_owned(),
    };
    if let Kind::Message(message) = &error.kind
        && let Some(line) = line_in(message)
    {
        let what = message.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        return wrong(Some(line), what.trim().to_owned(), "mend the line; the file is TOML");
    }
    if let Kind::UnknownField(field, known) = &error.kind {
        if names.last() != Some(&field.as_str()) {
            names.push(field);
        }
        let help = match nearest(field, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        return wrong(line_of(text, &names), format!("there is no key `{}`", names.join(".")), &help);
    }
    wrong(
        line_of(text, &names),
        format!("`{}`: {}", names.join("."), error.kind),
        "mend the value, or leave the line out for the default",
    )
}

/// Keeps of a repository's file what can do no harm, and says what was left out.
fn harmless(
    file: &figment::providers::Data<Toml>,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<Figment, ConfigError> {
    let unreadable = |error: figment::Error| ConfigError::File {
        path: path.to_owned(),
        line: None,
        problem: error.to_string(),
        help: "mend the file".to_owned(),
    };
    let data = file.data().map_err(unreadable)?;
    let mut kept = Figment::new();
    let mut left_out = Vec::new();
    for (name, value) in data.into_values().flat_map(leaves) {
        if is_harmless(&name, &value) {
            kept = kept.merge(layer(path, &name, value));
        } else {
            left_out.push(name);
        }
    }
    if !left_out.is_empty() {
        warnings.push(format!(
            "{}: ignored {}: a repository may set only base, the name of an agent, and gates that ask",
            path.display(),
            left_out.join(", ")
        ));
    }
    Ok(kept)
}

/// Tells whether a repository may say this of itself.
fn is_harmless(name: &str, value: &Value) -> bool {
    match name.split('.').collect::<Vec<_>>()[..] {
        ["base"] => true,
        ["roles", _, "agent"] => value.as_str().is_some_and(|agent| !agent.contains(':')),
        ["gates", _] => value.as_str() == Some("ask"),
        _ => false,
    }
}

/// One value as a layer that is known to come from a file.
fn layer(path: &Path, key: &str, value: Value) -> Figment {
    let metadata = figment::Metadata::from("a repository's file", figment::Source::File(PathBuf::from(path)));
    Figment::from(OneValue { metadata, key: key.to_owned(), value })
}

struct OneValue {
    metadata: figment::Metadata,
    key: String,
    value: Value,
}

impl figment::Provider for OneValue {
    fn metadata(&self) -> figment::Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<figment::value::Map<figment::Profile, Dict>, figment::Error> {
        let value: serde_json::Value = serde_json::to_value(&self.value).unwrap_or_default();
        Serialized::default(&self.key, value).data()
    }
}
