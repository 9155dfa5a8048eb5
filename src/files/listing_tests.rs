use proptest::prelude::*;

use super::*;

/// 2026-11-27 00:00:00 UTC.
const NOW: i64 = 1_795_737_600;

fn file(name: &str, size: u64, at: i64, span: i64) -> Option<Found> {
    Some(Found {
        name: name.as_bytes().to_vec(),
        what: What::File(size, Some(Stamp { at, span })),
        unique: None,
    })
}

fn other(name: &str, what: What) -> Option<Found> {
    Some(Found {
        name: name.as_bytes().to_vec(),
        what,
        unique: None,
    })
}

fn listed(line: &str) -> Option<Found> {
    list(line.as_bytes(), NOW)
}

#[test]
fn mlsd_has_facts_and_a_name_that_may_hold_anything() {
    let found = mlsd(b"modify=20261126102030.123;Size=5;TYPE=file;unique=g1;  a; b=\xe9").unwrap();
    assert_eq!(found.name, b" a; b=\xe9");
    assert_eq!(found.what, What::File(5, Some(Stamp::exact(NOW - 49_170))));
    assert_eq!(found.unique.as_deref(), Some(&b"g1"[..]));
    assert_eq!(mlsd(b"type=dir; x").unwrap().what, What::Folder);
    assert_eq!(
        mlsd(b"type=OS.unix=slink:/etc; x").unwrap().what,
        What::Link
    );
    assert_eq!(mlsd(b"type=OS.unix=chr-1/3; x").unwrap().what, What::Other);
    assert_eq!(
        mlsd(b"type=file;size=5;modify=2026; x").unwrap().what,
        What::File(5, None)
    );
    for line in [
        &b"type=cdir;modify=20261126102030; /"[..],
        b"type=pdir; ..",
        b"type=dir; ..",
        b"type=dir; ",
        b"type=file; without size",
        b"type=file;size=-1; x",
        b"type=file;size=99999999999999999999; x",
        b"no facts",
        b"",
    ] {
        assert_eq!(mlsd(line), None, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn times_are_printed_as_they_are_read() {
    assert_eq!(printed(NOW).as_deref(), Some("20261127000000"));
    assert_eq!(time("20261127000000"), Some(Stamp::exact(NOW)));
    for text in [
        "",
        "2026",
        "20261327000000",
        "20261127240000",
        "2026112700000x",
    ] {
        assert_eq!(time(text), None, "{text}");
    }
    assert_eq!(printed(i64::MAX), None);
}

#[test]
fn unix_servers_list_in_many_ways() {
    // 26 November 2026, 10:20.
    let at = NOW - 49_200;
    for line in [
        "-rw-r--r--    1 1000     1000            5 Nov 26 10:20 a",
        "-rw-r--r--+   1 anna     users           5 26 Nov 10:20 a",
        "-rw-r--r--   1 anna 5 Nov 26 10:20 a",
        "-rw-r--r--   1 anna domain users 5 2026-11-26 10:20 a",
        "-rwxrwxrwx 1 may 12 5 nov 26 10:20 a",
    ] {
        assert_eq!(listed(line), file("a", 5, at, 59), "{line}");
    }
    let year = "-rw-r--r-- 1 a b 5 Feb 29  2024 leap";
    assert_eq!(listed(year), file("leap", 5, 1_709_164_800, 86_399));
    let before = "-rw-r--r-- 1 a b 5 Dec 24 18:00 last year";
    assert_eq!(listed(before), file("last year", 5, 1_766_599_200, 59));
    let ahead = "-rw-r--r-- 1 a b 5 Nov 27 12:00 clock ahead";
    assert_eq!(listed(ahead), file("clock ahead", 5, NOW + 43_200, 59));
    let leap = "-rw-r--r-- 1 a b 5 Feb 29 00:00 x";
    assert_eq!(listed(leap), file("x", 5, 1_709_164_800, 59));
    assert_eq!(
        listed("drwxr-xr-x 2 a b 4096 Nov 26 10:20  two spaces "),
        other(" two spaces ", What::Folder)
    );
    assert_eq!(
        listed("lrwxrwxrwx 1 a b 4 Nov 26 10:20 x -> ../y"),
        other("x", What::Link)
    );
    assert_eq!(
        listed("brw-rw---- 1 root disk 8, 0 Nov 26 10:20 sda"),
        other("sda", What::Other)
    );
    let bytes = b"-rw-r--r-- 1 \xe9mile b 5 Nov 26 10:20 caf\xe9";
    assert_eq!(list(bytes, NOW).unwrap().name, b"caf\xe9");
}

#[test]
fn windows_servers_list_in_other_ways() {
    let at = NOW - 49_200;
    assert_eq!(
        listed("11-26-26  10:20AM                    5 a b"),
        file("a b", 5, at, 59)
    );
    assert_eq!(
        listed("11-26-2026  10:20                 1,005 a"),
        file("a", 1005, at, 59)
    );
    assert_eq!(
        listed("11-26-26  10:20PM       <DIR>          a b"),
        other("a b", What::Folder)
    );
    assert_eq!(
        listed("2026-11-26  10:20       <DIR>          a"),
        other("a", What::Folder)
    );
}

#[test]
fn what_is_no_entry_is_none() {
    for line in [
        "",
        "total 12",
        "-rw-r--r--",
        "-rw-r--r-- 1 a b 5 Nov 26 10:20",
        "-rw-r--r-- 1 a b 5 Nov 26 10:20 ",
        "-rw-r--r-- 1 a b x Nov 26 10:20 a",
        "-rw-r--r-- 1 a b 5 Nov 32 10:20 a",
        "-rw-r--r-- 1 a b 5 Feb 30 2026 a",
        "drwxr-xr-x 2 a b 4096 Nov 26 10:20 .",
        "drwxr-xr-x 2 a b 4096 Nov 26 10:20 ..",
        "13-26-26  10:20AM  5 a",
        "ftp: no such directory",
    ] {
        assert_eq!(listed(line), None, "{line}");
    }
}

#[test]
fn later_means_certainly_later() {
    let minute = Stamp { at: 60, span: 59 };
    assert!(!Stamp::exact(119).is_after(minute));
    assert!(Stamp::exact(120).is_after(minute));
    assert!(!minute.is_after(Stamp::exact(60)));
    assert!(minute.is_after(Stamp::exact(59)));
    assert!(!Stamp::exact(1).is_after(Stamp {
        at: i64::MAX,
        span: 1
    }));
}

proptest! {
    #[test]
    fn any_bytes_are_an_entry_or_none(line: Vec<u8>, now: i64) {
        for found in [mlsd(&line), list(&line, now)].into_iter().flatten() {
            prop_assert!(!found.name.is_empty() && line.ends_with(&found.name) || found.what == What::Link);
        }
    }

    #[test]
    fn any_name_comes_through(name in "[^\r\n]{1,40}", size: u64, day in 1u32..29, folder: bool) {
        prop_assume!(!matches!(name.as_str(), "." | ".."));
        let letter = if folder { 'd' } else { '-' };
        let line = format!("{letter}rw-r--r-- 1 a b {size} Jun {day:2} 08:05 {name}");
        let found = list(line.as_bytes(), NOW).unwrap();
        prop_assert_eq!(&found.name, name.as_bytes());
        prop_assert_eq!(found.what == What::Folder, folder);
        let line = format!("type=file;size={size};modify=20260601080500; {name}");
        let found = mlsd(line.as_bytes()).unwrap();
        prop_assert_eq!(found.name, name.as_bytes());
        prop_assert!(matches!(found.what, What::File(found, _) if found == size));
    }
}
