use proptest::prelude::*;

use super::super::percent;
use super::{Entry, Found, Names, Role, Rules, adapt, lacks_password, without_password};

/// The central is `gis` on `central:5432`, or the service `central`.
pub struct TestRules;

impl Rules for TestRules {
    fn means_central(&self, names: &Names) -> bool {
        let is = |value: &Option<String>, wanted| value.as_deref() == Some(wanted);
        match &names.service {
            Some(service) => {
                service == "central" && names.dbname.as_deref().is_none_or(|n| n == "gis")
            }
            None => {
                is(&names.host, "central")
                    && is(&names.dbname, "gis")
                    && names.port.as_deref().is_none_or(|port| port == "5432")
            }
        }
    }

    fn connection(&self, by_service: bool) -> Vec<Entry> {
        if by_service {
            return vec![("service", "geopoppy".to_owned(), true)];
        }
        [
            ("dbname", "geopoppy", true),
            ("host", "localhost", false),
            ("port", "5432", false),
            ("user", "geopoppy", true),
            ("password", "geopoppy", true),
        ]
        .map(|(key, value, quoted)| (key, value.to_owned(), quoted))
        .to_vec()
    }
}

const CLONE: &str =
    "dbname='geopoppy' host=localhost port=5432 user='geopoppy' password='geopoppy'";
const PUBLIC: &str = "dbname='geopoppy' host=localhost port=5432 user='geopoppy'";
const CENTRAL: &str = "dbname='gis' host=central port=5432 user='u' password='it\\'s 100%'";

fn central(provider: &str, text: &str, role: Role) -> String {
    match adapt(&TestRules, Some(provider), text, role) {
        Found::Central(new) => new,
        Found::Other => panic!("other: {text}"),
        Found::Broken(_) => panic!("broken: {text}"),
    }
}

fn is_other(provider: Option<&str>, text: &str, role: Role) -> bool {
    adapt(&TestRules, provider, text, role) == Found::Other
}

#[test]
fn layers_of_postgresql() {
    let rest = "key='id' table=\"public\".\"trees\" (geom)";
    for provider in ["postgres", "postgresraster"] {
        assert_eq!(
            central(
                provider,
                &format!("{CENTRAL} authcfg=abc1234 {rest}"),
                Role::Own
            ),
            format!("{CLONE} {rest}")
        );
    }
    let text = "dbname='gis' service='central' host=elsewhere port=1 user='u' key='id'";
    assert_eq!(
        central("postgres", text, Role::Own),
        "service='geopoppy' key='id'"
    );
}

#[test]
fn a_copy_has_a_password_only_if_it_had_one() {
    let text = "dbname='gis' host=central user='u' key='id' table=\"t\"";
    assert_eq!(
        central("postgres", text, Role::Copy),
        format!("{PUBLIC} key='id' table=\"t\"")
    );
    assert_eq!(
        central("postgres", &format!("{CENTRAL} table=\"t\""), Role::Copy),
        format!("{CLONE} table=\"t\"")
    );
    assert!(lacks_password(Some("postgres"), text));
    assert_eq!(
        without_password(None, &format!("{CLONE} key='id'")),
        format!("{PUBLIC} key='id'")
    );
    let own = "PG:dbname=x password='a|b' user=u|layername=t";
    assert_eq!(
        without_password(Some("ogr"), own),
        "PG:dbname=x user=u|layername=t"
    );
    assert!(!lacks_password(Some("ogr"), own) && !lacks_password(Some("virtual"), "?layer="));
}

#[test]
fn a_copy_that_was_cut_badly_is_told() {
    let text = "dbname='gis' host=central user='u' 100%' key='id' table=\"t\"";
    match adapt(&TestRules, Some("postgres"), text, Role::Copy) {
        Found::Broken(Some(new)) => assert_eq!(new, format!("{PUBLIC} key='id' table=\"t\"")),
        _ => panic!("not broken"),
    }
    let other = text.replace("central", "other");
    assert!(adapt(&TestRules, Some("postgres"), &other, Role::Copy) == Found::Broken(None));
    let odd = text.replace("100%'", "host=x dbname='y' z'");
    assert!(matches!(
        adapt(&TestRules, Some("postgres"), &odd, Role::Copy),
        Found::Broken(Some(_))
    ));
    // The layer's own source is read as QGIS reads it.
    assert_eq!(
        central("postgres", text, Role::Own),
        format!("{CLONE} key='id' table=\"t\"")
    );
}

#[test]
fn gdal_and_ogr() {
    for (provider, before, after) in [
        (
            "gdal",
            "PG: dbname=gis host=central user=u password='p q' schema='s' table='r' mode=2",
            "PG: dbname=geopoppy host=localhost port=5432 user=geopoppy password='geopoppy' schema='s' table='r' mode=2",
        ),
        (
            "ogr",
            "PG:dbname='gis' host='central' port='5432' user='u' password='a|b' authcfg='abc'|layername=s.t (g)|subset=a = 'b|c'",
            "PG:dbname='geopoppy' host='localhost' port='5432' user='geopoppy' password='geopoppy'|layername=s.t (g)|subset=a = 'b|c'",
        ),
        (
            "ogr",
            "pg:\"service=central tables=a,b\"|layerid=0|authcfg=abc1234",
            "pg:\"service=geopoppy tables=a,b\"|layerid=0",
        ),
        (
            "ogr",
            "PG:postgresql://u:p@central/gis|layername=t",
            "PG:postgresql://geopoppy:geopoppy@localhost:5432/geopoppy|layername=t",
        ),
    ] {
        assert_eq!(central(provider, before, Role::Own), after);
        assert_eq!(
            adapt(&TestRules, None, before, Role::Loose) == Found::Central(after.to_owned()),
            !before.contains("postgresql://") || provider == "ogr"
        );
    }
    for text in [
        "/data/gis.gpkg|layername=PG: dbname=gis host=central",
        "PG:dbname=gis host=other",
    ] {
        assert!(is_other(Some("ogr"), text, Role::Own), "{text}");
    }
}

fn embed(provider: &str, source: &str) -> String {
    format!(
        "layer={provider}:{}:alias%20%3A:UTF-8",
        percent::encode(source)
    )
}

#[test]
fn virtual_layers_also_within_virtual_layers() {
    let rest = "key='id' table=\"t\" (geom) sql=a='&:?'";
    let (before, after) = (format!("{CENTRAL} {rest}"), format!("{CLONE} {rest}"));
    let other = format!("{} {rest}", CENTRAL.replace("central", "other"));
    let make = |source: &str| {
        let inner = format!("?{}&query=SELECT%201", embed("postgres", source));
        format!(
            "?layer_ref=trees_1:t&{}&{}&{}&query=SELECT%20'dbname%3Dgis'&uid=id",
            embed("postgres", source),
            embed("postgres", &other),
            embed("virtual", &inner),
        )
    };
    let text = make(&before);
    assert_eq!(central("virtual", &text, Role::Own), make(&after));
    assert!(adapt(&TestRules, None, &text, Role::Loose) == Found::Central(make(&after)));
    assert!(is_other(Some("virtual"), &make(&other), Role::Own));
    assert!(is_other(
        Some("virtual"),
        "?layer=postgres&layer=postgres:%ff:a",
        Role::Own
    ));
}

#[test]
fn a_virtual_layer_that_contains_itself_for_ever_ends() {
    let mut text = CENTRAL.to_owned();
    for _ in 0..10 {
        text = format!("?{}", embed("virtual", &text));
    }
    assert!(is_other(Some("virtual"), &text, Role::Own));
}

#[test]
fn a_text_that_only_speaks_of_a_source_stays() {
    for text in [
        "Copy of dbname='gis' host=central",
        "dbname='gis' host=central (the office)",
        "key='id'",
        "",
    ] {
        assert!(is_other(None, text, Role::Loose), "{text}");
    }
    let text = "see dbname='gis' host=central";
    assert!(adapt(&TestRules, None, text, Role::Copy) == Found::Broken(None));
    assert!(is_other(None, text, Role::Own));
    assert!(is_other(Some("oracle"), CENTRAL, Role::Own));
    assert!(is_other(Some("spatialite"), CENTRAL, Role::Copy));
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in any::<String>(), odd in "(PG:|\\?layer=|postgresql://|[a-z]=)?[a-z=:|'\"\\\\%&?/@ .]{0,40}") {
        for text in [&text, &odd] {
            for provider in [None, Some("postgres"), Some("virtual"), Some("ogr")] {
                for role in [Role::Own, Role::Copy, Role::Loose] {
                    adapt(&TestRules, provider, text, role);
                }
                without_password(provider, text);
            }
        }
    }

    #[test]
    fn what_is_adapted_means_the_central_no_more(password in "[ -~é]{1,16}", sql in "[ -~é]{0,16}") {
        let escaped = password.replace('\\', "\\\\").replace('\'', "\\'");
        let source = format!(
            "dbname='gis' host=central user='u' password='{escaped}' key='id' table=\"t\" (g) sql={sql}"
        );
        let rest = format!("key='id' table=\"t\" (g) sql={sql}");
        prop_assert_eq!(central("postgres", &source, Role::Own), format!("{CLONE} {rest}"));
        let virtual_layer = format!("?{}&query=x", embed("postgres", &source));
        let new = central("virtual", &virtual_layer, Role::Own);
        prop_assert_eq!(&new, &format!("?{}&query=x", embed("postgres", &format!("{CLONE} {rest}"))));
        prop_assert!(is_other(Some("virtual"), &new, Role::Own));
    }
}
