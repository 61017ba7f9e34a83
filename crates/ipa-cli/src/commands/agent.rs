//! Which agents there are, and whether they work here.

use ipa_server::wire::{AgentRow, List};

use super::App;
use super::query::{all, part};
use crate::access;
use crate::cli::AgentVerb;
use crate::client::parse;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, plain};

/// `ipa agent …`
pub(super) async fn run(app: &App, verb: AgentVerb) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    match verb {
        AgentVerb::List => {
            let agents = all(&client, "/api/v1/agents").await?;
            app.out.reply(&agents, |agents| {
                let agents: List<AgentRow> = parse("the agents", agents)?;
                let mut table = Table::new(&["AGENT", "WORKS", "VERSION", "PROBLEM"]);
                for agent in agents.items {
                    let works = if agent.works { "yes" } else { "no" }.to_owned();
                    let (version, problem) =
                        (agent.version.unwrap_or_default(), agent.problem.unwrap_or_default());
                    table.row(vec![agent.name, works, version, problem]);
                }
                Ok(table.render())
            })?;
            Ok(Exit::Done)
        }
        AgentVerb::Check { name } => {
            let value = client.get(&format!("/api/v1/agents/{}", part(name.as_str())?)).await?;
            let agent: AgentRow = parse("the agent", &value)?;
            app.out.reply(&value, |_value| {
                let sign = if agent.works { "✓" } else { "✗" };
                Ok(format!("{sign} {}  {}\n", plain(&agent.name), plain(&found(&agent))))
            })?;
            Ok(if agent.works { Exit::Done } else { Exit::Failed })
        }
    }
}

/// Says in one line what was found out: the version, the login, and what to do.
pub(super) fn found(agent: &AgentRow) -> String {
    let login = agent.login.as_ref().map(|login| format!("login: {login}"));
    let parts = [&agent.version, &login, &agent.problem];
    let said = parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("; ");
    if said.is_empty() { "works".to_owned() } else { said }
}
