//! What a page holds is bounded, however much an agent says.

use std::fs;

use serde_json::json;

use super::scene::Scene;
use crate::support::eventually;

/// Says 1,500 lines each time that the test says so, three times; ends by itself when the test is gone.
const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
for part in 1 2 3; do
  while [ ! -e "@WORLD@/part-$part" ]; do [ -d "@WORLD@" ] || exit 1; sleep 0.05; done
  seq -f "part $part, line %.0f" 1 1500
done
"#;

#[test]
fn a_page_that_sees_thousands_of_lines_holds_two_thousand_and_the_way_to_the_rest() {
    let Some(Scene { browser, serving: _serving, world }) = Scene::set() else { return };
    world.program("many.sh", &AGENT.replace("@WORLD@", world.path("repo").to_str().unwrap()));
    let task =
        world.task(&["--agent", "command:./many.sh", "--start-at", "development", "--approve", "auto"]);
    browser.visit(&format!("/tasks/{task}"));
    browser.sees("● live");
    for part in 1..=3 {
        fs::write(world.path(&format!("repo/part-{part}")), "").unwrap();
        let last = format!("part {part}, line 1500");
        let shown =
            || browser.run("return [...document.querySelectorAll('.log .e')].map(it => it.textContent)");
        let came = eventually(|| shown().as_array().is_some_and(|lines| lines.contains(&json!(last))));
        assert!(came, "{last:?} did not come:\n{}", browser.text());
        let count = shown().as_array().map_or(0, Vec::len);
        assert!(count <= 2_000, "{count} entries are in the page");
    }
    browser.click("earlier entries");
    browser.sees("part 2, line ");
    assert!(browser.address().contains("before="), "{}", browser.address());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
