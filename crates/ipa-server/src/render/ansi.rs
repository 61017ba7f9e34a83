//! Terminal output as HTML: colours and styles become classes, every other control sequence is dropped.
//!
//! Knows the sixteen colours; 256 and true colours become the nearest of them. No inline style is ever made.

use maud::{Markup, html};

use super::visible::visible;

/// Renders terminal output. A carriage return in a line starts the line anew, as on a terminal.
pub(crate) fn ansi(text: &str) -> Markup {
    let spans = parse(&overwritten(text));
    html! {
        @for span in &spans {
            @match span.style.classes() {
                Some(classes) => span class=(classes) { (visible(&span.text)) },
                None => (visible(&span.text)),
            }
        }
    }
}

/// Tells whether a text holds control sequences at all.
pub(crate) fn has_escapes(text: &str) -> bool {
    text.contains('\u{1b}')
}

struct Span {
    style: Style,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent attributes of a terminal")]
struct Style {
    fg: Option<u8>,
    bg: Option<u8>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

impl Style {
    fn classes(self) -> Option<String> {
        let mut classes = Vec::new();
        classes.extend(self.fg.map(|n| format!("f{n}")));
        classes.extend(self.bg.map(|n| format!("k{n}")));
        let flags = [(self.bold, "ab"), (self.dim, "ad"), (self.italic, "ai"), (self.underline, "au")];
        classes.extend(flags.iter().filter(|(on, _)| *on).map(|(_, class)| (*class).to_owned()));
        (!classes.is_empty()).then(|| classes.join(" "))
    }

    /// Applies the numbers of one SGR sequence.
    fn apply(&mut self, numbers: &[u16]) {
        let mut rest = numbers.iter().copied();
        while let Some(number) = rest.next() {
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                30..=37 => self.fg = narrow(number, 30),
                38 => self.fg = extended(&mut rest),
                39 => self.fg = None,
                40..=47 => self.bg = narrow(number, 40),
                48 => self.bg = extended(&mut rest),
                49 => self.bg = None,
                90..=97 => self.fg = narrow(number, 82),
                100..=107 => self.bg = narrow(number, 92),
                _ => {}
            }
        }
    }
}

fn narrow(number: u16, base: u16) -> Option<u8> {
    u8::try_from(number.checked_sub(base)?).ok()
}

/// Reads what follows a 38 or 48: `5;N`, or `2;R;G;B`.
fn extended(rest: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match rest.next()? {
        5 => match rest.next()? {
            n @ 0..=15 => u8::try_from(n).ok(),
            n @ 16..=231 => {
                let n = n.checked_sub(16)?;
                let level = |n: u16| if n == 0 { 0 } else { 55 + 40 * n };
                Some(nearest(level(n / 36), level(n / 6 % 6), level(n % 6)))
            }
            n => {
                let grey = n.checked_sub(232)?.saturating_mul(10).saturating_add(8);
                Some(nearest(grey, grey, grey))
            }
        },
        2 => Some(nearest(rest.next()?, rest.next()?, rest.next()?)),
        _ => None,
    }
}

/// Finds the nearest of the sixteen colours.
fn nearest(r: u16, g: u16, b: u16) -> u8 {
    let bright = r.max(g).max(b) > 200;
    let floor = r.max(g).max(b) / 2;
    let on = |level: u16, bit: u8| if level > floor.max(48) { bit } else { 0 };
    let colour = on(r, 1) | on(g, 2) | on(b, 4);
    match (colour, bright) {
        (7, true) => {
            if r.min(g).min(b) > 220 {
                15
            } else {
                7
            }
        }
        (0, _) => {
            if r.max(g).max(b) > 32 {
                8
            } else {
                0
            }
        }
        (7, false) => 8,
        (colour, true) => colour | 8,
        (colour, false) => colour,
    }
}

/// Plays carriage returns: of each line what was written last stays.
fn overwritten(text: &str) -> String {
    let mut played = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let line = line.trim_end_matches('\r');
        played.push_str(line.rsplit('\r').next().unwrap_or(line));
        played.push_str(end);
    }
    played
}

fn parse(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut style = Style::default();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        push(&mut spans, style, before);
        rest = match after.chars().next() {
            Some('[') => control(after.get(1..).unwrap_or_default(), &mut style),
            Some(']' | 'P' | 'X' | '^' | '_') => after_string(after.get(1..).unwrap_or_default()),
            Some(one) => after.get(one.len_utf8()..).unwrap_or_default(),
            None => "",
        };
    }
    push(&mut spans, style, rest);
    spans
}

fn push(spans: &mut Vec<Span>, style: Style, text: &str) {
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if text.is_empty() {
        return;
    }
    match spans.last_mut() {
        Some(last) if last.style == style => last.text.push_str(&text),
        Some(_) | None => spans.push(Span { style, text }),
    }
}

/// Takes a control sequence off the front; only colours and styles mean something.
fn control<'a>(text: &'a str, style: &mut Style) -> &'a str {
    let end = text.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c) || c == '\n' || c == '\u{1b}');
    let Some((parameters, rest)) = end.and_then(|end| text.split_at_checked(end)) else { return "" };
    let Some(last) = rest.chars().next().filter(|c| !matches!(c, '\n' | '\u{1b}')) else { return rest };
    if last == 'm' {
        let numbers: Vec<u16> =
            parameters.split([';', ':']).take(32).map(|n| n.parse().unwrap_or(0)).collect();
        style.apply(&numbers);
    }
    rest.get(last.len_utf8()..).unwrap_or_default()
}

/// Skips a string sequence (a title, a link) up to its end: BEL, or ESC and a backslash.
fn after_string(text: &str) -> &str {
    let Some(end) = text.find(['\u{7}', '\u{1b}', '\n']) else { return "" };
    let rest = text.get(end..).unwrap_or_default();
    rest.strip_prefix('\u{7}').or_else(|| rest.strip_prefix("\u{1b}\\")).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, html: &str) {
        assert_eq!(ansi(text).into_string(), html, "{text:?}");
    }

    #[test]
    fn colours_and_styles_become_classes() {
        check("\u{1b}[31mred\u{1b}[0m plain", r#"<span class="f1">red</span> plain"#);
        check("\u{1b}[1;4;92;41mx", r#"<span class="f10 k1 ab au">x</span>"#);
        check("\u{1b}[38;5;196mx\u{1b}[39my", r#"<span class="f9">x</span>y"#);
        check("\u{1b}[38;2;0;0;130mx", r#"<span class="f4">x</span>"#);
        check("\u{1b}[mx", "x");
    }

    #[test]
    fn other_control_sequences_are_dropped() {
        check("a\u{1b}[2Jb\u{1b}[1;1Hc", "abc");
        check("\u{1b}]0;title\u{7}a\u{1b}]8;;javascript:x\u{1b}\\b", "ab");
        check("\u{1b}[999999999999999999mx\u{1b}", "x");
        check("\u{1b}[31", "");
        check("a\u{7}\u{8}b", "ab");
    }

    #[test]
    fn a_carriage_return_starts_the_line_anew() {
        check("10%\r50%\r100%\ndone\r\n", "100%\ndone\n");
    }

    #[test]
    fn markup_in_output_stays_text() {
        check("\u{1b}[31m<script>\u{1b}[0m&", r#"<span class="f1">&lt;script&gt;</span>&amp;"#);
        check("a\u{202e}b", "a⟨U+202E⟩b");
    }
}
