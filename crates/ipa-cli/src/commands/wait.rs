//! Waiting until a task is done, needs a decision, or reaches a phase.

use ipa_events::Phase;
use ipa_server::wire::TaskDetail;

use super::App;
use super::follow::{Ending, News, Watch, end_of};
use super::query::part;
use super::serve::Stopping;
use super::task::line;
use crate::access;
use crate::cli::{WaitArgs, WaitFor};
use crate::exit::Exit;
use crate::failure::Failure;

/// `ipa wait`
pub(super) async fn run(app: &App, args: &WaitArgs) -> Result<Exit, Failure> {
    let mut stopping = Stopping::new()?;
    let client = access::reading(&app.settings).await?;
    let mut detail: TaskDetail = client.read(&format!("/api/v1/tasks/{}", part(&args.task)?)).await?;
    if let Some(exit) = arrived(&detail, args.until) {
        return told(app, &detail, exit);
    }
    if !client.is_live() {
        return Err(Failure::NothingRuns("waiting for it"));
    }
    let mut watch = Watch::new(&client, &detail.task).await?.after_run(u32::MAX);
    let deadline = async {
        match args.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(deadline);
    loop {
        let news = tokio::select! {
            news = watch.next() => news?,
            () = &mut deadline => {
                let what = format!("{} is {} in {}", detail.task.handle, detail.task.status, detail.task.phase);
                return Err(Failure::TimedOut(what));
            }
            () = stopping.wait() => {
                return Err(Failure::left(format!("`ipa wait {}` waits again", args.task)));
            }
        };
        match news {
            News::Event(_, now) | News::Look(now) => detail = *now,
            News::Log(..) => continue,
        }
        if let Some(exit) = arrived(&detail, args.until) {
            return told(app, &detail, exit);
        }
    }
}

fn told(app: &App, detail: &TaskDetail, exit: Exit) -> Result<Exit, Failure> {
    let value =
        serde_json::to_value(ipa_server::wire::Single::new(detail.clone())).map_err(Failure::Encode)?;
    app.out.reply(&value, |_value| Ok(line(&detail.task)))?;
    Ok(exit)
}

/// Says whether what is waited for is there, or cannot come any more.
fn arrived(detail: &TaskDetail, until: WaitFor) -> Option<Exit> {
    let ending = end_of(&detail.task);
    match (until, ending) {
        (WaitFor::Done, Some(Ending::Completed)) => Some(Exit::Done),
        // A paused task, or one whose run was interrupted, needs a person who resumes it: nothing is to be decided.
        (WaitFor::Decision, Some(Ending::Person)) if !detail.task.open_decisions.is_empty() => {
            Some(Exit::Done)
        }
        (WaitFor::Phase(phase), _) if reached(detail.task.phase, phase) => Some(Exit::Done),
        (WaitFor::Done | WaitFor::Decision | WaitFor::Phase(_), Some(Ending::Person)) => {
            Some(Exit::PersonNeeded)
        }
        (_, Some(Ending::Cancelled | Ending::Parked))
        | (WaitFor::Decision | WaitFor::Phase(_), Some(Ending::Completed)) => Some(Exit::NotCompleted),
        (WaitFor::Done | WaitFor::Decision | WaitFor::Phase(_), None) => None,
    }
}

/// A phase counts as reached when the task is there, or beyond on the way to its completion.
fn reached(at: Phase, wanted: Phase) -> bool {
    at == wanted || at != Phase::Cancelled && wanted != Phase::Cancelled && at > wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_reached_there_and_beyond_but_not_by_giving_up() {
        assert!(reached(Phase::Review, Phase::Planning));
        assert!(reached(Phase::Planning, Phase::Planning));
        assert!(!reached(Phase::Planning, Phase::Review));
        assert!(!reached(Phase::Cancelled, Phase::Review));
        assert!(!reached(Phase::Completed, Phase::Cancelled));
    }
}
