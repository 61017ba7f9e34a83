//! Files that nobody would write in good faith.

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn what_cannot_be_understood_is_put_aside_with_the_reason_and_the_rest_goes_on() {
    let mut world = world();
    world.make(PULL, ready_one()).await;
    world.put("tickets/K-1.md", "+++\ntitle = \"x\"\n+++\n");
    world.put("inbox/a-bytes.md", b"+++\nauthor = \"\xff\xfe\"\n+++\n");
    world.put("inbox/b-huge.md", vec![b'x'; 3 << 20]);
    world.put("inbox/c-none.md", "no front matter");
    world.drop("d-key", "pull = 1\nkind = \"comment\"\nauthor = \"ann\"\nlinne = 3", "x");
    world.drop("e-path", "ticket = \"../../../etc/x\"\nkind = \"comment\"\nauthor = \"ann\"", "x");
    world.drop(
        "f-name",
        "pull = 1\nkind = \"check\"\nauthor = \"ci\"\nname = \"../x\"\nstate = \"passed\"",
        "x",
    );
    world.drop("g-where", "pull = 7\nkind = \"comment\"\nauthor = \"ann\"", "x");
    world.put("secret.txt", "secret");
    std::os::unix::fs::symlink(world.path("secret.txt"), world.path("inbox/h-link.md")).unwrap();
    world.drop("z", "pull = 1\nkind = \"comment\"\nauthor = \"ann\"", "Good.");
    let pull = world.pull().await;
    assert_eq!(pull.remarks.values().map(|it| &*it.text).collect::<Vec<_>>(), ["Good."]);
    let why = |name: &str| world.read(&format!("inbox/refused/{name}.md.why"));
    for (name, says) in [
        ("a-bytes", "line 2: this is no text"),
        ("b-huge", "larger than 1 MiB"),
        ("c-none", "line 1: the file does not begin with a line +++"),
        ("d-key", "line 5: unknown field `linne`"),
        ("e-path", "no plain file"),
        ("f-name", "name is that of a check"),
        ("g-where", "there is no pull request 7"),
        ("h-link", "no plain file"),
    ] {
        assert!(why(name).contains(says), "{name}: {}", why(name));
    }
    assert_eq!(world.names("inbox"), ["refused"]);
    assert_eq!(world.names("inbox/refused").len(), 16);
    assert_eq!(world.read("secret.txt"), "secret");
}

#[tokio::test]
async fn what_is_still_being_written_is_waited_for() {
    let world = world();
    world.put("inbox/x.md", "+++\npull = 1\n");
    let at = std::fs::metadata(world.path("inbox/x.md")).unwrap().modified().unwrap();
    let now = Timestamp::try_from(at).unwrap();
    world.connector.sweep(Cx { git: &world.git, now }, &Sweep::default()).await.unwrap();
    assert_eq!(world.names("inbox"), ["x.md"]);
    world.sweep(None).await;
    assert_eq!(world.names("inbox"), ["refused"]);
}

#[tokio::test]
async fn a_file_that_a_person_broke_is_named_with_its_line_and_left_alone() {
    let mut world = world();
    world.make(PULL, ready_one()).await;
    let good = world.read("pulls/1/pull.toml");
    for (file, broken, says) in [
        (
            "pulls/1/pull.toml",
            good.replace("draft = false", "draft = maybe"),
            "pulls/1/pull.toml cannot be understood: line 3:",
        ),
        ("pulls/1/pull.toml", good.replace("head = ", "haed = "), "line 4: unknown field `haed`"),
        (
            "pulls/1/comments/x.md",
            "+++\nauthor = \"ann\"\nat = \"never\"\n+++\n".to_owned(),
            "pulls/1/comments/x.md cannot be understood: line 3:",
        ),
        ("pulls/1/comments/a b.md", "+++\nauthor = \"ann\"\n+++\n".to_owned(), "has no blanks"),
        (
            "pulls/1/checks/y.toml",
            "state = \"green\"".to_owned(),
            "pulls/1/checks/y.toml cannot be understood: line 1:",
        ),
    ] {
        world.put(file, &broken);
        let error = world.observe(PULL, None).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Unexpected, "{error}");
        assert!(error.detail.contains(says), "{error}");
        let job = world.job(PULL, Change::Rename { title: "x".into() });
        assert!(world.connector.apply(world.cx(), &job).await.is_err(), "{file}");
        assert_eq!(world.read(file), broken);
        if file.ends_with("pull.toml") {
            world.put(file, &good);
        } else {
            std::fs::remove_file(world.path(file)).unwrap();
        }
    }
    assert_eq!(world.pull().await.head, oid('c'));
}

#[tokio::test]
async fn a_ticket_that_a_person_broke_has_the_reason_beside_it_and_the_others_get_their_tasks() {
    let world = world();
    let good = "+++\ntitle = \"x\"\nlabels = [\"ipa\"]\n+++\n";
    world.put("tickets/A-1.md", "+++\ntitle = \"x\"\nlable = 1\n+++\n");
    world.put("tickets/B-1.md", good);
    assert_eq!(world.sweep(None).await.wanted.len(), 1);
    assert!(world.read("tickets/A-1.why").contains("line 3: unknown field `lable`"));
    world.put("tickets/A-1.md", good);
    assert_eq!(world.sweep(None).await.wanted.len(), 2);
    assert_eq!(world.names("tickets"), ["A-1.md", "B-1.md"]);
}

#[tokio::test]
async fn no_link_leads_out_of_the_folder() {
    let mut world = world();
    world.make(PULL, ready_one()).await;
    let out = world.folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("pull.toml"), "x").unwrap();
    std::os::unix::fs::symlink(&out, world.path("pulls/1/comments")).unwrap();
    let job = world.job(PULL, Change::Comment { text: "x".into() });
    let error = world.connector.apply(world.cx(), &job).await.unwrap_err();
    assert!(error.detail.contains("pulls/1/comments is no plain file or folder"), "{error}");
    std::fs::remove_file(world.path("pulls/1/comments")).unwrap();
    std::os::unix::fs::symlink(&out, world.path("pulls/2")).unwrap();
    assert!(world.observe(PULL, Some("here#2")).await.is_err());
    std::os::unix::fs::symlink(&out, world.path("tickets")).unwrap();
    assert!(world.observe("here/ticket/pull", None).await.is_err());
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    for key in ["../../out/pull", "a/b", "..", "."] {
        let read = world.observe(&format!("here/ticket/{key}"), None).await;
        assert!(!matches!(read, Ok(Observed::Ticket(_))), "{key}: {read:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_in_any_file_end_anything(bytes in bytes(), which in 0_usize..6) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = world();
            world.make(PULL, ready_one()).await;
            world.put("tickets/K-1.md", "+++\ntitle = \"x\"\n+++\n");
            let files = [
                "pulls/1/pull.toml", "pulls/1/body.md", "pulls/1/comments/a.md", "pulls/1/checks/a.toml",
                "tickets/K-1.md", "inbox/a.md",
            ];
            world.put(files[which], &bytes);
            drop(world.observe(PULL, None).await);
            drop(world.observe(TICKET, None).await);
            let job = world.job(PULL, Change::WriteStatus { text: "x".into() });
            drop(world.connector.apply(world.cx(), &job).await);
            world.sweep(None).await;
        });
    }
}

/// Bytes that are nearly a file of ours, and any others.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..16),
        "\\PC{0,8}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            "+++\n",
            "+++\r\n",
            "title = ",
            "\"x\"\n",
            "state = ",
            "\"open\"\n",
            "author = ",
            "kind = \"comment\"\n",
            "pull = 1\n",
            "at = 1979-05-27\n",
            "[a]\n",
            "labels = [\n",
            "]\n",
            "<!-- ipa:begin v=1 h=a c=b -->",
            "= {",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}
