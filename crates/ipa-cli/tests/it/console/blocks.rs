//! What a document holds that a program can read: its fenced blocks, and the code within its lines. Pure.

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// The word after the fence; empty when there is none.
    pub(super) language: String,
    /// The number of its first line, from 1.
    pub(super) line: usize,
    pub(super) lines: Vec<String>,
}

/// A command as a document shows it, and what it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) command: String,
    pub(super) shows: Vec<String>,
}

/// Returns the fenced blocks of a text, in their order.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                let language = language.trim().to_owned();
                open = Some(Block { language, line: index + 2, lines: Vec::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed: {open:?}");
    blocks
}

/// Returns the steps of a session: all `console` blocks of a text, one after another.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks(text).into_iter().filter(|block| block.language == "console") {
        let mut whole = true;
        for (index, line) in block.lines.iter().enumerate() {
            let begins = line.strip_prefix("$ ");
            if let Some(command) = begins {
                let (command, shows) = (command.to_owned(), Vec::new());
                steps.push(Step { line: block.line + index, command, shows });
            }
            let step = steps.last_mut().filter(|_| begins.is_some() || index > 0);
            let step = step.unwrap_or_else(|| panic!("line {}: no `$ ` before it", block.line + index));
            match (begins, line.strip_prefix("> ").filter(|_| !whole)) {
                (Some(_), _) => {}
                (None, Some(more)) => step.command = format!("{}\n{more}", step.command),
                (None, None) => step.shows.push(line.clone()),
            }
            whole = !step.command.ends_with('\\');
        }
    }
    steps
}

/// Returns what stands in backticks outside of blocks, with the number of its line. It may go over the end of a line.
pub(super) fn inline(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    let outside = text.lines().map(|line| {
        let fence = line.starts_with("```");
        let inside = fenced || fence;
        fenced ^= fence;
        if inside { "" } else { line }
    });
    let outside: Vec<&str> = outside.collect();
    let mut found = Vec::new();
    let mut first = 1;
    for paragraph in outside.split(|line| line.is_empty()) {
        let mut line = first;
        for (index, part) in paragraph.join("\n").split('`').enumerate() {
            if index % 2 == 1 {
                found.push((line, part.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
            line += part.matches('\n').count();
        }
        first += paragraph.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_blocks_of_a_text_are_one_session() {
        let text = "a\n```console\n$ one \\\n> two\nsays\n$ three\n```\nb\n```\n$ no\n```\n```console\n$ four\n```\n";
        let step = |line, command: &str, shows: &[&str]| Step {
            line,
            command: command.to_owned(),
            shows: shows.iter().map(ToString::to_string).collect(),
        };
        let expected = [step(3, "one \\\ntwo", &["says"]), step(6, "three", &[]), step(13, "four", &[])];
        assert_eq!(steps(text), expected);
    }

    #[test]
    fn code_within_lines_is_found_and_blocks_are_not() {
        let text = "say `a b`,\nor `c\nd`\n\n```\n`e`\n\n`f`\n```\n\n- `g`\n";
        let found = inline(text);
        assert_eq!(found, [(1, "a b".to_owned()), (2, "c d".to_owned()), (11, "g".to_owned())]);
    }
}
