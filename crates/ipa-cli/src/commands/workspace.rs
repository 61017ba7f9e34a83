//! Looking into the checkouts that agents work in, and at what they changed.

use std::fmt::Write as _;

use ipa_server::wire::{DiffSet, FileView, List, Listing, WorkspaceRow};

use super::App;
use super::query::{all, encode, encode_path, part};
use crate::access;
use crate::cli::{DiffArgs, WorkspaceVerb};
use crate::client::parse;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Table, diff_stat, diff_text, plain};

/// `ipa workspace …`
pub(super) async fn run(app: &App, verb: WorkspaceVerb) -> Result<Exit, Failure> {
    match verb {
        WorkspaceVerb::List { task } => list(app, task.as_deref()).await,
        WorkspaceVerb::Ls { task, dir } => ls(app, &task, &dir).await,
        WorkspaceVerb::Read { task, path, workspace } => {
            let agent = workspace.map(|agent| format!("?workspace={agent}")).unwrap_or_default();
            read(app, &format!("/api/v1/tasks/{}/files/{}{agent}", part(&task)?, encode_path(&path)?)).await
        }
    }
}

async fn list(app: &App, task: Option<&str>) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let query = task.map(|task| format!("?task={}", encode(task))).unwrap_or_default();
    let rows = all(&client, &format!("/api/v1/workspaces{query}")).await?;
    app.out.reply(&rows, |rows| {
        let rows: List<WorkspaceRow> = parse("the workspaces", rows)?;
        let mut table = Table::new(&["TASK", "WORKSPACE", "BRANCH", "BASE", "PATH"]);
        for row in rows.items {
            let task = row.handle.map_or_else(|| row.task_id.to_string(), |handle| handle.to_string());
            let branch = row.branch.map(|branch| branch.to_string()).unwrap_or_default();
            table.row(vec![task, row.agent_id, branch, row.base.short().to_owned(), row.path]);
        }
        Ok(if table.is_empty() { "no workspaces\n".to_owned() } else { table.render() })
    })?;
    Ok(Exit::Done)
}

async fn ls(app: &App, task: &str, dir: &str) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let dir = dir.trim_matches('/');
    let path = format!("/api/v1/tasks/{}/files/{}", part(task)?, encode_path(dir)?);
    let listing = client.get(&path).await?;
    app.out.reply(&listing, |listing| {
        let listing: Listing = parse("the folder", listing)?;
        let mut text = String::new();
        for entry in &listing.entries {
            let slash = if entry.kind == ipa_pod::work::EntryKind::Dir { "/" } else { "" };
            writeln!(text, "{}{slash}", plain(&entry.name)).ok();
        }
        Ok(text)
    })?;
    Ok(Exit::Done)
}

async fn read(app: &App, path: &str) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let file = client.get(path).await?;
    if app.out.is_json() {
        app.out.json(&file)?;
        return Ok(Exit::Done);
    }
    let (text, problem) = match parse("the file", &file)? {
        FileView::Text { text } => (text, None),
        FileView::TooLarge { size_bytes, head } => {
            (head, Some(format!("the beginning of {size_bytes} bytes")))
        }
        FileView::Binary { size_bytes } => {
            (String::new(), Some(format!("{size_bytes} bytes that are no text")))
        }
        FileView::Symlink { target } => {
            (String::new(), Some(format!("a link to {}, not followed", plain(&target))))
        }
        FileView::Special => (String::new(), Some("neither a file nor a link".to_owned())),
    };
    if app.out.is_terminal() {
        app.out.text(&plain(&text))?;
    } else {
        app.out.bytes(text.as_bytes())?;
    }
    Ok(match problem {
        None => Exit::Done,
        Some(problem) => {
            app.out.note(problem);
            Exit::Failed
        }
    })
}

/// `ipa diff`
pub(super) async fn diff(app: &App, args: &DiffArgs) -> Result<Exit, Failure> {
    let client = access::reading(&app.settings).await?;
    let diff = client.get(&format!("/api/v1/tasks/{}/diff?since={}", part(&args.task)?, args.since)).await?;
    app.out.reply(&diff, |diff| {
        let diff: DiffSet = parse("the diff", diff)?;
        Ok(if args.stat { diff_stat(&diff) } else { diff_text(&diff) })
    })?;
    Ok(Exit::Done)
}
