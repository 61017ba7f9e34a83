//! Takes the inbox in: what a person dropped is done once, and put away; what cannot be understood is put aside with
//! the reason beside it, and is in the way of nothing else.

use ipa_events::task::MergeMethod;
use jiff::{SignedDuration, Timestamp};

use super::LocalConnector;
use super::disk::{Bytes, Dir, FileError};
use super::folder::{self, WHY};
use super::inbox::{self, Act, Addressee, Dropped};
use super::merge::Wish;
use crate::connector::Cx;
use crate::error::{ErrorClass, SyncError};

const INBOX: &str = "inbox";
const DONE: &str = "done";
const REFUSED: &str = "refused";
/// How long a file that cannot be understood may be one that is still being written.
const SETTLED: SignedDuration = SignedDuration::from_secs(2);

/// What is to become of a file.
enum Fate {
    Done,
    Refused(String),
    /// It is tried again at the next look.
    Stays,
}

/// What a file turned out to be.
enum Read {
    /// Nothing is to be done.
    Is(Fate),
    Says(Box<Dropped>),
}

impl LocalConnector {
    /// Takes everything in that is in the inbox.
    pub(super) async fn take_in(&self, cx: Cx<'_>) -> Result<(), SyncError> {
        for name in self.files("looking into the inbox", names).await? {
            let (file, now) = (name.clone(), cx.now);
            let read = self.on_disk(move |root| Ok(read(root, &file, now))).await?;
            let fate = match read {
                Ok(Read::Is(fate)) => fate,
                Ok(Read::Says(dropped)) => self.fulfil(cx, &dropped).await,
                Err(error) => fate_of_file(&error),
            };
            self.files("tidying the inbox", move |root| put_away(root, &name, &fate)).await?;
        }
        Ok(())
    }

    async fn fulfil(&self, cx: Cx<'_>, dropped: &Dropped) -> Fate {
        let done = match dropped.to.clone() {
            Addressee::Pull(number) => self.fulfil_in_pull(cx, number, dropped).await,
            Addressee::Ticket(key) => {
                let at = key.clone();
                match self.on_disk(move |root| folder::ticket(root, &at)).await {
                    Ok(Ok(Some(files))) => {
                        let writes = inbox::for_ticket(&files, dropped);
                        self.write_ticket(key, writes).await.map(|()| Fate::Done)
                    }
                    Ok(Ok(None)) => Ok(Fate::Refused(format!("there is no ticket {key}"))),
                    Ok(Err(error)) => Ok(fate_of_file(&error)),
                    Err(error) => Err(error),
                }
            }
        };
        done.unwrap_or_else(|error| fate_of(&error))
    }

    async fn fulfil_in_pull(&self, cx: Cx<'_>, number: u64, dropped: &Dropped) -> Result<Fate, SyncError> {
        let files = match self.on_disk(move |root| folder::pull(root, number)).await? {
            Ok(Some(files)) => files,
            Ok(None) => return Ok(Fate::Refused(format!("there is no pull request {number}"))),
            Err(error) => return Ok(fate_of_file(&error)),
        };
        let head = self.head(cx, &files).await?;
        let writes = match inbox::for_pull(&files, dropped, &head) {
            Ok(writes) => writes,
            Err(why) => return Ok(Fate::Refused(why)),
        };
        self.write_pull(number, writes).await?;
        if dropped.act != Act::Merge {
            return Ok(Fate::Done);
        }
        let read = self.files("reading a pull request", move |root| folder::pull(root, number)).await?;
        let files = read.unwrap_or(files);
        let wish = Wish { seen: &head, method: MergeMethod::default(), by: &dropped.author };
        let merged = self.merge(cx, &files, wish).await?;
        Ok(merged.map_or_else(Fate::Refused, |_| Fate::Done))
    }
}

/// Lists what was dropped, in the order in which it was written.
fn names(root: &Dir) -> Result<Vec<String>, FileError> {
    let inbox = root.make(INBOX)?;
    let mut found = Vec::new();
    for name in inbox.names()?.into_iter().filter(|name| name.strip_suffix(".md").is_some()) {
        if let Some((_, _, second, nanos)) = inbox.print(&name)? {
            found.push((second, nanos, name));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, _, name)| name).collect())
}

fn read(root: &Dir, name: &str, now: Timestamp) -> Read {
    let file = root.make(INBOX).and_then(|inbox| inbox.read(name));
    let file: Bytes = match file {
        Ok(Some(file)) => file,
        Ok(None) => return Read::Is(Fate::Stays),
        Err(error) => return Read::Is(fate_of_file(&error)),
    };
    let was_done = root.make(DONE).and_then(|done| done.print(&done_name(name, &file.bytes)));
    match was_done {
        Ok(None) => {}
        Ok(Some(_)) => return Read::Is(Fate::Done),
        Err(error) => return Read::Is(fate_of_file(&error)),
    }
    match inbox::parse(name, &file.bytes, file.at) {
        Ok(dropped) => Read::Says(dropped.into()),
        Err(_) if now.duration_since(file.at) < SETTLED && file.at <= now => Read::Is(Fate::Stays),
        Err(problem) => Read::Is(Fate::Refused(problem.to_string())),
    }
}

fn put_away(root: &Dir, name: &str, fate: &Fate) -> Result<(), FileError> {
    let inbox = root.make(INBOX)?;
    match fate {
        Fate::Stays => Ok(()),
        Fate::Done => {
            let Some(file) = inbox.read(name)? else { return Ok(()) };
            inbox.rename(name, &root.make(DONE)?, &done_name(name, &file.bytes))
        }
        Fate::Refused(why) => {
            let refused = inbox.make(REFUSED)?;
            let free = (0_u32..).map(|n| if n == 0 { name.to_owned() } else { format!("{n}-{name}") });
            for new in free.take(1000) {
                if refused.print(&new)?.is_none() {
                    refused.write(&format!("{new}{WHY}"), format!("{why}\n").as_bytes())?;
                    return inbox.rename(name, &refused, &new);
                }
            }
            Ok(())
        }
    }
}

fn done_name(name: &str, bytes: &[u8]) -> String {
    format!("{}-{name}", inbox::id_of(name, bytes))
}

/// What cannot be read is put aside; a disk that does not answer may do so later.
fn fate_of_file(error: &FileError) -> Fate {
    match error {
        FileError::Io { .. } => Fate::Stays,
        FileError::Unreadable { .. }
        | FileError::NotPlain { .. }
        | FileError::TooLarge { .. }
        | FileError::TooMany { .. } => Fate::Refused(error.to_string()),
    }
}

fn fate_of(error: &SyncError) -> Fate {
    match error.class {
        ErrorClass::Transient
        | ErrorClass::RateLimited { .. }
        | ErrorClass::Credential
        | ErrorClass::Indeterminate => Fate::Stays,
        ErrorClass::Permission
        | ErrorClass::Conflict
        | ErrorClass::Rejected
        | ErrorClass::Gone
        | ErrorClass::Unexpected => Fate::Refused(error.to_string()),
    }
}
