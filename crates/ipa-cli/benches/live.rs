//! How long it takes from a line that an agent prints to the page that shows it: through host, spool, fold and stream,
//! in the program as it is shipped, with one page open and with twenty; beside it, the same lines read from the agent's
//! pipe directly. Prints, and gates nothing but that each line is there once.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "a bench"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use futures::future::join_all;
use serde_json::Value;

/// How long anything may take before it is given up.
const DEADLINE: Duration = Duration::from_mins(2);
/// What stands before the time in a line.
const MARK: &str = "printed at ";

fn main() {
    let args: Vec<_> = std::env::args().collect();
    if args.iter().any(|arg| arg == "--list") {
        return;
    }
    let lines = if args.iter().any(|arg| arg == "--bench") { 1000 } else { 20 };
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("{lines} lines, a hundred a second");
    report("read from the pipe", lines, &[direct(lines)]);
    for pages in [1, 20] {
        let world = World::new(lines);
        let seen = tokio
            .block_on(async { tokio::time::timeout(DEADLINE, world.follow(pages, lines)).await.unwrap() });
        report(&format!("on {pages} open pages"), lines, &seen);
    }
}

/// When each line was seen, by the time that stands in it.
type Seen = BTreeMap<u128, Duration>;

fn report(what: &str, lines: usize, pages: &[Seen]) {
    let mut all: Vec<f64> = pages.iter().flatten().map(|(_, took)| took.as_secs_f64() * 1e3).collect();
    all.sort_by(f64::total_cmp);
    let at = |share: f64| all[((all.len() - 1) as f64 * share).round() as usize];
    let lost: usize = pages.iter().map(|seen| lines - seen.len()).sum();
    println!(
        "{what:<20} median {:>6.1} ms, p99 {:>6.1} ms, most {:>6.1} ms, lost {lost}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    assert_eq!(lost, 0, "{what}");
}

/// The program of the agent: it waits until somebody looks, and prints what the time is.
fn script(lines: usize) -> String {
    format!(
        "cat > /dev/null; while [ ! -e begin ]; do sleep 0.1; done; i=0\n\
         while [ $i -lt {lines} ]; do date '+{MARK}%s%N.'; sleep 0.01; i=$((i+1)); done; touch done\n"
    )
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

/// Takes the times of the whole lines in a text, and leaves the rest of it.
fn take(text: &mut String, seen: &mut Seen) {
    let arrived = now();
    while let Some((_, rest)) = text.split_once(MARK) {
        let Some((at, rest)) = rest.split_once('.') else { return };
        let at: u128 = at.parse().unwrap();
        let took = Duration::from_nanos(u64::try_from(arrived.saturating_sub(at)).unwrap());
        assert!(seen.insert(at, took).is_none(), "a line came twice");
        *text = rest.to_owned();
    }
    let keep = text.len().saturating_sub(MARK.len());
    *text = text.get(keep..).unwrap_or_default().to_owned();
}

fn direct(lines: usize) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("begin"), "").unwrap();
    let mut agent = Command::new("/bin/sh");
    agent.args(["-c", &script(lines)]).current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut agent = agent.spawn().unwrap();
    let mut seen = Seen::new();
    for line in BufReader::new(agent.stdout.take().unwrap()).lines() {
        take(&mut line.unwrap(), &mut seen);
    }
    agent.wait().unwrap();
    seen
}

/// A served data directory with a repository whose agent prints.
struct World {
    folder: tempfile::TempDir,
    server: Child,
    url: String,
    token: String,
}

impl World {
    fn new(lines: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("repo");
        fs::create_dir(&repo).unwrap();
        fs::write(repo.join("agent.sh"), script(lines)).unwrap();
        for args in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message=first"]] {
            let author = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"];
            assert!(
                Command::new("git").arg("-C").arg(&repo).args(author).args(args).status().unwrap().success()
            );
        }
        let mut server = ipa(folder.path(), &["serve", "--json", "--port", "0", "--drain", "stop"]);
        let mut server = server.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let token = fs::read_to_string(ready["token_file"].as_str().unwrap()).unwrap();
        Self { folder, server, url: ready["url"].as_str().unwrap().to_owned(), token }
    }

    /// Asks the program something, and returns its answer.
    fn asked(&self, args: &[&str]) -> Value {
        let output = ipa(self.folder.path(), args).arg("--json").output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Opens so many pages on a task, has its agent print, and waits until each has seen all.
    async fn follow(&self, pages: usize, lines: usize) -> Vec<Seen> {
        let repo = self.folder.path().join("repo");
        let agent = ["--agent", "command:sh ./agent.sh", "--start-at", "development"];
        let create = [&["task", "create", "Print", "--repo", repo.to_str().unwrap()][..], &agent].concat();
        let task = self.asked(&create);
        let task = task["handle"].as_str().unwrap();
        let path = format!("/tasks/{task}");
        let page = loop {
            let page = self.get(&path).await.text().await.unwrap();
            if page.contains("role=\"log\"") {
                break page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let attribute = |name: &str| {
            let (_, rest) = page.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        let live = format!("/live?topics={}&after={}", attribute("data-topics"), attribute("data-after"));
        let streams = join_all((0..pages).map(|_| self.get(&live))).await;
        let checkouts = self.asked(&["workspace", "list", task]);
        let checkout = checkouts["items"][0]["path"].as_str().unwrap();
        fs::write(Path::new(checkout).join("begin"), "").unwrap();
        join_all(streams.into_iter().map(|it| read(it, lines))).await
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        let client = reqwest::Client::new();
        let response =
            client.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let pid = self.server.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        drop(self.server.wait());
    }
}

fn ipa(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipa"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", folder);
    command.env("IPA_DATA_DIR", folder.join("data")).current_dir(folder).args(args).stdin(Stdio::null());
    command
}

/// Reads a stream until each line was seen.
async fn read(response: reqwest::Response, lines: usize) -> Seen {
    let (mut pieces, mut rest, mut seen) = (response.bytes_stream(), String::new(), Seen::new());
    while seen.len() < lines {
        let Some(piece) = pieces.next().await else { break };
        rest.push_str(&String::from_utf8_lossy(&piece.unwrap()));
        take(&mut rest, &mut seen);
    }
    seen
}
