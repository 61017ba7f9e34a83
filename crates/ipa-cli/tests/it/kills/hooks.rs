//! Between a webhook and what follows from it: it is kept before it is answered, and worked off by the next program.

use crate::forge::{Fault, Forge, Mailbox, Weather, When};
use crate::github::{ISSUE, wait_for, world_asking};
use crate::peer::Arrived;
use crate::support::Serving;

/// Sends what is queued to a program; each must be taken.
fn deliver(forge: &Forge, serving: &Serving) -> Arrived {
    let url = format!("{}/hooks/github", serving.ready["url"].as_str().unwrap());
    let mailbox = Mailbox { url: &url, secret: "hook-secret" };
    let sent = forge.deliver(&mailbox, Weather::default());
    let arrived = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(sent));
    assert!(arrived.iter().all(|(_, code)| matches!(code, 200 | 202)), "{arrived:?}");
    arrived
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_was_taken_before_the_program_was_killed_is_worked_off_by_the_next_one() {
    let forge = Forge::start().await;
    // By itself it asks once, at its start.
    let world = world_asking(&forge, "1h");
    let ann = forge.person("ann");
    let issue = ann.ask("Fix it", ISSUE);
    ann.label(issue, "ipa");
    let mut serving = world.serve(&[]);
    let number = issue + 1;
    wait_for(&world, "a pull request that is ready", || {
        deliver(&forge, &serving);
        forge.pull(number).is_some_and(|pull| pull["requested_reviewers"][0]["login"] == "ann")
    });

    // Whatever it asks because of the webhook has no answer, so that it dies before it knows more.
    for route in ["pulls/get", "issues/get", "issues/list-for-repo"] {
        forge.fail(route, When::Always, Fault::SilenceAfter);
    }
    let note = ann.comment_on_line(number, "fix.txt", 1, "one is not enough");
    let arrived = deliver(&forge, &serving);
    assert!(arrived.iter().any(|(_, code)| *code == 202), "{arrived:?}");
    serving.process.end("KILL");
    forge.mend();

    // The next one does not find out by itself either.
    forge.fail("issues/list-for-repo", When::Always, Fault::server_error());
    serving = world.serve(&[]);
    wait_for(&world, "an answer in the thread", || {
        forge.notes(number).iter().any(|it| it["in_reply_to_id"] == note)
    });
    let url = format!("{}/hooks/github", serving.ready["url"].as_str().unwrap());
    let mailbox = Mailbox { url: &url, secret: "hook-secret" };
    for (delivery, _) in &arrived {
        assert_eq!(forge.replay(&mailbox, delivery).await, 200, "it was kept, so it is known");
    }
}
