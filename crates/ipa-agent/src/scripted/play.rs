//! Plays the steps of one turn.

#![expect(clippy::disallowed_methods, reason = "this process is the agent: it works and waits for real")]

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::input::Heard;
use super::say::{How, Voice};
use super::script::{Fault, Mode, Step};

/// How long it waits when it waits for ever.
const FOR_EVER: Duration = Duration::from_hours(24 * 365);
/// How often it says that it lives.
const BEAT: Duration = Duration::from_millis(50);

/// What comes after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// The next step.
    Next,
    /// Nothing: the turn is over.
    TurnOver,
    /// Nothing: the turn was interrupted.
    Interrupted,
    /// Nothing: nothing more is coming.
    InputEnded,
    /// Nothing: the process ends with this code.
    Exit(i32),
}

/// Plays one agent.
pub(super) struct Player {
    voice: Voice,
    /// Messages that came while a turn went on.
    waiting: VecDeque<String>,
    reports: Sender<Heard>,
    said: String,
    answer: String,
    prompt: String,
    interrupts: Interrupts,
    input: Input,
}

/// Whether more is coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    Ended,
}

/// Whether it takes notice of interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interrupts {
    Heeded,
    Ignored,
}

/// What something that waited came to.
enum Came {
    Answer(Value),
    Output { output: String, how: How },
    Flow(Flow),
}

impl Player {
    pub(super) const fn new(session: String, reports: Sender<Heard>) -> Self {
        Self {
            voice: Voice::new(session),
            waiting: VecDeque::new(),
            reports,
            said: String::new(),
            answer: String::new(),
            prompt: String::new(),
            interrupts: Interrupts::Heeded,
            input: Input::Open,
        }
    }

    /// Waits for something to do.
    pub(super) fn next_message(&mut self, heard: &Receiver<Heard>) -> Result<String, Flow> {
        loop {
            if let Some(text) = self.waiting.pop_front() {
                return Ok(text);
            }
            if self.input == Input::Ended {
                return Err(Flow::InputEnded);
            }
            self.wait(heard, FOR_EVER, |heard| {
                matches!(heard, Heard::Message(_) | Heard::End).then_some(Came::Flow(Flow::Next))
            });
        }
    }

    /// Plays one turn.
    pub(super) fn turn(&mut self, steps: Vec<Step>, prompt: &str, heard: &Receiver<Heard>) -> Flow {
        prompt.clone_into(&mut self.prompt);
        self.said.clear();
        let mut steps: VecDeque<_> = steps.into();
        if let Some(Step::Fault(Fault::SlowStart(ms))) = steps.front() {
            self.wait(heard, Duration::from_millis(*ms), |_| None);
        }
        self.voice.init();
        while let Some(step) = steps.pop_front() {
            match self.step(step, heard) {
                Flow::Next => {}
                Flow::Interrupted => {
                    self.voice.aborted();
                    return Flow::Interrupted;
                }
                flow @ (Flow::TurnOver | Flow::InputEnded | Flow::Exit(_)) => return flow,
            }
        }
        self.voice.result(&self.said);
        Flow::TurnOver
    }

    fn step(&mut self, step: Step, heard: &Receiver<Heard>) -> Flow {
        match step {
            Step::Say(text) => {
                self.said = self.filled(&text);
                self.voice.text(&self.said);
            }
            Step::Think(text) => {
                self.voice.block(&json!({"type": "thinking", "thinking": self.filled(&text)}));
            }
            Step::Plan(todos) => {
                let id = self.voice.tool("TodoWrite", &json!({"todos": todos}));
                self.voice.tool_result(&id, "ok", How::Well);
            }
            Step::WriteFile { path, content, mode } => self.write_file(&path, &content, mode),
            Step::Run(command) => return self.run(&command, heard),
            Step::AskPermission { tool, input } => return self.ask_permission(&tool, &input, heard),
            Step::AskQuestion { question, choices } => return self.ask_question(&question, &choices, heard),
            Step::Usage { input_tokens, output_tokens, cost_usd } => {
                self.voice.uses(input_tokens, output_tokens, cost_usd);
            }
            Step::ApiRetry { error, delay_ms } => {
                let rest =
                    json!({"attempt": 1, "max_retries": 10, "retry_delay_ms": delay_ms, "error": error});
                self.voice.system("api_retry", &rest);
                return self.wait(heard, Duration::from_millis(delay_ms), |_| None).flow();
            }
            Step::RateLimit(at) => self.voice.message(&json!({
                "type": "rate_limit_event",
                "rate_limit_info": {"status": "rejected", "resetsAt": at},
            })),
            Step::Result(text) => {
                self.voice.result(&self.filled(&text));
                return Flow::TurnOver;
            }
            Step::Fail(error) => {
                self.voice.fail(&error);
                return Flow::TurnOver;
            }
            Step::Wait(ms) => return self.wait(heard, Duration::from_millis(ms), |_| None).flow(),
            Step::Fault(fault) => return self.fault(&fault, heard),
        }
        Flow::Next
    }

    fn fault(&mut self, fault: &Fault, heard: &Receiver<Heard>) -> Flow {
        match fault {
            Fault::Hang => return self.wait(heard, FOR_EVER, |_| None).flow(),
            Fault::HeartbeatsOnly => loop {
                self.voice.system("status", &json!({"status": "working"}));
                if let flow @ Flow::Interrupted = self.wait(heard, BEAT, |_| None).flow() {
                    return flow;
                }
            },
            Fault::IgnoreInterrupt => self.interrupts = Interrupts::Ignored,
            Fault::GiantLine(bytes) => {
                self.voice.text(&"x".repeat(*bytes));
            }
            Fault::Flood(lines) => {
                for number in 0..*lines {
                    self.voice.text(&format!("line {number}"));
                }
            }
            Fault::BadUtf8 => self.voice.raw(b"\xff\xfe not text \x00\r\n"),
            Fault::PartialLine => {
                self.voice.raw(b"{\"type\":\"assis");
                return Flow::Exit(0);
            }
            Fault::ExitWithoutResult(code) => return Flow::Exit(*code),
            Fault::HangAfterResult => {
                self.voice.result(&self.said);
                loop {
                    self.wait(heard, FOR_EVER, |_| None);
                }
            }
            Fault::Crash => {
                rustix::process::kill_process(rustix::process::getpid(), Signal::KILL).ok();
            }
            Fault::DoubleFork => {
                // One that is an orphan, one that leads a session of its own, both deaf to what can be ignored.
                let script =
                    "trap '' HUP INT TERM; (sleep 1000 & ) ; setsid sh -c 'sleep 1000 & sleep 1000' &";
                Command::new("/bin/sh").args(["-c", script]).stdin(Stdio::null()).status().ok();
            }
            Fault::UnknownType => self.voice.message(&json!({"type": "never_heard_of", "x": 1})),
            // These are of the whole process, and were seen to when it began.
            Fault::SlowStart(_) | Fault::IgnoreSigint | Fault::IgnoreSigterm | Fault::NeverReadStdin => {}
        }
        Flow::Next
    }

    fn write_file(&mut self, path: &str, content: &str, mode: Mode) {
        let append = mode == Mode::Append;
        let content = self.filled(content);
        let id = self.voice.tool("Write", &json!({"file_path": path, "content": content}));
        let opened = OpenOptions::new().create(true).write(true).append(append).truncate(!append).open(path);
        match opened.and_then(|mut file| file.write_all(content.as_bytes())) {
            Ok(()) => self.voice.tool_result(&id, &format!("{path} was written"), How::Well),
            Err(error) => self.voice.tool_result(&id, &error.to_string(), How::Failed),
        }
    }

    fn run(&mut self, command: &str, heard: &Receiver<Heard>) -> Flow {
        let id = self.voice.tool("Bash", &json!({"command": command}));
        let child = Command::new("/bin/sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                self.voice.tool_result(&id, &error.to_string(), How::Failed);
                return Flow::Next;
            }
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let reports = self.reports.clone();
        std::thread::spawn(move || {
            let ran = child.wait_with_output();
            let failed = !ran.as_ref().is_ok_and(|it| it.status.success());
            let output = ran.map(|it| [it.stdout, it.stderr].concat()).unwrap_or_default();
            reports.send(Heard::Ran { output: String::from_utf8_lossy(&output).into_owned(), failed }).ok();
        });
        let ran = self.wait(heard, FOR_EVER, |heard| {
            let Heard::Ran { output, failed } = heard else { return None };
            Some(Came::Output { output: output.clone(), how: if *failed { How::Failed } else { How::Well } })
        });
        match ran {
            Came::Output { output, how } => self.voice.tool_result(&id, &output, how),
            other @ (Came::Answer(_) | Came::Flow(_)) => {
                if let Some(pid) = pid {
                    rustix::process::kill_process(pid, Signal::KILL).ok();
                }
                self.voice.tool_result(&id, "it was interrupted", How::Failed);
                return other.flow();
            }
        }
        Flow::Next
    }

    fn ask_permission(&mut self, tool: &str, input: &Value, heard: &Receiver<Heard>) -> Flow {
        let id = self.voice.tool(tool, input);
        match self.ask(tool, input, &id, heard) {
            Ok(response) if response.get("behavior").and_then(Value::as_str) == Some("allow") => {
                "allowed".clone_into(&mut self.answer);
                self.voice.tool_result(&id, "done", How::Well);
                Flow::Next
            }
            Ok(response) => {
                let why = response.get("message").and_then(Value::as_str).unwrap_or("it failed");
                why.clone_into(&mut self.answer);
                self.voice.tool_result(&id, why, How::Failed);
                Flow::Next
            }
            Err(flow) => flow,
        }
    }

    fn ask_question(&mut self, question: &str, choices: &[String], heard: &Receiver<Heard>) -> Flow {
        let options: Vec<_> = choices.iter().map(|label| json!({"label": label})).collect();
        let question = self.filled(question);
        let input = json!({"questions": [{"question": question, "options": options, "multiSelect": false}]});
        let id = self.voice.tool("AskUserQuestion", &input);
        match self.ask("AskUserQuestion", &input, &id, heard) {
            Ok(response) => {
                let answers = response.pointer("/updatedInput/answers").and_then(Value::as_object);
                let answer = answers.and_then(|it| it.get(&question)).and_then(Value::as_str);
                answer.unwrap_or("no answer").clone_into(&mut self.answer);
                self.voice.tool_result(
                    &id,
                    &self.answer,
                    if answer.is_some() { How::Well } else { How::Failed },
                );
                Flow::Next
            }
            Err(flow) => flow,
        }
    }

    fn ask(&mut self, tool: &str, input: &Value, id: &str, heard: &Receiver<Heard>) -> Result<Value, Flow> {
        let key = self.voice.ask(tool, input, id);
        if self.input == Input::Ended {
            return Ok(Value::Null);
        }
        let came = self.wait(heard, FOR_EVER, |heard| match heard {
            Heard::Answer { key: answered, response } if *answered == key => {
                Some(Came::Answer(response.clone()))
            }
            // Nobody can answer any more: the tool fails, and the turn goes on.
            Heard::End => Some(Came::Answer(Value::Null)),
            Heard::Message(_)
            | Heard::Interrupt(_)
            | Heard::Answer { .. }
            | Heard::Usage(_)
            | Heard::Request(_)
            | Heard::Ran { .. } => None,
        });
        match came {
            Came::Answer(response) => Ok(response),
            other @ (Came::Output { .. } | Came::Flow(_)) => {
                self.voice.withdraw(&key);
                Err(other.flow())
            }
        }
    }

    /// Waits for what is wanted, as long as it may take; hears everything else meanwhile.
    fn wait(
        &mut self,
        heard: &Receiver<Heard>,
        patience: Duration,
        mut wanted: impl FnMut(&Heard) -> Option<Came>,
    ) -> Came {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let heard = match heard.recv_timeout(left) {
                Ok(heard) => heard,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Came::Flow(Flow::Next);
                }
            };
            match &heard {
                Heard::Message(text) => self.waiting.push_back(text.clone()),
                Heard::End => self.input = Input::Ended,
                Heard::Interrupt(_)
                | Heard::Answer { .. }
                | Heard::Usage(_)
                | Heard::Request(_)
                | Heard::Ran { .. } => {}
            }
            if let Some(came) = wanted(&heard) {
                return came;
            }
            match heard {
                Heard::Interrupt(_) if self.interrupts == Interrupts::Ignored => {}
                Heard::Interrupt(request) => {
                    self.voice.confirm(&request);
                    return Came::Flow(Flow::Interrupted);
                }
                Heard::Usage(request) => self.voice.says_usage(&request),
                Heard::Request(request) => self.voice.confirm(&request),
                Heard::Message(_) | Heard::Answer { .. } | Heard::Ran { .. } | Heard::End => {}
            }
        }
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{prompt}", &self.prompt).replace("{answer}", &self.answer)
    }
}

impl Came {
    fn flow(self) -> Flow {
        match self {
            Self::Flow(flow) => flow,
            Self::Answer(_) | Self::Output { .. } => Flow::Next,
        }
    }
}
