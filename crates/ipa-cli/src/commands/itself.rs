//! What the program tells of itself, wherever it is: it reads no configuration and no data.

use clap::Parser as _;
use clap::builder::StyledStr;
use serde_json::json;

use crate::cli::{Cli, SelfVerb};
use crate::completion;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Out, Table};

/// Tells it.
///
/// # Errors
///
/// [`Failure::Usage`] when there is no such thing to be told of, [`Failure::ClosedPipe`] when nobody reads it any more.
pub(crate) fn tell(verb: &SelfVerb, out: Out) -> Result<Exit, Failure> {
    match verb {
        SelfVerb::Completion { shell } => {
            let script = completion::script(*shell)?;
            let value =
                json!({ "schema": "ipa.completion/v1", "shell": shell.to_string(), "script": script });
            out.reply(&value, |_value| Ok(script))?;
        }
        SelfVerb::Help { topic } if topic.as_slice() == ["exit-codes"] => exit_codes(out)?,
        SelfVerb::Help { topic } => {
            let help = help_of(topic)?;
            let value = json!({ "schema": "ipa.help/v1", "text": help.to_string() });
            out.reply(&value, |_value| Ok(help.ansi().to_string()))?;
        }
    }
    Ok(Exit::Done)
}

fn exit_codes(out: Out) -> Result<(), Failure> {
    let item = |exit: &Exit| json!({ "code": exit.number(), "meaning": exit.meaning() });
    let items: Vec<_> = Exit::ALL.iter().map(item).collect();
    let value = json!({ "schema": "ipa.exit_code.list/v1", "items": items, "next": null });
    out.reply(&value, |_value| {
        let mut table = Table::new(&["CODE", "MEANING"]);
        for exit in Exit::ALL {
            table.row([exit.number().to_string(), exit.meaning().to_owned()]);
        }
        Ok(format!("{}\n{EXIT_CODES}", table.render()))
    })
}

/// What a number does not say.
const EXIT_CODES: &str = "\
`ipa run` and `ipa wait` end as the task does: with 0 when it is completed, with 6, or with 7.
Why a command failed is on standard error; with --json it is on standard output:
{\"error\":{\"code\",\"message\",\"help\"}}, and `code` is a word that stays.
";

/// Returns what a command says of itself.
fn help_of(command: &[String]) -> Result<StyledStr, Failure> {
    let line = ["ipa"].into_iter().chain(command.iter().map(String::as_str)).chain(["--help"]);
    match Cli::try_parse_from(line) {
        Err(told) if !told.use_stderr() => Ok(told.render()),
        Ok(_) | Err(_) => Err(Failure::Usage {
            message: format!("there is no command `{}`", command.join(" ")),
            help: "`ipa help` lists the commands; beside them there is `ipa help exit-codes`".to_owned(),
        }),
    }
}
