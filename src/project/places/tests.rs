use super::super::forms::Role;
use super::find;

/// A project with this content.
fn project(content: &str) -> String {
    format!("<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis>{content}</qgis>\n")
}

/// Value, provider and layer of each place.
fn places(content: &str) -> Vec<(String, Option<String>, Option<String>)> {
    let text = project(content);
    let found = find(&text).unwrap();
    for place in &found.places {
        let raw = &text[place.range.clone()];
        assert!(raw == place.value || raw.contains(['&', '<']), "{raw}");
    }
    let places = found.places.into_iter();
    places.map(|p| (p.value, p.provider, p.layer)).collect()
}

fn place(value: &str, provider: &str, layer: &str) -> (String, Option<String>, Option<String>) {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    (value.to_owned(), some(provider), some(layer))
}

#[test]
fn the_source_of_a_layer_with_what_follows_it() {
    let text = "<maplayer><id>a_1</id><datasource>dbname='x' table=&quot;t&quot;</datasource>\
                <title>dbname='x'</title><provider encoding=\"UTF-8\">postgres</provider></maplayer>\
                <maplayer><id>b_1</id><datasource><![CDATA[a<b]]>&amp;c</datasource><provider>ogr</provider></maplayer>\
                <maplayer><id>c</id><datasource/></maplayer>";
    assert_eq!(
        places(text),
        [
            place("dbname='x' table=\"t\"", "postgres", ""),
            place("a<b&c", "ogr", "")
        ]
    );
    let text = project(text);
    let found = find(&text).unwrap();
    assert_eq!(found.layers.keys().collect::<Vec<_>>(), ["a_1", "b_1"]);
    assert!(found.places.iter().all(|place| place.role == Role::Own));
}

#[test]
fn attributes_that_repeat_a_source() {
    let text = "<layer-tree-layer source=\"s1\" id='a' providerKey='postgres'><x/></layer-tree-layer>\
                <LayerSet><Layer provider='ogr' source='s2'>b</Layer></LayerSet>\
                <LayerStyle layerid='c' source='s3' provider='gdal'/>\
                <relation id='r' layerId='d' dataSource=\"s4\" providerKey='p'/>\
                <Atlas coverageLayer='e' coverageLayerSource='s5' coverageLayerProvider='q'/>\
                <t vectorLayer='f' vectorLayerSource='s6' vectorLayerProvider='q' sourceName='no' source=''/>";
    assert_eq!(
        places(text),
        [
            place("s1", "postgres", "a"),
            place("s2", "ogr", "b"),
            place("s3", "gdal", "c"),
            place("s4", "p", "d"),
            place("s5", "q", "e"),
            place("s6", "q", "f"),
        ]
    );
}

#[test]
fn options_of_widgets_with_their_neighbours() {
    let text = "<config><Option type='Map'><Option name='Layer' value='a'/>\
                <Option name='LayerProviderName' value='postgres'/>\
                <Option name='LayerSource' value='s1'/><Option name='Description' value='no'/></Option></config>\
                <Option type='Map'><Option value='s2' name='ReferencedLayerDataSource'/>\
                <Option value='b' name='ReferencedLayerId'/>\
                <Option value='ogr' name='ReferencedLayerProviderKey'/></Option>";
    assert_eq!(
        places(text),
        [place("s1", "postgres", "a"), place("s2", "ogr", "b")]
    );
}

#[test]
fn custom_properties_and_variables_hold_anything() {
    let text = "<customproperties><Option type='Map'><Option name='remoteSource' value='dbname=1'/>\
                <Option name='x' type='StringList'><Option value='host=2'/><Option value='no'/></Option></Option>\
                <property key='remoteSource' value='dbname=3'/></customproperties>\
                <properties><Variables><variableNames type='QStringList'><value>dbname=no</value></variableNames>\
                <variableValues type='QStringList'><value>dbname=4</value><value/></variableValues></Variables>\
                <properties name='Variables'><properties name='variableValues'><value>service=5</value></properties>\
                </properties></properties>";
    assert_eq!(
        places(text),
        ["dbname=1", "host=2", "dbname=3", "dbname=4", "service=5"].map(|text| place(text, "", ""))
    );
}

#[test]
fn what_is_not_well_formed_is_told_with_its_line() {
    for (content, line) in [
        ("<qgis>\n<a>", 2),
        ("<qgis>\n<a></b></qgis>", 2),
        ("<qgis>\n<a b='1' b='2'/></qgis>", 2),
        ("<qgis>\n\n<a b='<'/></qgis>", 3),
        ("<qgis>\n<a b='&x;'/></qgis>", 2),
        ("<qgis>\n<a b=1/></qgis>", 2),
        ("<qgis>\n&x;</qgis>", 2),
        ("<qgis>\n& </qgis>", 2),
        ("<qgis/>\n<qgis/>", 2),
        ("<qgis/>\nmore", 1),
        ("<qgis>\n\u{1}</qgis>", 2),
        ("<qgis>\n<!-- a -- b --></qgis>", 2),
        ("<qgis>\n<![CDATA[ </qgis>", 2),
        ("<html/>", 1),
        ("", 1),
        ("dbname", 1),
    ] {
        let why = find(content).err().unwrap_or_default().to_string();
        assert!(
            why.starts_with(&format!("line {line}: ")),
            "{content}: {why}"
        );
    }
}

#[test]
fn entities_of_the_document_are_no_fault() {
    let text = "\u{feff}<?xml version='1.0'?><!DOCTYPE qgis [<!ENTITY own 'x'>]>\
                <qgis><a source='&own;'/><maplayer><datasource>&own;</datasource><id>a</id></maplayer>\
                <b source='s'/></qgis>";
    let found = find(text).unwrap();
    assert_eq!(found.places.len(), 1);
    assert_eq!(&text[found.places[0].range.clone()], "s");
}
