//! Arguments of what is done to a task.

use clap::{Args, Subcommand, ValueEnum};
use ipa_events::{BranchName, Phase, Runtime, Status};

/// `ipa task …`
#[derive(Debug, Subcommand)]
pub(crate) enum TaskNoun {
    /// Create a task
    Create(Box<CreateArgs>),
    /// List tasks
    #[command(visible_alias = "ls")]
    List(ListArgs),
    #[command(flatten)]
    Verb(TaskVerb),
}

/// What is done to one task; under `ipa task` and, for daily use, under `ipa` itself.
#[derive(Debug, Subcommand)]
pub(crate) enum TaskVerb {
    /// Show one task
    Show(ShowArgs),
    /// Say why a task is doing something, or nothing
    Why(TaskArgs),
    /// Show what the agents did
    Logs(LogsArgs),
    /// Show what the work changed
    Diff(DiffArgs),
    /// Wait until a task is done, needs a decision, or reaches a phase
    Wait(WaitArgs),
    /// Tell the agent something
    Send(SendArgs),
    /// Stop the run that is going on
    Interrupt(InterruptArgs),
    /// Try again what failed or was interrupted
    Retry(TaskArgs),
    /// Go back to an earlier phase
    Back(BackArgs),
    /// Start nothing more until resumed
    Pause(TaskArgs),
    /// Go on with a paused task
    Resume(TaskArgs),
    /// Accept the work as it is
    Complete(TaskArgs),
    /// Give a task up
    Cancel(TaskArgs),
}

/// A task.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
}

/// `ipa show`
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
    /// Show it as it was at this version
    #[arg(long, value_name = "V")]
    pub(crate) at: Option<u64>,
}

/// `ipa task create`
#[derive(Debug, Clone, Args)]
pub(crate) struct CreateArgs {
    /// What is to be done, in your words
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    /// One line that names it
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// The repository; by default the one around the current folder
    #[arg(long, value_name = "PATH_OR_URL")]
    pub(crate) repo: Option<String>,
    /// The branch to start from
    #[arg(long, value_name = "BRANCH")]
    pub(crate) base: Option<BranchName>,
    /// Which agent works on it: claude, command:COMMAND, scripted or scripted:FILE
    #[arg(long, value_name = "RUNTIME", env = "IPA_AGENT")]
    pub(crate) agent: Option<Runtime>,
    /// Whether a person opens the gates
    #[arg(long, value_name = "WHO")]
    pub(crate) approve: Option<ApproveChoice>,
    /// A command that checks the work; may be given several times
    #[arg(long = "check", value_name = "CMD")]
    pub(crate) checks: Vec<String>,
    /// The phase to begin in
    #[arg(long, value_name = "PHASE")]
    pub(crate) start_at: Option<Phase>,
    /// More urgent tasks have a higher number
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// A task that must be completed first; may be given several times
    #[arg(long = "depends-on", value_name = "T")]
    pub(crate) depends_on: Vec<String>,
}

/// Whether a person opens the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ApproveChoice {
    /// A person.
    Ask,
    /// They open by themselves.
    Auto,
}

/// `ipa ls`
#[derive(Debug, Clone, Args)]
pub(crate) struct ListArgs {
    /// Only those in this phase
    #[arg(long, value_name = "P")]
    pub(crate) phase: Option<Phase>,
    /// Only those with this status
    #[arg(long, value_name = "S")]
    pub(crate) status: Option<Status>,
}

/// `ipa logs`
#[derive(Debug, Clone, Args)]
pub(crate) struct LogsArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
    /// Go on until the task is over or needs a person
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only this run, such as T-12.r3
    #[arg(long, value_name = "R")]
    pub(crate) run: Option<String>,
    /// What the agents were told, instead of what they did
    #[arg(long, conflicts_with = "follow")]
    pub(crate) prompt: bool,
    /// What to tell of the tools that the agent used
    #[arg(long, value_name = "WHAT", default_value = "fold")]
    pub(crate) tools: ToolsChoice,
}

/// What to tell of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToolsChoice {
    /// Nothing.
    None,
    /// Those in a row in one line; of one that failed, the end of its output.
    Fold,
    /// Each, with all of its output.
    All,
}

/// `ipa diff`
#[derive(Debug, Clone, Args)]
pub(crate) struct DiffArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
    /// The files and counts only
    #[arg(long)]
    pub(crate) stat: bool,
    /// Compare with the commit that the work began at, or with the one that was last reviewed
    #[arg(long, value_name = "WHAT", value_parser = ["base", "review"], default_value = "base")]
    pub(crate) since: String,
}

/// `ipa wait`
#[derive(Debug, Clone, Args)]
pub(crate) struct WaitArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
    /// What to wait for: done, decision, or phase:P
    #[arg(long = "for", value_name = "WHAT", default_value = "done")]
    pub(crate) until: WaitFor,
    /// How long at most, such as 30s or 10m
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    pub(crate) timeout: Option<std::time::Duration>,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// The task is over.
    Done,
    /// A person is needed.
    Decision,
    /// The task is in this phase, or was.
    Phase(Phase),
}

impl std::str::FromStr for WaitFor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "done" => Ok(Self::Done),
            None if text == "decision" => Ok(Self::Decision),
            Some(("phase", phase)) => {
                phase.parse().map(Self::Phase).map_err(|error: ipa_events::InvalidValue| error.to_string())
            }
            None | Some(_) => Err(format!("{text:?} is none of done, decision, phase:P")),
        }
    }
}

/// Parses a length of time, such as `30s`, `10m` or `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("{text:?} is not a length of time, such as 30s, 10m or 1h30m");
    let signed: jiff::SignedDuration = text.parse().map_err(|_error| wrong())?;
    std::time::Duration::try_from(signed).map_err(|_negative| wrong())
}

/// `ipa send`
#[derive(Debug, Clone, Args)]
pub(crate) struct SendArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
    /// What to tell the agent
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
}

/// `ipa interrupt`
#[derive(Debug, Clone, Args)]
pub(crate) struct InterruptArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
    /// The run; by default the one that is going on
    #[arg(long, value_name = "R")]
    pub(crate) run: Option<String>,
}

/// `ipa back`
#[derive(Debug, Clone, Args)]
pub(crate) struct BackArgs {
    /// The task: a handle such as T-12, or its id
    #[arg(value_name = "T")]
    pub(crate) task: String,
    /// The phase to go back to
    #[arg(value_name = "PHASE")]
    pub(crate) phase: Phase,
    /// Why; the next agent is told
    #[arg(short, value_name = "REASON")]
    pub(crate) message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_wait_for_is_read_from_one_word() {
        assert_eq!("done".parse(), Ok(WaitFor::Done));
        assert_eq!("phase:review".parse(), Ok(WaitFor::Phase(Phase::Review)));
        for wrong in ["", "phase", "phase:x", "decision:1"] {
            assert!(wrong.parse::<WaitFor>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_length_of_time_is_read_as_people_write_it() {
        let seconds: Vec<_> =
            ["30s", "10m", "1h30m"].map(|text| parse_duration(text).unwrap().as_secs()).into();
        assert_eq!(seconds, [30, 600, 5400]);
        for wrong in ["", "5", "-3s", "soon"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
