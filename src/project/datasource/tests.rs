use proptest::prelude::*;

use super::{Dialect, Source};

const BLOCK: &[(&str, &str, bool)] = &[
    ("dbname", "geopoppy", true),
    ("host", "localhost", false),
    ("port", "5432", false),
    ("user", "geopoppy", true),
    ("password", "it's \\", true),
];
const PRINTED: &str =
    "dbname='geopoppy' host=localhost port=5432 user='geopoppy' password='it\\'s \\\\'";

fn qgis(text: &str) -> Source {
    let source = Source::parse(text, Dialect::Qgis);
    assert_eq!(source.to_string(), text);
    source
}

fn libpq(text: &str) -> Source {
    let source = Source::parse(text, Dialect::Libpq);
    assert_eq!(source.to_string(), text);
    source
}

#[test]
fn a_source_of_qgis_is_taken_apart() {
    let source = qgis(
        "dbname='my gis' host=db port=5432 user='an\\'na' password='a\\\\b\\x\"' key='a,b' \
         table=\"s\\\"x\".\"t\" (ge\\)om) sql=\"a\" = 'host=x'",
    );
    for (key, value) in [
        ("dbname", "my gis"),
        ("host", "db"),
        ("user", "an'na"),
        ("password", "a\\b\\x\""),
        ("key", "a,b"),
        ("sql", "\"a\" = 'host=x'"),
    ] {
        assert_eq!(source.get(key), Some(value));
    }
    assert!(source.is_unmistakable());
    assert_eq!(source.get("hostaddr"), None);
}

#[test]
fn values_may_be_quoted_or_not_and_stand_in_any_order() {
    let source = qgis("key=\"id\"  table = public.t host='db'port='1'   dbname=gis ");
    assert_eq!(
        (source.get("host"), source.get("port")),
        (Some("db"), Some("1"))
    );
    assert_eq!(source.get("dbname"), Some("gis"));
    assert!(source.is_sound());
    let source = qgis("service='a' service='b' password=''");
    assert_eq!(
        (source.get("service"), source.get("password")),
        (Some("b"), None)
    );
    assert!(source.has("password"));
    let source = qgis("dbname='x' table=\"(SELECT 1 AS a, 'host=b' AS \\\"b\\\")\" (g) sql=");
    assert!(source.is_unmistakable() && !source.has("host"));
}

#[test]
fn the_rules_of_libpq_for_quotes_are_others() {
    let source = libpq(" dbname = gis\\ 2 password='a\\b\\'c' host=\"db\" table='x'");
    assert_eq!(source.get("dbname"), Some("gis 2"));
    assert_eq!(source.get("password"), Some("ab'c"));
    assert_eq!(source.get("host"), Some("\"db\""));
    assert!(libpq("dbname=x sql=select 1").get("sql") == Some("select"));
}

#[test]
fn what_qgis_stripped_badly_is_not_sound() {
    // As it is left of password='a b', 'a b\'c' and 'a d=\'e'.
    for text in [
        "dbname='x' host=h user='u' b' key='id'",
        "dbname='x' host=h user='u' b\\'c' key='id'",
        "dbname='x' host=h user='u' d=\\'e' key='id'",
        "dbname='x' host=h user='u' key='id",
        "dbname='x' = y",
        "table=\"t\" (g",
    ] {
        assert!(!qgis(text).is_sound(), "{text}");
    }
}

#[test]
fn a_sentence_is_no_source() {
    for text in [
        "The database dbname='gis' host=db",
        "dbname='gis' host=db is the central",
        "dbname='gis' host=db colour=red",
        "key='a' table=\"b\"",
        "",
    ] {
        assert!(!qgis(text).is_unmistakable(), "{text}");
    }
}

#[test]
fn the_connection_is_replaced_and_nothing_else() {
    let rest = "  key='id' estimatedmetadata=true srid=4326 type=Point \
                checkPrimaryKeyUnicity='1' table=\"s\".\"t\" (geom) sql=host = 'db' and password='x'";
    for connection in [
        "dbname='gis' host=db port=5432 user='u' password='p q' sslmode=require authcfg=abc1234",
        "service='central'",
        "dbname='gis'  service='central' user='u'",
        "port=1\thost=db  hostaddr='10.0.0.1' username=u dbname='gis'",
        "dbname='x' host=h user='u' b' c",
    ] {
        let new = qgis(&format!("{connection}{rest}")).with_connection(BLOCK);
        assert_eq!(new.to_string(), format!("{PRINTED}{rest}"), "{connection}");
        let again = qgis(&new.to_string()).with_connection(BLOCK);
        assert!(again == new);
    }
}

#[test]
fn the_style_of_quotes_stays_where_it_can() {
    let new = qgis("host='db' dbname=gis password=x table=\"t\"").with_connection(BLOCK);
    assert_eq!(
        new.to_string(),
        "dbname=geopoppy host='localhost' port=5432 user='geopoppy' password='it\\'s \\\\' table=\"t\""
    );
}

#[test]
fn keys_do_not_run_into_each_other() {
    let new = qgis("table=\"t\"host=db key='a'sslmode='x'srid=1")
        .with_connection(&[("port", "1", false)]);
    assert_eq!(new.to_string(), "table=\"t\"port=1 key='a' srid=1");
    let new = qgis("key='a'table=\"t\"").with_connection(&[("port", "1", false)]);
    assert_eq!(new.to_string(), "port=1 key='a'table=\"t\"");
    let new = qgis("port=1 password='x'key='a'").without("password");
    assert_eq!(new.to_string(), "port=1 key='a'");
    assert_eq!(
        qgis("a='1' password='x'  b='2'")
            .without("password")
            .to_string(),
        "a='1'  b='2'"
    );
}

/// A source as QGIS prints it: its pairs, their text, and the rest of the text.
fn printed() -> impl Strategy<Value = (Vec<(&'static str, String)>, String, String)> {
    let value = "[ -~éß木\\\\']{1,12}";
    let keys = ["key", "dbname", "user", "password", "service", "sslmode"];
    let pairs: Vec<_> = keys
        .into_iter()
        .map(|key| proptest::option::of(value).prop_map(move |value| value.map(|v| (key, v))))
        .collect();
    let rest = (value, proptest::option::of(value), value);
    (pairs, rest).prop_map(|(pairs, (table, geom, sql))| {
        let escape = |text: &str, c: &str| text.replace('\\', "\\\\").replace(c, &format!("\\{c}"));
        let pairs: Vec<_> = pairs.into_iter().flatten().collect();
        let text: String = pairs
            .iter()
            .map(|(key, value)| format!("{key}='{}' ", escape(value, "'")))
            .collect();
        let geom = geom.map_or_else(String::new, |geom| format!(" ({})", escape(&geom, ")")));
        let rest = format!("table=\"{}\"{geom} sql={sql}", escape(&table, "\""));
        (pairs, text, rest)
    })
}

proptest! {
    #[test]
    fn every_text_is_printed_as_it_was(text in any::<String>(), odd in "[a-z='\"\\\\ ().|é]{0,60}") {
        for text in [&text, &odd] {
            for dialect in [Dialect::Qgis, Dialect::Libpq] {
                let source = Source::parse(text, dialect);
                prop_assert_eq!(&source.to_string(), text);
                // What is replaced stays replaced.
                let once = source.with_connection(BLOCK).to_string();
                let source = Source::parse(&once, dialect);
                let values = ["dbname", "host", "port", "user", "password"].map(|key| source.get(key));
                if source.is_sound() {
                    prop_assert_eq!(values, ["geopoppy", "localhost", "5432", "geopoppy", "it's \\"].map(Some));
                }
                prop_assert_eq!(source.with_connection(BLOCK).to_string(), once);
            }
        }
    }

    #[test]
    fn what_qgis_prints_is_read_and_only_the_connection_is_replaced((pairs, text, rest) in printed()) {
        let source = Source::parse(&format!("{text}{rest}"), Dialect::Qgis);
        prop_assert!(source.is_sound());
        for (key, value) in &pairs {
            prop_assert_eq!(source.get(key), Some(value.as_str()));
        }
        let new = source.with_connection(BLOCK).to_string();
        let expected = format!(" {rest}");
        prop_assert!(new.ends_with(&expected));
        let new = Source::parse(&new, Dialect::Qgis);
        prop_assert!(new.is_sound() && !new.has("service") && !new.has("sslmode"));
        prop_assert_eq!(new.get("password"), Some("it's \\"));
        for key in ["key", "table", "sql"] {
            prop_assert_eq!(new.get(key), source.get(key));
        }
    }
}
