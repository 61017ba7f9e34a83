//! Where in a file something stands, and what was probably meant. Pure.

/// Returns the line, from 1, where a key of a TOML file stands, given the names that lead to it.
pub(super) fn line_of(text: &str, path: &[&str]) -> Option<usize> {
    let (key, section) = path.split_last()?;
    let mut at: Vec<String> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            at = parts(header.trim_start_matches('[').split(']').next().unwrap_or_default());
            if at.iter().map(String::as_str).eq(path.iter().copied()) {
                return Some(number);
            }
        } else if let Some((name, _)) = line.split_once('=') {
            let whole: Vec<String> = at.iter().cloned().chain(parts(name)).collect();
            let names = whole.iter().map(String::as_str);
            // `a.b = 1` and `a = { b = 1 }` are both where `a.b` stands.
            if names.clone().eq(path.iter().copied())
                || names.eq(section.iter().copied()) && line.contains(key)
            {
                return Some(number);
            }
        }
    }
    None
}

fn parts(name: &str) -> Vec<String> {
    name.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

/// Returns the line that a parser's message names, as in `TOML parse error at line 3, column 5`.
pub(super) fn line_in(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("at line ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Returns the one of `known` that is nearest to `name`, if one is near enough to have been meant.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|known| (distance(name, known), *known)).min()?;
    let bound = (name.chars().count() / 3).max(2);
    (near.0 <= bound).then_some(near.1)
}

/// Counts the letters to insert, remove or replace to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = before + usize::from(from != *to);
            left = replaced.min(left + 1).min(above + 1);
            before = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "agent = \"scripted\"\n\n[limits]\nruns = 2\n[pod]\nintensity = { restart = 3 }\n[gate]\n";

    #[test]
    fn a_key_is_found_in_its_section() {
        let lines: Vec<_> = [
            vec!["agent"],
            vec!["limits", "runs"],
            vec!["pod", "intensity", "restart"],
            vec!["gate"],
            vec!["pod", "runs"],
        ]
        .iter()
        .map(|path| line_of(FILE, path))
        .collect();
        assert_eq!(lines, [Some(1), Some(4), Some(6), Some(7), None]);
    }

    #[test]
    fn the_nearest_name_is_told_when_it_is_near() {
        assert_eq!(nearest("gate", &["agent", "gates", "limits"]), Some("gates"));
        assert_eq!(nearest("per_repos", &["runs", "per_repo"]), Some("per_repo"));
        assert_eq!(nearest("colour", &["agent", "gates"]), None);
        assert_eq!((distance("", "abc"), distance("abc", "abd"), distance("kitten", "sitting")), (3, 1, 3));
    }

    #[test]
    fn a_parsers_line_is_read_from_its_message() {
        assert_eq!(line_in("TOML parse error at line 3, column 5\n  |"), Some(3));
        assert_eq!(line_in("no"), None);
    }
}
