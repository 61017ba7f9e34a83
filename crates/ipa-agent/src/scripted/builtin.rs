//! The script that is built in: it works through any task, visibly, and pretends nothing. What it writes says
//! what it is.

use ipa_events::Role;

use super::script::{Mode, Step, Todo};

/// The file that it writes.
const NOTES: &str = "ipa-notes.md";
/// The most criteria that it makes of a request.
const CRITERIA: usize = 5;

/// What it plays for its prompt.
pub(super) fn steps(role: Role, prompt: &str) -> Vec<Step> {
    let request = request(prompt);
    match role {
        Role::Spec => {
            vec![say("I read the request and write down what it asks for."), document(spec(&request, prompt))]
        }
        Role::Plan => vec![say("I read the spec and lay out the steps."), document(plan(&request, prompt))],
        Role::Develop => develop(&request, prompt),
        Role::Review => review(prompt),
        Role::Check => vec![Step::Result("A scripted agent checks nothing.".to_owned())],
    }
}

/// What it plays for a further message.
pub(super) fn follow_up(role: Role, prompt: &str, message: &str) -> Vec<Step> {
    let request = request(prompt);
    let added = format!("{prompt}\n\n# Feedback\n\n{message}\n");
    match role {
        Role::Spec => vec![document(spec(&request, &added))],
        Role::Plan => vec![document(plan(&request, &added))],
        Role::Develop | Role::Review | Role::Check => review(message),
    }
}

fn say(text: &str) -> Step {
    Step::Say(text.to_owned())
}

/// A result is printed as it is: nothing in it stands for something else.
fn document(text: String) -> Step {
    Step::Result(text)
}

fn spec(request: &str, prompt: &str) -> String {
    let criteria: Vec<_> = criteria(request).iter().map(|it| format!("- {it}")).collect();
    format!(
        "# Spec\n\n{}\n\n## Acceptance criteria\n\n{}\n- `{NOTES}` quotes the request.\n{}",
        quoted(request),
        criteria.join("\n"),
        answered(prompt),
    )
}

fn plan(request: &str, prompt: &str) -> String {
    let last = criteria(request).len() + 1;
    format!(
        "# Plan\n\n{}\n\n## Steps\n\n1. Write `{NOTES}` with the request in it (AC1 to AC{last}).\n\
         2. Commit it.\n{}",
        quoted(request),
        answered(prompt),
    )
}

fn develop(request: &str, prompt: &str) -> Vec<Step> {
    let todo = |status: &str| {
        Step::Plan(vec![Todo { content: format!("write {NOTES}"), status: status.to_owned() }])
    };
    let content = format!(
        "# Notes\n\nWritten by ipa's scripted agent, which writes no code. It was asked for:\n\n{}\n{}",
        quoted(request),
        answered(prompt),
    );
    vec![
        todo("in_progress"),
        Step::WriteFile { path: NOTES.to_owned(), content, mode: Mode::Replace },
        todo("completed"),
        Step::Result(format!("I wrote `{NOTES}`, which quotes the request.")),
    ]
}

fn review(asked: &str) -> Vec<Step> {
    let content = format!(
        "\n## Asked in review\n\n{}\n",
        quoted(&feedback(asked).unwrap_or_else(|| asked.trim().to_owned()))
    );
    vec![
        Step::WriteFile { path: NOTES.to_owned(), content, mode: Mode::Append },
        Step::Result(format!("I added what was asked to `{NOTES}`.")),
    ]
}

/// Returns the section of a prompt that holds the request, or else its first paragraph.
fn request(prompt: &str) -> String {
    section(prompt, &["request"])
        .or_else(|| {
            prompt
                .split("\n\n")
                .map(str::trim)
                .find(|it| !it.is_empty() && !it.starts_with('#'))
                .map(str::to_owned)
        })
        .unwrap_or_else(|| prompt.trim().to_owned())
}

/// Returns the section of a prompt that says what was wrong before.
fn feedback(prompt: &str) -> Option<String> {
    section(prompt, &["reject", "feedback", "comment"])
}

/// Returns the text under the first heading that contains one of the words.
fn section(prompt: &str, words: &[&str]) -> Option<String> {
    let named = |line: &str| {
        let heading = line.to_lowercase();
        heading.starts_with('#') && words.iter().any(|word| heading.contains(word))
    };
    let lines = prompt.lines().skip_while(|line| !named(line)).skip(1);
    let text: Vec<_> = lines.take_while(|line| !line.starts_with('#')).collect();
    let text = text.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Makes criteria of a request: its list items, or else its sentences.
fn criteria(request: &str) -> Vec<String> {
    let items: Vec<_> =
        request.lines().filter_map(|line| line.trim().strip_prefix(['-', '*'])).map(clean).collect();
    let parts = if items.is_empty() { request.split(['.', '\n', ';']).map(clean).collect() } else { items };
    parts.into_iter().filter(|it: &String| !it.is_empty()).take(CRITERIA).collect()
}

fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn answered(prompt: &str) -> String {
    feedback(prompt).map_or_else(String::new, |said| format!("\n## Taken up\n\n{}\n", quoted(&said)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_has_a_criterion_for_each_thing_asked_and_takes_up_what_was_rejected() {
        let prompt =
            "You write specs.\n\n# Request\n\nAdd a login. Log each attempt.\n\n# Rejected\n\nno tests\n";
        let text = spec(&request(prompt), prompt);
        assert_eq!(
            text,
            "# Spec\n\n> Add a login. Log each attempt.\n\n## Acceptance criteria\n\n- Add a login\n\
             - Log each attempt\n- `ipa-notes.md` quotes the request.\n\n## Taken up\n\n> no tests\n"
        );
    }

    #[test]
    fn a_prompt_without_headings_is_the_request() {
        assert_eq!(request("Fix it.\n\nSoon."), "Fix it.");
        assert_eq!(criteria("- a\n- b"), ["a", "b"]);
    }
}
