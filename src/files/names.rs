//! Names of files: from the bytes of a server to text and back, and which of them may be used here. Pure.

use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::text::{Text, tr};

/// What Windows has in Latin-1 in the place of control characters, from 0x80 on; the five places that it leaves empty
/// stay what they are.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text that the bytes of a server mean: UTF-8, or else Latin-1 as Windows has it.
pub fn text(bytes: &[u8]) -> String {
    let narrow = |&byte: &u8| match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(narrow).collect(),
    }
}

/// The byte of a character in Latin-1 as Windows has it.
fn narrow(c: char) -> Option<u8> {
    match WINDOWS.iter().position(|known| *known == c) {
        Some(place) => u8::try_from(0x80 + place).ok(),
        None => u8::try_from(u32::from(c)).ok(),
    }
}

/// The bytes that a server wants for a name; `latin`: its names are not UTF-8.
pub fn bytes(name: &str, latin: bool) -> Vec<u8> {
    match latin {
        true => {
            let bytes: Option<Vec<u8>> = name.chars().map(narrow).collect();
            bytes.unwrap_or_else(|| name.as_bytes().to_vec())
        }
        false => name.as_bytes().to_vec(),
    }
}

/// Why a name cannot be that of a file or folder here; `None` where it can.
/// A server must not lead out of the folder, and not into a device.
pub fn objection(name: &str) -> Option<Text> {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if matches!(name, "" | "." | "..") {
        Some(tr!("it is no name"))
    } else if name.contains('/') {
        Some(tr!("it holds a slash"))
    } else if name.chars().any(forbidden) {
        Some(tr!("it holds a line break or another control character"))
    } else if name.len() > 240 {
        Some(tr!("it is too long"))
    } else if cfg!(windows) {
        on_windows(name)
    } else {
        None
    }
}

/// What Windows takes for something else than a file of this name.
fn on_windows(name: &str) -> Option<Text> {
    let device = |stem: &str| {
        let stem = stem.trim_end().to_ascii_uppercase();
        matches!(
            stem.as_str(),
            "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
        ) || stem
            .strip_prefix("COM")
            .or_else(|| stem.strip_prefix("LPT"))
            .is_some_and(|rest| {
                let mut digits = rest.chars();
                digits
                    .next()
                    .is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c))
                    && digits.next().is_none()
            })
    };
    if name.contains(['\\', ':', '*', '?', '"', '<', '>', '|']) {
        Some(tr!("Windows has no such names"))
    } else if name.ends_with(['.', ' ']) || device(name.split('.').next().unwrap_or_default()) {
        Some(tr!("Windows takes it for another name"))
    } else {
        None
    }
}

/// Sub-directories that are left out.
#[derive(Debug, Clone, Default)]
pub struct Excluded(Vec<Vec<String>>, Vec<Vec<String>>);

impl Excluded {
    /// From a list that is separated by commas: names, and paths such as `media/old`; either leaves out
    /// such a folder at any depth, or, with a slash before it, only that of the folder itself.
    pub fn parse(list: &str) -> Self {
        let mut excluded = Self::default();
        for item in list
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let item = item.replace('\\', "/");
            let parts: Vec<String> = item
                .split('/')
                .filter(|part| !matches!(*part, "" | "."))
                .map(str::to_owned)
                .collect();
            if !parts.is_empty() {
                let anchored = item.starts_with('/') || item.starts_with("./");
                if anchored {
                    &mut excluded.1
                } else {
                    &mut excluded.0
                }
                .push(parts);
            }
        }
        excluded
    }

    /// Whether the folder of this path (with slashes, from the folder that is mirrored) is left out. What is in it is not
    /// even looked at.
    pub fn has(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        self.0.iter().any(|rule| parts.ends_with(&borrowed(rule)))
            || self.1.iter().any(|rule| parts == borrowed(rule))
    }
}

fn borrowed(rule: &[String]) -> Vec<&str> {
    rule.iter().map(String::as_str).collect()
}

const PART: &str = ".lizsync-";
const PART_END: &str = ".part";

/// The file by which a run has a folder for itself. As a [`part`], it is never transferred.
pub const LOCK: &str = ".lizsync-lock.part";

/// The name under which a file is transferred before it gets its own. Another version of it gets another
/// name, so that a half transferred one is never gone on with.
pub fn part(name: &str, size: u64, changed: Option<i64>, source: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{name}\n{size}\n{changed:?}\n{source}"));
    let hash = hex(&hash.finalize()[..8]);
    // Enough of the name to be recognised, and not too much for a file system.
    let head: String = name.chars().take(40).collect();
    format!("{PART}{hash}-{head}{PART_END}")
}

/// The name of a [`part`] for a server that takes no names that begin with a dot.
pub fn without_dot(part: &str) -> &str {
    part.strip_prefix('.').unwrap_or(part)
}

/// Whether a name is one that [`part`] or [`without_dot`] makes.
pub fn is_part(name: &str) -> bool {
    let ours = |start| name.starts_with(start) && name.ends_with(PART_END);
    ours(PART) || ours(without_dot(PART))
}

/// The name of a file beside another one of its name: `photo.jpg`, `0a1b2c3d` → `photo (0a1b2c3d).jpg`.
pub fn beside(name: &str, sign: &str) -> String {
    match name.rfind('.').filter(|&dot| dot > 0) {
        Some(dot) => format!("{} ({sign}){}", &name[..dot], &name[dot..]),
        None => format!("{name} ({sign})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_text_and_bytes_again() {
        assert_eq!(text("é".as_bytes()), "é");
        assert_eq!(text(b"\xe9t\xe9"), "été");
        assert_eq!(bytes("été", true), b"\xe9t\xe9");
        assert_eq!(bytes("été", false), "été".as_bytes());
        assert_eq!(bytes("日", true), "日".as_bytes());
        assert_eq!(text(b"c\x9cur \x80"), "cœur €");
        assert_eq!(bytes("cœur €", true), b"c\x9cur \x80");
        for byte in 0x80..=0xff {
            assert_eq!(bytes(&text(&[byte]), true), [byte]);
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "a\nb", "a\0b", "a\r", "\u{2028}"] {
            assert!(objection(name).is_some(), "{name:?}");
        }
        for name in [
            "a b",
            "-rf",
            ".htaccess",
            "été.jpg",
            "100%",
            "#1",
            "a'b",
            " a",
        ] {
            assert_eq!(objection(name), None, "{name:?}");
        }
        for name in [
            "a\\b", "C:", "nul", "CON.txt", "com1.x", "a.", "a ", "LPT²", "a?",
        ] {
            assert!(on_windows(name).is_some(), "{name:?}");
        }
        for name in ["comma", "console.txt", "lpt10", "a b.c"] {
            assert_eq!(on_windows(name), None, "{name:?}");
        }
    }

    #[test]
    fn folders_are_left_out_by_name_or_path() {
        let rules = Excluded::parse(" data, media/old ,/only/here,.git/");
        for path in [
            "data",
            "a/data",
            "media/old",
            "x/media/old",
            "only/here",
            ".git",
        ] {
            assert!(rules.has(path), "{path}");
        }
        for path in ["database", "data/x", "old", "x/only/here", "media"] {
            assert!(!rules.has(path), "{path}");
        }
        assert!(!Excluded::parse(" , /").has("a"));
    }

    #[test]
    fn parts_differ_by_version_and_are_recognised() {
        let one = part("é.jpg", 5, Some(7), "");
        assert!(is_part(&one) && !is_part("é.jpg") && objection(&one).is_none());
        assert_ne!(one, part("é.jpg", 5, Some(8), ""));
        assert_ne!(one, part("é.jpg", 6, Some(7), ""));
        assert!(is_part(without_dot(&one)) && !without_dot(&one).starts_with('.'));
        assert!(part(&"x".repeat(300), 1, None, "").len() < 100);
    }

    #[test]
    fn a_clash_keeps_its_ending() {
        assert_eq!(beside("photo.jpg", "ab"), "photo (ab).jpg");
        assert_eq!(beside("photo", "ab"), "photo (ab)");
        assert_eq!(beside(".hidden", "ab"), ".hidden (ab)");
    }
}
