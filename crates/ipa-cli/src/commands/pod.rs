//! Looking at pods, restarting and stopping them, and cleaning up after them.

use ipa_server::wire::{List, Pod};
use serde_json::json;

use super::App;
use super::query::{all, part};
use crate::access;
use crate::cli::PodVerb;
use crate::client::{Client, parse};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Table;

/// `ipa pod …`
pub(super) async fn run(app: &App, verb: PodVerb) -> Result<Exit, Failure> {
    match verb {
        PodVerb::List => list(app).await,
        PodVerb::Restart { task } => steer(app, &task, "restart").await,
        PodVerb::Stop { task } => steer(app, &task, "stop").await,
        PodVerb::Cleanup { task } => cleanup(app, &task).await,
    }
}

async fn list(app: &App) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let pods = all(&client, "/api/v1/pods").await?;
    app.out.reply(&pods, |pods| {
        let pods: List<Pod> = parse("the pods", pods)?;
        let mut table = Table::new(&["TASK", "STATE", "REASON"]);
        for pod in pods.items {
            let state = format!("{:?}", pod.state).to_lowercase();
            table.row(vec![pod.handle.to_string(), state, pod.reason.unwrap_or_default()]);
        }
        Ok(if table.is_empty() { "no pods\n".to_owned() } else { table.render() })
    })?;
    Ok(Exit::Done)
}

async fn steer(app: &App, task: &str, verb: &str) -> Result<Exit, Failure> {
    let Some(client) = access::running(&app.settings)? else {
        return Err(Failure::NothingRuns("steering a pod"));
    };
    post(app, &client, task, verb).await
}

/// The way out must work when nothing runs: then this process does it, under the lock.
async fn cleanup(app: &App, task: &str) -> Result<Exit, Failure> {
    let client = access::writing(&app.settings, app.out, "pod cleanup").await?;
    post(app, &client, task, "cleanup").await
}

async fn post(app: &App, client: &Client, task: &str, verb: &str) -> Result<Exit, Failure> {
    let reply = client.post(&format!("/api/v1/pods/{}/{verb}", part(task)?), &json!({})).await?;
    app.out.reply(&reply, |_reply| Ok(format!("{task}: {verb}\n")))?;
    Ok(Exit::Done)
}
