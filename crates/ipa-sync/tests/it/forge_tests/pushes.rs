//! Git over HTTP, with the git program as the client.

use std::path::{Path, PathBuf};

use super::client::{Client, git, with_token};
use crate::forge::{Fault, Forge, REPO, Visibility, When};

/// A clone of the public repository, with a commit that is not pushed.
async fn clone_with_commit(forge: &Forge, folder: &Path, size: usize) -> PathBuf {
    git(folder, &["clone", "-q", &forge.git_url(REPO), "work"]).await.unwrap();
    let work = folder.join("work");
    // Nothing that packs well, so that a large file is a large pack.
    let mut seed = 1_u64;
    let noise = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed.to_be_bytes()[0]
    });
    std::fs::write(work.join("noise.bin"), noise.take(size).collect::<Vec<u8>>()).unwrap();
    git(&work, &["add", "-A"]).await.unwrap();
    git(&work, &["commit", "-q", "-m", "noise"]).await.unwrap();
    work
}

#[tokio::test]
async fn a_large_pack_arrives_whole() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    // Over git's buffer of one megabyte: the body comes in chunks.
    let work = clone_with_commit(&forge, folder.path(), 3_000_000).await;
    let url = with_token(&forge.git_url(REPO), "token-ipa");
    git(&work, &["push", "-q", &url, "HEAD:refs/heads/ipa/large"]).await.unwrap();
    let pushed = git(&work, &["rev-parse", "HEAD"]).await.unwrap();
    assert_eq!(forge.head(REPO, "ipa/large"), Some(pushed));
    git(folder.path(), &["clone", "-q", "-b", "ipa/large", &forge.git_url(REPO), "again"]).await.unwrap();
    assert_eq!(std::fs::metadata(folder.path().join("again/noise.bin")).unwrap().len(), 3_000_000);
}

#[tokio::test]
async fn a_push_is_refused_as_github_refuses_it() {
    let forge = Forge::start().await;
    forge.add_repo("o/secret", Visibility::Private);
    let folder = tempfile::tempdir().unwrap();
    let work = clone_with_commit(&forge, folder.path(), 10).await;
    for (token, repo, words) in [
        ("wrong", REPO, "Authentication failed"),
        ("token-zed", REPO, "403"),
        ("token-zed", "o/secret", "not found"),
        ("token-zed", "o/none", "not found"),
    ] {
        let url = with_token(&forge.git_url(repo), token);
        let error = git(&work, &["push", "-q", &url, "HEAD:refs/heads/x"]).await.unwrap_err();
        assert!(error.contains(words), "{token} {repo}: {error}");
    }
    forge.refuse_pushes(REPO, "GH006: Protected branch update failed");
    let url = with_token(&forge.git_url(REPO), "token-ipa");
    let refused = git(&work, &["push", "-q", &url, "HEAD:refs/heads/x"]).await.unwrap_err();
    assert!(refused.contains("remote: GH006: Protected branch update failed"), "{refused}");
    assert_eq!(forge.head(REPO, "x"), None);
}

#[tokio::test]
async fn a_lease_on_another_commit_is_stale() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let work = clone_with_commit(&forge, folder.path(), 10).await;
    let url = with_token(&forge.git_url(REPO), "token-ipa");
    let theirs = forge.person("ann").push("ipa/x", "one.txt", "one\n");
    let error = git(&work, &["push", "-q", "--force-with-lease=ipa/x:", &url, "HEAD:refs/heads/ipa/x"])
        .await
        .unwrap_err();
    assert!(error.contains("stale info"), "{error}");
    assert_eq!(forge.head(REPO, "ipa/x").as_ref(), Some(&theirs));
    let lease = format!("--force-with-lease=ipa/x:{theirs}");
    git(&work, &["push", "-q", &lease, &url, "HEAD:refs/heads/ipa/x"]).await.unwrap();
}

#[tokio::test]
async fn a_push_moves_the_head_of_its_pull_request_and_nothing_else() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    let number = ipa.open("b").await;
    forge.person("ann").review(number, "APPROVE", "");
    let next = forge.person("zed").push("b", "two.txt", "two\n");
    let moved = ipa.get(&format!("pulls/{number}")).await.body;
    assert_eq!(moved["head"]["sha"], serde_json::json!(next));
    assert_eq!(ipa.get(&format!("pulls/{number}/reviews")).await.body[0]["state"], "APPROVED");
    let base = forge.person("ann").push("main", "three.txt", "three\n");
    assert_eq!(ipa.get(&format!("pulls/{number}")).await.body["base"]["sha"], serde_json::json!(base));
    forge.person("ann").close(number);
    forge.person("ann").push("b", "four.txt", "four\n");
    assert_eq!(ipa.get(&format!("pulls/{number}")).await.body["head"]["sha"], serde_json::json!(next));
}

#[tokio::test]
async fn a_push_whose_answer_was_reset_has_happened() {
    let forge = Forge::start().await;
    let folder = tempfile::tempdir().unwrap();
    let work = clone_with_commit(&forge, folder.path(), 10).await;
    let url = with_token(&forge.git_url(REPO), "token-ipa");
    for (branch, fault) in [("a", Fault::ResetAfter), ("b", Fault::BadGatewayAfter)] {
        forge.fail("git/receive-pack", When::Nth(1), fault);
        let target = format!("HEAD:refs/heads/{branch}");
        git(&work, &["push", "-q", &url, &target]).await.unwrap_err();
        let pushed = git(&work, &["rev-parse", "HEAD"]).await.unwrap();
        assert_eq!(forge.head(REPO, branch), Some(pushed));
    }
}
