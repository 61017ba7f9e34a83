//! Times, durations and sums of money as a person reads them.

use ipa_events::task::Usage;
use jiff::Timestamp;
use maud::{Markup, html};

/// Shows a moment. The script of the page turns it into an age that goes on; without it, it is the moment.
pub(crate) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(format!("{at:.0}")) { (at.strftime("%-d %b %H:%M UTC")) } }
}

/// Shows milliseconds: `0.4s`, `12s`, `3m05s`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..=9 => format!("{seconds}.{}s", ms % 1_000 / 100),
        10..=59 => format!("{seconds}s"),
        60..=3_599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// Shows what something cost; nothing for nothing.
pub(crate) fn cost(microusd: u64) -> Option<String> {
    (microusd > 0).then(|| format!("${}.{:02}", microusd / 1_000_000, microusd % 1_000_000 / 10_000))
}

/// Shows a number with its thousands apart: `12,345`.
pub(crate) fn amount(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Shows what something used, after a comma.
pub(crate) fn usage(usage: Usage) -> Markup {
    let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
    html! {
        @if let Some(cost) = cost(usage.cost_microusd) { ", " (cost) }
        @if tokens > 0 { ", " (amount(tokens)) " tokens" }
    }
}

/// Shows a number of bytes: `812 B`, `4.1 kB`, `12.0 MB`.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..=999 => format!("{count} B"),
        1_000..=999_999 => format!("{}.{} kB", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_gets_coarser_as_it_grows() {
        assert_eq!([430, 12_900, 185_000, 7_260_000].map(duration), ["0.4s", "12s", "3m05s", "2h01m"]);
    }

    #[test]
    fn a_cost_is_shown_in_dollars_and_cents() {
        assert_eq!([0, 9_999, 1_180_000].map(cost), [None, Some("$0.00".into()), Some("$1.18".into())]);
    }

    #[test]
    fn a_number_has_its_thousands_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(amount), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn bytes_are_shown_in_thousands() {
        assert_eq!([0, 812, 4_120, 12_000_000].map(bytes), ["0 B", "812 B", "4.1 kB", "12.0 MB"]);
    }
}
