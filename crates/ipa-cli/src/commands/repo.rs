//! Which repository is meant: the one that is named, or the one around the current folder.

use std::path::{Path, PathBuf};

use ipa_events::RepoSource;

use super::App;
use crate::failure::Failure;

/// Finds the repository of a new task.
///
/// # Errors
///
/// [`Failure::Usage`] when there is none.
pub(super) fn resolve(app: &App, named: Option<&str>) -> Result<RepoSource, Failure> {
    let usage = |message: String| Failure::Usage {
        message,
        help: "name one with --repo PATH_OR_URL, or go into one".to_owned(),
    };
    let Some(named) = named else {
        let around = nearest(&app.settings.cwd);
        let path =
            around.ok_or_else(|| usage("there is no git repository around the current folder".to_owned()))?;
        return source(&path).map_err(usage);
    };
    if named.contains("://") {
        return named.parse().map_err(|error: ipa_events::InvalidValue| usage(error.to_string()));
    }
    let path = app.settings.absolute(Path::new(named));
    let found = path.canonicalize().map_err(|error| usage(format!("{}: {error}", path.display())))?;
    match nearest(&found) {
        Some(root) => source(&root).map_err(usage),
        None => Err(usage(format!("{} is no git repository", found.display()))),
    }
}

/// Finds the repository that a folder lies in.
pub(crate) fn nearest(folder: &Path) -> Option<PathBuf> {
    let is_bare = |folder: &Path| folder.join("HEAD").is_file() && folder.join("objects").is_dir();
    folder.ancestors().find(|folder| folder.join(".git").exists() || is_bare(folder)).map(Path::to_owned)
}

fn source(path: &Path) -> Result<RepoSource, String> {
    let text = path.to_str().ok_or_else(|| format!("{} is no text", path.display()))?;
    text.parse().map_err(|error: ipa_events::InvalidValue| error.to_string())
}
