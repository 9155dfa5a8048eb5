use proptest::prelude::*;

use super::super::forms::tests::TestRules;
use super::adapt;

/// The text after it was adapted; the text itself, if nothing is to be done.
fn adapted(text: &str) -> String {
    let document = adapt(text, &TestRules).unwrap();
    let new = document.text.unwrap_or_else(|| text.to_owned());
    let again = adapt(&new, &TestRules).unwrap();
    assert!(again.text.is_none() && again.sources == 0, "{new}");
    new
}

fn layer(id: &str, source: &str) -> String {
    format!(
        "<maplayer><id>{id}</id><datasource>{source}</datasource><provider>postgres</provider></maplayer>"
    )
}

#[test]
fn only_the_connection_changes_whatever_the_bytes_around_it() {
    let project = |connection: &str| {
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding='UTF-8'?>\r\n<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\r\n\
             <qgis  projectname=\"dbname='gis' host=central\"\r\n version='3'>\r\n<!-- dbname='gis' host=central -->\r\n\
             <title>dbname='gis' host=central</title><a\tb = '&#233;&apos;' /><a b='1'></a ><?pi dbname='gis'?>\r\n{}\r\n\
             <abstract><![CDATA[dbname='gis' host=central]]></abstract></qgis>\r\n\r\n",
            layer(
                "a",
                &format!(
                    "{connection} key=&apos;id&apos; table=&#34;t&quot;\r\n (geom) sql=a &lt; 1 and b >\t2"
                )
            )
        )
    };
    assert_eq!(
        adapted(&project(
            "dbname='gis' host=central user='u' password='p' authcfg=abc1234"
        )),
        project("dbname='geopoppy' host=localhost port=5432 user='geopoppy' password='geopoppy'")
    );
    let other = project("dbname='gis' host=other password='&apos;&#x27;'");
    assert!(adapt(&other, &TestRules).unwrap().text.is_none());
}

#[test]
fn copies_are_made_anew_from_the_source_of_their_layer() {
    let rest = "key='id' table=&quot;t&quot; (geom)";
    let tree = |source: &str| {
        format!(
            "<layer-tree-layer providerKey=\"postgres\" id=\"a\" source=\"{source}\"/>\
             <LayerSet><Layer provider=\"postgres\" source=\"{source}\">a</Layer></LayerSet>"
        )
    };
    let text = |own: &str, copy: &str| {
        let copies = tree(&format!("{copy} {rest}"));
        format!(
            "<qgis>{copies}{}</qgis>",
            layer("a", &format!("{own} {rest}"))
        )
    };
    let clone = "dbname='geopoppy' host=localhost port=5432 user='geopoppy'";
    let own = "dbname='gis' host=central user='u' password='p q=\\'r s\\' t'";
    for cut in [
        "dbname='gis' host=central user='u' q=\\'r s\\' t'",
        "dbname='gis' host=central user='u' t'",
        "dbname='gis' host=central user='u'",
        "dbname='gis' host=central user='u' host=x'",
    ] {
        assert_eq!(
            adapted(&text(own, cut)),
            text(&format!("{clone} password='geopoppy'"), clone)
        );
    }
    // A copy that is whole and means another database is one of something else.
    let other = "dbname='other' host=central user='u'";
    assert_eq!(
        adapted(&text(own, other)),
        text(&format!("{clone} password='geopoppy'"), other)
    );
    // Nothing is known of the layer.
    let lost = tree("dbname='gis' host=central user='u' q' key='id' table=&quot;t&quot;");
    assert_eq!(
        adapted(&format!("<qgis>{lost}</qgis>")),
        format!(
            "<qgis>{}</qgis>",
            tree(&format!("{clone} key='id' table=&quot;t&quot;"))
        )
    );
}

#[test]
fn a_source_in_cdata_is_replaced() {
    let text = format!(
        "<qgis>{}</qgis>",
        layer(
            "a",
            "<![CDATA[dbname='gis' host=central table=\"t\" sql=a<1]]>"
        )
    );
    assert!(adapted(&text).contains(
        ">dbname='geopoppy' host=localhost port=5432 user='geopoppy' password='geopoppy' \
         table=\"t\" sql=a&lt;1</datasource>"
    ));
}

#[test]
fn an_embedded_layer_comes_from_the_clone() {
    let text = |uri: &str| {
        format!(
            "<qgis><maplayer embedded='1' id='a' project='{uri}?schema=p&amp;project=q'/></qgis>"
        )
    };
    assert_eq!(
        adapted(&text("postgresql://u:p@central/gis")),
        text("postgresql://geopoppy:geopoppy@localhost:5432/geopoppy")
    );
    let file = text("../central/gis.qgs");
    assert_eq!(adapted(&file), file);
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "<qgis>([<>/a&;'\"=]|<maplayer>|<datasource>|</datasource>|source=|<!\\[CDATA\\[|\\]\\]>|<!--|-->|é){0,30}</qgis>") {
        if let Ok(document) = adapt(&text, &TestRules) {
            prop_assert!(document.text.is_none());
        }
    }
}
