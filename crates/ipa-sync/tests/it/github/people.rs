//! People and others change what we made: nobody fights, and nothing of theirs is lost.

use ipa_events::task::PullState;

use super::*;

#[tokio::test]
async fn what_people_write_around_our_section_stays_and_a_section_that_was_taken_out_stays_out() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    let ann = world.forge.person("ann");
    let body = world.forge.body(number);
    ann.edit_body(number, &format!("Before.\r\n{}\r\nAfter @ann fixes #1.", body.replace('\n', "\r\n")));
    let pull = world.pull(number).await;
    assert_eq!(pull.section, Some(Change::version_of("It gives up too early.")));
    world.make(number, Change::WriteSection { section: "New words.".into() }).await;
    let body = world.forge.body(number);
    assert!(body.starts_with("Before.\r\n") && body.ends_with("\r\nAfter @ann fixes #1."), "{body}");
    assert!(body.contains("New words.") && !body.contains("too early"), "{body}");

    ann.edit_body(number, &body.replace("New words.", "Ann's words."));
    assert_eq!(world.pull(number).await.section.as_deref(), Some("edited"));
    ann.edit_body(number, "All mine.");
    assert_eq!(world.pull(number).await.section, None);
    let write = job(number, Change::WriteSection { section: "Again.".into() });
    assert_eq!(error_of(world.apply(&write).await).0, ErrorClass::Gone);
    assert_eq!(world.forge.body(number), "All mine.");
}

#[tokio::test]
async fn with_a_persons_own_token_the_mark_tells_who_spoke() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    world.make(number, Change::Comment { text: "By the program.".into() }).await;
    world.forge.person("ipa").comment(number, "By the person.");
    let said: Vec<_> = world.pull(number).await.remarks.into_values().collect();
    assert_eq!(said.iter().map(|it| (&*it.text, it.trusted)).collect::<Vec<_>>(), [("By the person.", true)]);
}

#[tokio::test]
async fn a_status_comment_that_a_person_deleted_is_written_anew_and_another_tasks_is_left_alone() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    let status = |number: u32, text: &str| {
        let change = Change::WriteStatus { text: text.into() };
        job_at(Some("o/r#1".parse().unwrap()), number, change)
    };
    let first = world.apply(&status(7, "One.")).await.unwrap().remote;
    // It is found without being told which it was.
    assert_eq!(world.apply(&status(8, "Two.")).await.unwrap().remote, first);
    world.forge.person("ipa").delete_comment(first.as_ref().unwrap().as_str().parse().unwrap());
    let again = Job { earlier: first.clone(), ..status(9, "Three.") };
    let second = world.apply(&again).await.unwrap().remote;
    assert!(second.is_some() && second != first);
    let mut others = status(1, "Of another task.");
    others.target.task = TaskId::from_key("another task");
    others.op.id.task = others.target.task;
    let third = world.apply(&others).await.unwrap().remote;
    assert!(third.is_some() && third != second);
    assert_eq!(world.pull(number).await.remarks.len(), 0);
}

#[tokio::test]
async fn what_a_person_closed_or_opened_again_is_told() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    let ann = world.forge.person("ann");
    ann.edit_title(number, "Ann's title");
    ann.close(number);
    let pull = world.pull(number).await;
    assert_eq!((&*pull.title, pull.state), ("Ann's title", PullState::Closed { by: None }));
    ann.reopen(number);
    assert_eq!(world.pull(number).await.state, PullState::Open);
    let pushed = ann.push(BRANCH, "fix.txt", "ann's\n");
    assert_eq!(world.pull(number).await.head.as_str(), pushed);
}
