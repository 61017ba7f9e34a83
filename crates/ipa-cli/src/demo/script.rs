//! What the scripted agent of the demo plays. A script says what is done, never how it ends: the test decides.

use serde_json::{Value, json};

use super::repo::{BROKEN, README};

const SPEC: &str = "\
# Spec: total counts its last number

`total FIRST LAST` prints the sum of the whole numbers from FIRST to LAST. Today LAST is left out.

## Acceptance criteria

- AC1: both ends count: `total 1 4` is 10, `total 3 3` is 3, `total -1 1` is 0.
- AC2: an empty range (`total 5 1`) is 0, without a message.

## Asked and answered

- Is LAST part of the sum? Yes, both ends count.
- What is an empty range? {answer}.
";

const PLAN: &str = "\
# Plan

1. Run `./test.sh` and see which cases fail (AC1).
2. In `total.sh`, let the loop run up to and with LAST (AC1); an empty range stays 0 (AC2).
3. Say so in `README.md`, and run `./test.sh` again.
";

/// The end of the comment above `total`, before and after the review.
const ENDS: &str = "from FIRST to LAST.\n";
const BOTH_ENDS: &str = "from FIRST to LAST, both included;\n# that of an empty range is 0.\n";

fn mended() -> String {
    BROKEN.replace("-lt", "-le")
}

/// Returns the script as the scripted agent reads it.
pub(super) fn text() -> String {
    script().to_string()
}

fn script() -> Value {
    json!({ "roles": {
        "spec": [
            { "think": "The request says what is wrong, but not whether both ends count, nor what an empty range is." },
            { "run": "cat total.sh" },
            { "ask_question": { "question": "Is LAST part of the sum?", "choices": ["Yes, both ends count", "No"] } },
            { "ask_question": { "question": "What is an empty range, such as total 5 1?", "choices": ["0", "an error"] } },
            { "usage": { "input_tokens": 1200, "output_tokens": 240 } },
            { "result": SPEC.replace("{answer}", "0") },
        ],
        "plan": [
            { "run": "cat total.sh test.sh" },
            { "say": "The loop ends one number too early." },
            { "result": PLAN },
        ],
        "develop": develop(),
        // Somebody asked for something in review.
        "review": [
            { "write_file": { "path": "total.sh", "content": mended().replace(ENDS, BOTH_ENDS) } },
            { "run": "./test.sh" },
            { "result": "The comment above `total` says now what an empty range is. `./test.sh` passes." },
        ],
    }})
}

fn develop() -> Value {
    json!([
        { "plan": [
            { "content": "see what fails", "status": "in_progress" },
            { "content": "mend the loop", "status": "pending" },
            { "content": "document it", "status": "pending" },
        ] },
        { "run": "./test.sh || true" },
        { "say": "As expected: the last number is left out. I mend the loop." },
        // Long enough to be told what happens to the pod meanwhile.
        { "wait": 1200 },
        { "write_file": { "path": "total.sh", "content": mended() } },
        { "run": "git diff --stat" },
        // Whole, so that work that is sent back has it once.
        { "write_file": {
            "path": "README.md",
            "content": format!("{README}\nBoth ends count; the sum of an empty range is 0.\n"),
        } },
        { "run": "./test.sh" },
        { "usage": { "input_tokens": 3400, "output_tokens": 610 } },
        { "result": "The loop counts LAST now; an empty range is still 0. `./test.sh` passes (AC1, AC2)." },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_mends_exactly_the_bug() {
        let mended = mended();
        let differing = BROKEN.lines().zip(mended.lines()).filter(|(old, new)| old != new).count();
        assert_eq!(differing, 1);
        assert!(text().contains("ask_question"));
        assert!(mended.contains(ENDS), "what the review asks for would change nothing");
    }
}
