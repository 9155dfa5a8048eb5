//! What a server lists: lines of MLSD (RFC 3659), and of LIST as Unix and Windows servers write them.
//! Pure: bytes in, entries out. A line that is none of these is no entry.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name, as the server writes it.
    pub name: Vec<u8>,
    /// What it is.
    pub what: What,
    /// What tells it from all others of the server, where the server says so.
    pub unique: Option<Vec<u8>>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A file: its bytes, and when it was changed.
    File(u64, Option<Stamp>),
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a socket and so on.
    Other,
}

/// When a file was changed, as exactly as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since 1970, UTC: not before this.
    pub at: i64,
    /// How many seconds later it may have been.
    pub span: i64,
}

impl Stamp {
    /// An exact time.
    pub fn exact(at: i64) -> Self {
        Self { at, span: 0 }
    }

    /// Whether this is certainly later than `other`.
    pub fn is_after(self, other: Self) -> bool {
        self.at > other.at.saturating_add(other.span)
    }
}

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// A line of MLSD; `None` also for the folder itself and its parent.
pub fn mlsd(line: &[u8]) -> Option<Found> {
    let space = line.iter().position(|&byte| byte == b' ')?;
    let (facts, name) = (&line[..space], &line[space + 1..]);
    let facts = std::str::from_utf8(facts).ok()?;
    let fact = |key: &str| {
        facts.split(';').find_map(|fact| {
            let (name, value) = fact.split_once('=')?;
            name.eq_ignore_ascii_case(key).then_some(value)
        })
    };
    let kind = fact("type")?.to_ascii_lowercase();
    let what = match kind.as_str() {
        "file" => What::File(fact("size")?.parse().ok()?, fact("modify").and_then(time)),
        "dir" => What::Folder,
        "cdir" | "pdir" => return None,
        kind if kind.starts_with("os.unix=slink") || kind.starts_with("os.unix=symlink") => {
            What::Link
        }
        _ => What::Other,
    };
    named(
        name,
        what,
        fact("unique").map(|text| text.as_bytes().to_vec()),
    )
}

/// Whether a line is known to stand for no entry: an empty one, the sum, the folder itself or its parent.
pub fn is_no_entry(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let lower = line.to_ascii_lowercase();
    let has = |text: &[u8]| lower.windows(text.len()).any(|part| part == text);
    line.is_empty()
        || lower.starts_with(b"total ")
        || has(b"type=cdir")
        || has(b"type=pdir")
        || line.ends_with(b" .")
        || line.ends_with(b" ..")
}

/// `YYYYMMDDHHMMSS[.fraction]` in UTC, as MLSD and MDTM write times.
pub fn time(text: &str) -> Option<Stamp> {
    let text = text.trim();
    let whole = text.split('.').next()?;
    if whole.len() != 14 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| whole.get(range)?.parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(part(0..4)? as i32, part(4..6)?, part(6..8)?)?;
    // A leap second is the last one of its minute.
    let time = NaiveTime::from_hms_opt(part(8..10)?, part(10..12)?, part(12..14)?.min(59))?;
    Some(Stamp::exact(seconds(date.and_time(time))))
}

/// A time as MFMT takes it.
pub fn printed(at: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp(at, 0)?;
    (0..=9999)
        .contains(&time.year())
        .then(|| time.format("%Y%m%d%H%M%S").to_string())
}

/// A line of LIST. Its times are taken as UTC; `now`: seconds since 1970, for dates without a year.
pub fn list(line: &[u8], now: i64) -> Option<Found> {
    unix(line, now).or_else(|| windows(line))
}

/// `drwxr-xr-x 2 owner group 4096 Nov 26 10:20 name`, with or without group and links.
fn unix(line: &[u8], now: i64) -> Option<Found> {
    let what = match line.first()? {
        b'-' => What::File(0, None),
        b'd' => What::Folder,
        b'l' => What::Link,
        b'b' | b'c' | b'p' | b's' => What::Other,
        _ => return None,
    };
    let words = words(line);
    // The permissions: nine letters, and what some servers add (ACL and the like).
    if !(10..=11).contains(&words.first()?.1.len()) {
        return None;
    }
    (2..words.len().saturating_sub(2)).find_map(|i| {
        let size = words[i - 1].1.parse::<u64>().ok()?;
        let (stamp, last) = date(&words[i..], now)?;
        let (at, text) = words[i + last];
        // One space, and then the name: it may begin with more of them.
        let name = line.get(at + text.len() + 1..)?;
        let (name, what) = match what {
            What::File(..) => (name, What::File(size, Some(stamp))),
            What::Link => (before_arrow(name), What::Link),
            other => (name, other),
        };
        named(name, what, None)
    })
}

/// The date at the head of these words, and the number of its last word.
fn date(words: &[(usize, &str)], now: i64) -> Option<(Stamp, usize)> {
    let word = |i: usize| words.get(i).map(|word| word.1);
    // 2026-11-26 10:20
    if let Ok(day) = NaiveDate::parse_from_str(word(0)?, "%Y-%m-%d") {
        let (time, span) = clock(word(1)?)?;
        return Some((stamp(day.and_time(time), span), 1));
    }
    let month = |text: &str| {
        let text = text.to_ascii_lowercase();
        MONTHS.iter().position(|name| *name == text)
    };
    let day = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|day| (1..=31).contains(day))
    };
    let (month, day) = match (month(word(0)?), day(word(0)?)) {
        (Some(month), _) => (month, day(word(1)?)?),
        (None, Some(day)) => (month(word(1)?)?, day),
        _ => return None,
    };
    let month = month as u32 + 1;
    let last = word(2)?;
    if let Some((time, span)) = clock(last) {
        let today = chrono::DateTime::from_timestamp(now, 0)?.naive_utc();
        // Without a year it is the last such day; clocks of servers may be ahead by a day.
        let in_year =
            |year| NaiveDate::from_ymd_opt(year, month, day).map(|date| date.and_time(time));
        let time = in_year(today.year())
            .filter(|time| seconds(*time) <= now.saturating_add(DAY))
            .or_else(|| in_year(today.year() - 1))
            // The 29th of February.
            .or_else(|| (2..8).find_map(|ago| in_year(today.year() - ago)))?;
        return Some((stamp(time, span), 2));
    }
    let year = last.parse().ok().filter(|_| last.len() == 4)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some((stamp(date.and_time(NaiveTime::MIN), DAY - 1), 2))
}

/// `10:20` or `10:20:30`, and how many seconds it leaves open.
fn clock(text: &str) -> Option<(NaiveTime, i64)> {
    let mut parts = text.split(':').map(|part| match part.len() {
        1 | 2 => part.parse::<u32>().ok(),
        _ => None,
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    match parts.next() {
        None => Some((NaiveTime::from_hms_opt(hour, minute, 0)?, MINUTE - 1)),
        Some(second) => Some((NaiveTime::from_hms_opt(hour, minute, second?)?, 0)),
    }
}

/// `11-26-26  10:20AM       <DIR>          name`, also with a year of four digits or a clock of 24 hours.
fn windows(line: &[u8]) -> Option<Found> {
    let words = words(line);
    let (day, time, size) = (words.first()?.1, words.get(1)?.1, words.get(2)?);
    let day = match day.len() {
        8 => NaiveDate::parse_from_str(day, "%m-%d-%y"),
        10 if day.as_bytes().get(4) == Some(&b'-') => NaiveDate::parse_from_str(day, "%Y-%m-%d"),
        10 => NaiveDate::parse_from_str(day, "%m-%d-%Y"),
        _ => return None,
    }
    .ok()?;
    let time = NaiveTime::parse_from_str(&time.to_ascii_uppercase(), "%I:%M%p")
        .or_else(|_| NaiveTime::parse_from_str(time, "%H:%M"))
        .ok()?;
    let changed = stamp(day.and_time(time), MINUTE - 1);
    let (at, text) = *size;
    let rest = line.get(at + text.len()..)?;
    let (what, name) = match text {
        // IIS sets names after <DIR> into a column.
        "<DIR>" => (
            What::Folder,
            rest.get(10..).filter(|_| rest.starts_with(b"          ")),
        ),
        "<JUNCTION>" | "<SYMLINKD>" | "<SYMLINK>" => (What::Link, None),
        size => (
            What::File(size.replace(',', "").parse().ok()?, Some(changed)),
            None,
        ),
    };
    let name = match name {
        Some(name) => name,
        None => rest.strip_prefix(b" ")?,
    };
    let name = match what {
        What::Link => name.trim_ascii_start(),
        What::Folder => name,
        _ => name,
    };
    named(name, what, None)
}

fn named(name: &[u8], what: What, unique: Option<Vec<u8>>) -> Option<Found> {
    (!matches!(name, b"" | b"." | b"..")).then(|| Found {
        name: name.to_vec(),
        what,
        unique,
    })
}

fn before_arrow(name: &[u8]) -> &[u8] {
    let arrow = name.windows(4).position(|part| part == b" -> ");
    arrow.map_or(name, |at| &name[..at])
}

/// The words of a line that are ASCII, with their places; others are empty texts.
fn words(line: &[u8]) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in line.iter().chain(b" ").enumerate() {
        match (start, *byte == b' ' || *byte == b'\t') {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                let text = std::str::from_utf8(&line[from..at]).unwrap_or_default();
                words.push((from, text));
                start = None;
            }
            _ => (),
        }
        // Nothing before a name has more words than this.
        if words.len() > 16 {
            break;
        }
    }
    words
}

fn stamp(time: NaiveDateTime, span: i64) -> Stamp {
    Stamp {
        at: seconds(time),
        span,
    }
}

fn seconds(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp()
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
