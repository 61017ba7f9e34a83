//! What a driver does at once, and what it reads first.

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::sync::oneshot;

use super::*;
use crate::folder;
use crate::protocol::command::CommandProtocol;

#[tokio::test]
async fn a_stop_does_not_wait_for_the_spool_to_be_read() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(folder::SPOOL), "{}\n".repeat(200_000)).unwrap();
    let run = ipa_events::RunId::new(ipa_events::TaskId::new(uuid::Uuid::from_u128(1)), 1);
    folder::claim(dir.path(), run).unwrap();
    let listener = UnixListener::bind(dir.path().join(folder::SOCKET)).unwrap();
    let link = Link::connect(dir.path()).await.unwrap();
    let (events, _events) = mpsc::channel(1);
    let (_wants, asked) = mpsc::channel(1);
    let fold = Fold::new(Box::new(CommandProtocol::default()));
    let mut driver = Driver::new(RunDir::new(dir.path().to_owned()), fold, Some(link), events, asked);
    let by = ipa_events::Principal::User("ann".to_owned());
    let (reply, _answer) = oneshot::channel();
    driver.carry_out(Asked { what: Want::Stop(Why::Interrupted { by }), reply }).await;
    assert!(driver.state.as_ref().is_some_and(|state| state.events.is_empty()));
    let (host, _) = listener.accept().await.unwrap();
    let mut lines = BufReader::new(host).lines();
    assert!(lines.next_line().await.unwrap().unwrap().contains("hello"));
    assert!(lines.next_line().await.unwrap().unwrap().contains("stop"));
    let (reply, _answer) = oneshot::channel();
    driver.carry_out(Asked { what: Want::Finish, reply }).await;
    assert!(driver.state.is_some_and(|state| !state.events.is_empty()));
}
