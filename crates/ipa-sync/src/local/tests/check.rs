//! Whether it says how it is.

use super::*;

#[tokio::test]
async fn it_says_where_it_leads_and_makes_nothing_to_find_out() {
    let world = world();
    let found = world.connector.check(world.cx()).await.unwrap();
    let folder = world.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    assert_eq!(
        found.notes,
        [
            format!("folder {folder}, made when it is first needed"),
            format!("repository /repo, main at {}", oid('0').short()),
        ]
    );
    assert!(!world.path("").exists());
    world.put("tickets/K-1.md", "+++\ntitle = \"x\"\n+++\n");
    assert_eq!(world.connector.check(world.cx()).await.unwrap().notes[0], format!("folder {folder}"));
}

#[tokio::test]
async fn what_is_missing_is_said_with_what_mends_it() {
    let mut world = world();
    std::fs::write(world.folder.path().join("outside"), "a file").unwrap();
    world.git = Git::at(&[]);
    let missing = world.connector.check(world.cx()).await.unwrap().missing;
    assert!(missing[0].contains("is no folder; move the file away"), "{missing:?}");
    assert!(missing[1].contains("/repo has no branch main; make it"), "{missing:?}");
}
