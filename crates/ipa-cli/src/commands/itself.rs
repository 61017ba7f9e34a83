//! What the program tells of itself, wherever it is: it reads no configuration and no data.

use serde_json::json;

use crate::cli::SelfVerb;
use crate::completion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Out;

/// Tells it.
///
/// # Errors
///
/// [`Failure::ClosedPipe`] when nobody reads it any more.
pub(crate) fn tell(verb: &SelfVerb, out: Out) -> Result<Exit, Failure> {
    match verb {
        SelfVerb::Completion { shell } => {
            let script = completion::script(*shell)?;
            let value =
                json!({ "schema": "ipa.completion/v1", "shell": shell.to_string(), "script": script });
            out.reply(&value, |_value| Ok(script))?;
            Ok(Exit::Done)
        }
    }
}
