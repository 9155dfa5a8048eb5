//! Numbers and moments as the report writes them. Dates are the same in every language.

use super::Moment;
use crate::text::{Text, tr};

/// A number, in groups of three digits.
pub fn number(number: u64) -> Text {
    if number < 1000 {
        return Text::verbatim(number.to_string());
    }
    let thousands = self::number(number / 1000);
    tr!(
        "{thousands},{rest}",
        thousands,
        rest = format!("{:03}", number % 1000)
    )
}

/// Characters that are not shown.
pub fn more_characters(left: u64) -> Text {
    tr!(
        "… ({count} character more)" | "… ({count} characters more)" % left,
        count = number(left)
    )
}

/// What there is to see of bytes.
pub fn bytes(count: u64) -> Text {
    tr!(
        "binary, {count} byte" | "binary, {count} bytes" % count,
        count = number(count)
    )
}

/// Conflicts that are not shown.
pub fn more_conflicts(left: u64) -> Text {
    tr!(
        "… and {count} conflict more" | "… and {count} conflicts more" % left,
        count = number(left)
    )
}

/// Changes that are not shown.
pub fn more_changes(left: u64) -> Text {
    tr!(
        "… and {count} change more" | "… and {count} changes more" % left,
        count = number(left)
    )
}

/// Tables that are not shown.
pub fn more_tables(left: u64) -> Text {
    tr!(
        "… and {count} table more" | "… and {count} tables more" % left,
        count = number(left)
    )
}

/// Values that are not shown.
pub fn more_values(left: u64) -> Text {
    tr!(
        "… and {count} value more" | "… and {count} values more" % left,
        count = number(left)
    )
}

/// A moment to the second.
pub fn moment(moment: Moment) -> String {
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The offset of a moment.
pub fn offset(moment: Moment) -> String {
    format!("UTC{}", moment.format("%:z"))
}

/// A moment to the second, with its offset.
pub fn moment_and_offset(time: Moment) -> String {
    format!("{} ({})", moment(time), offset(time))
}

/// How long something took.
pub fn duration(milliseconds: u64) -> Text {
    if milliseconds < 60_000 {
        let seconds = Text::decimal(milliseconds as f64 / 1000.0);
        return tr!("took {seconds} s", seconds);
    }
    let seconds = milliseconds / 1000;
    tr!(
        "took {minutes} min {seconds} s",
        minutes = seconds / 60,
        seconds = seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn numbers_are_grouped_as_the_language_does() {
        let french = |number: u64| super::number(number).in_language(Language::named("fr"));
        for (number, english, expected) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_000, "1,000", "1\u{202f}000"),
            (1_020_003, "1,020,003", "1\u{202f}020\u{202f}003"),
        ] {
            assert_eq!(super::number(number).to_string(), english);
            assert_eq!(french(number), expected);
        }
        assert_eq!(
            Text::with_point("-3.25").in_language(Language::named("fr")),
            "-3,25"
        );
        assert_eq!(Text::with_point("-3.25").to_string(), "-3.25");
    }
}
