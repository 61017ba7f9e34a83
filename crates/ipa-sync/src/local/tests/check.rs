//! Whether it says how it is.

use super::*;

#[tokio::test]
async fn it_says_where_it_leads_and_makes_nothing_to_find_out() {
    let mut world = world();
    let repo = world.repository();
    let found = world.connector.check(world.cx()).await.unwrap();
    let folder = world.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    assert_eq!(
        found.notes,
        [
            format!("folder {folder}, made when it is first needed"),
            format!("repository {repo}, main at {}", oid('0').short()),
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
    let missing = world.connector.check(world.cx()).await.unwrap().missing;
    assert!(missing[1].contains("there is no git repository at /repo; make it"), "{missing:?}");
    world.repository();
    world.git = Git::at(&[]);
    let missing = world.connector.check(world.cx()).await.unwrap().missing;
    assert!(missing[0].contains("is no folder; move the file away"), "{missing:?}");
    assert!(missing[1].contains("has no branch main; make it"), "{missing:?}");
}

impl World {
    /// Gives the connector a repository that is there, as far as a look from outside tells.
    fn repository(&mut self) -> RepoSource {
        let path = self.folder.path().join("repo");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let repo: RepoSource = path.to_str().unwrap().parse().unwrap();
        self.connector =
            LocalConnector::new(LocalConfig { repo: repo.clone(), ..self.connector.config.clone() });
        repo
    }
}
