//! Telling a task what to do.

use ipa_server::wire::{Command, CommandReply};

use super::App;
use super::query::part;
use crate::access;
use crate::cli::TaskVerb;
use crate::client::parse;
use crate::exit::Exit;
use crate::failure::Failure;

/// Carries out the verbs that change a task.
pub(super) async fn run(app: &App, verb: TaskVerb) -> Result<Exit, Failure> {
    let Some((task, command, name)) = command_of(verb) else { return Ok(Exit::Usage) };
    let client = access::writing(&app.settings, app.out, name).await?;
    let reply = client.post(&format!("/api/v1/tasks/{}/commands", part(&task)?), &command).await?;
    app.out.reply(&reply, |reply| {
        let reply: CommandReply = parse("the reply", reply)?;
        Ok(format!("{} {name}: version {}\n", reply.handle, reply.version))
    })?;
    Ok(Exit::Done)
}

/// Says which command a verb is; none for those that only look.
fn command_of(verb: TaskVerb) -> Option<(String, Command, &'static str)> {
    Some(match verb {
        TaskVerb::Send(args) => (args.task, Command::Message { text: args.text }, "send"),
        TaskVerb::Interrupt(args) => {
            (args.task, Command::Interrupt { run: args.run, reason: None }, "interrupt")
        }
        TaskVerb::Retry(args) => (args.task, Command::Retry {}, "retry"),
        TaskVerb::Back(args) => {
            (args.task, Command::Back { phase: args.phase, reason: args.message }, "back")
        }
        TaskVerb::Pause(args) => (args.task, Command::Pause { reason: None }, "pause"),
        TaskVerb::Resume(args) => (args.task, Command::Resume {}, "resume"),
        TaskVerb::Complete(args) => (args.task, Command::Complete { note: None }, "complete"),
        TaskVerb::Cancel(args) => (args.task, Command::Cancel { reason: None }, "cancel"),
        TaskVerb::Show(_) | TaskVerb::Why(_) | TaskVerb::Logs(_) | TaskVerb::Diff(_) | TaskVerb::Wait(_) => {
            return None;
        }
    })
}
