//! The types: how PostgreSQL makes random values of each, and values that are special of their own.

/// A column of the table of values.
pub struct Column {
    pub name: &'static str,
    pub kind: &'static str,
    /// An SQL expression of a random value.
    random: &'static str,
    /// Special values, as text.
    pub edges: &'static [&'static str],
}

impl Column {
    /// An SQL expression of a random or of a special value, volatile.
    pub fn value(&self) -> String {
        if self.edges.is_empty() {
            return format!("({})::{}", self.random, self.kind);
        }
        let edges: Vec<String> = self.edges.iter().map(|edge| literal(edge)).collect();
        format!(
            "CASE WHEN random() < 0.3 THEN (ARRAY[{}]::text[])[made.int(1, {})]::{2} ELSE ({3})::{2} END",
            edges.join(", "),
            edges.len(),
            self.kind,
            self.random
        )
    }

    pub fn edge(&self, number: usize) -> String {
        format!("{}::{}", literal(self.edges[number]), self.kind)
    }
}

/// Edges and SQL hold under standard_conforming_strings = off too: backslashes are written as E'…'.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Types and generators.
pub const PREPARE: &str = include_str!("prepare.sql");

const fn column(
    name: &'static str,
    kind: &'static str,
    random: &'static str,
    edges: &'static [&'static str],
) -> Column {
    Column {
        name,
        kind,
        random,
        edges,
    }
}

const SIZE: &str = "ROW(made.float(), made.text(9), made.moment(), ROW(made.number(), made.text(5))::gis.inner_type, ARRAY[made.int(0, 9)::int, NULL], made.bytes(5), NULL)::gis.size";

/// The columns for a server of this version (150004 is 15.4).
#[rustfmt::skip] // One line each.
pub fn columns(version: u32) -> Vec<Column> {
    let mut all = vec![
        column("c_int2", "int2", "made.int(-32768, 32767)", &["-32768", "32767", "0"]),
        column("c_int4", "int4", "made.int(-2147483648, 2147483647)", &["-2147483648", "2147483647"]),
        column("c_int8", "int8", "made.int(-9000000000000000, 9000000000000000)", &["-9223372036854775808", "9223372036854775807"]),
        column("c_numeric", "numeric", "made.number()", &["NaN", "0", "0.000", "-0.00", "1e1000", "1e-1000", "1.10", "99999999999999999999.99999999999999999999"]),
        column("c_scaled", "numeric(20, 5)", "random() * 1e9", &["NaN", "1.5", "-0.00001"]),
        column("c_float4", "float4", "random() * 1e9 - 5e8", &["NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "0.1"]),
        column("c_float8", "float8", "made.float()", &["NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "0.1", "0.30000000000000004"]),
        column("c_money", "money", "made.int(-100000, 100000)", &["-92233720368547758.08", "92233720368547758.07", "0.01"]),
        column("c_bool", "boolean", "random() < 0.5", &["t", "f"]),
        column("c_text", "text", "made.text(30)", &["", "NULL", "null", " ", "\\N", "\\", "a\\\"b'c", "\n", "\r\n", "=>", "\"a\"=>\"b\"", "{}", "%s%I", "é木🌳", "\u{1}", "a\tb", "\\x41", "::text"]),
        column("c_varchar", "varchar(12)", "left(made.text(12), 12)", &["", "            ", "NULL"]),
        column("c_char", "char(9)", "left(made.text(9), 9)", &["", "a  ", "  a"]),
        column("c_char1", "\"char\"", "chr(made.int(1, 126)::int)", &["", "a"]),
        column("c_name", "name", "left(made.text(15), 15)", &["", "a\"b"]),
        column("c_citext", "public.citext", "made.text(15)", &["", "ÀB", "àb"]),
        column("c_bytea", "bytea", "made.bytes(40)", &["", "\\x00", "\\x5c27", "\\xff00ff"]),
        column("c_bit", "bit(11)", "made.bits(11, 11)", &["00000000000", "10000000001"]),
        column("c_varbit", "varbit", "made.bits(0, 99)", &["", "1"]),
        column("c_date", "date", "made.moment()", &["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "0001-12-31 BC", "1900-02-28"]),
        column("c_time", "time", "made.moment()", &["00:00", "24:00:00", "23:59:59.999999"]),
        column("c_timetz", "timetz", "made.moment() AT TIME ZONE 'Asia/Kathmandu'", &["00:00:00+15:59", "24:00:00-15:59", "12:00:00.000001+05:53:28"]),
        column("c_timestamp", "timestamp", "made.moment()", &["infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "0044-03-15 12:00 BC"]),
        column("c_timestamptz", "timestamptz", "made.moment()", &["infinity", "-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "1890-01-01 00:00:00+00", "2026-10-25 02:30:00+02"]),
        column("c_scaled_time", "timestamptz(2)", "made.moment()", &["2026-01-01 00:00:00.999+00"]),
        column("c_interval", "interval", "made.span()", &["-178000000 years", "178000000 years", "1 mon -1 day 00:00:00.000001", "-1 mon +1 day -00:00:01", "0"]),
        column("c_uuid", "uuid", "md5(random()::text)", &["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
        column("c_json", "json", "made.doc()", &["null", "\"\"", "{\"a\" :  1, \"a\": 2.00}", "[1e400, \"\\u00e9\\n\\\\\"]", "[]"]),
        column("c_jsonb", "jsonb", "made.doc()", &["null", "\"\"", "1.500", "[1e400, \"\\u00e9\\n\\\\\"]", "{}"]),
        column("c_jsonpath", "jsonpath", "'$.a[' || made.int(0, 9) || ']'", &["$.\"a b\" ? (@ > 1.50)"]),
        column("c_hstore", "public.hstore", "public.hstore(ARRAY[made.text(5), 'x'], ARRAY[made.text(5), NULL])", &["", "NULL=>NULL", "\"a\\\\\"=>\"\\\"\""]),
        column("c_xml", "xml", "XMLELEMENT(NAME a, XMLATTRIBUTES(made.int(0, 9) AS n), translate(md5(random()::text), '0', 'é'))", &["<a/>", "<a b=\"1&amp;2\">é<!-- c --><![CDATA[<x>]]></a>"]),
        column("c_tsvector", "tsvector", "to_tsvector('simple', translate(made.text(30), E'\\x01', ' '))", &["", "'it''s':1A,2B 'b\\\\c':3", "a b c"]),
        column("c_tsquery", "tsquery", "plainto_tsquery('simple', made.text(20))", &["", "'it''s' & !'b\\\\c':*AB | c <2> d"]),
        column("c_inet", "inet", "('10.0.0.0'::inet + made.int(0, 999999))", &["10.1.2.3/8", "::ffff:1.2.3.4/96", "::"]),
        column("c_cidr", "cidr", "set_masklen('10.0.0.0'::cidr, made.int(8, 32)::int)", &["10.0.0.0/8", "::/0"]),
        column("c_macaddr", "macaddr", "left(md5(random()::text), 12)", &["00:00:00:00:00:00"]),
        column("c_macaddr8", "macaddr8", "left(md5(random()::text), 16)", &["ff:ff:ff:ff:ff:ff:ff:ff"]),
        column("c_point", "point", "point(made.float(), made.float())", &["(NaN,Infinity)", "(-0,0.1)"]),
        column("c_line", "line", "line(point(random(), random()), point(random() + 2, random()))", &["{1,-1,0.1}"]),
        column("c_lseg", "lseg", "lseg(point(random(), random()), point(random(), random()))", &["[(0,0),(0,0)]"]),
        column("c_box", "box", "box(point(random(), random()), point(random(), random()))", &["(1,1),(0,0)"]),
        column("c_path", "path", "path(polygon(made.int(3, 6)::int, circle(point(0, 0), random())))", &["[(0,0),(1,1.1)]", "((0,0),(1,1.1))"]),
        column("c_polygon", "polygon", "polygon(made.int(3, 6)::int, circle(point(0, 0), random()))", &["((0,0))"]),
        column("c_circle", "circle", "circle(point(random(), random()), random())", &["<(0,0),0>"]),
        column("c_lsn", "pg_lsn", "'0/0'::pg_lsn + made.int(0, 99999)", &["FFFFFFFF/FFFFFFFF"]),
        column("c_snapshot", "txid_snapshot", "txid_current_snapshot()", &["10:20:10,14,15"]),
        column("c_oid", "oid", "made.int(0, 4294967295)", &["4294967295"]),
        column("c_regtype", "regtype", "(ARRAY['gis.state', 'integer', 'gis.size'])[made.int(1, 3)]::regtype", &["timestamptz"]),
        column("c_tid", "tid", "'(' || made.int(0, 999) || ',' || made.int(0, 99) || ')'", &["(4294967295,65535)"]),
        column("c_enum", "gis.state", "(enum_range(NULL::gis.state))[made.int(1, 6)]", &["NULL", "", "it's", "a \"b\""]),
        column("c_domain", "gis.code", "left(made.text(20), 39)", &["", "NULL"]),
        column("c_small", "gis.small", "random() * 1000", &["NaN", "-999.999"]),
        column("c_ints", "int[]", "ARRAY[made.int(0, 9), NULL, made.int(0, 99)]", &["{}", "[2:3]={1,2}", "[-1:0][5:5]={{1},{NULL}}"]),
        column("c_texts", "text[]", "ARRAY[[made.text(5), NULL], [made.text(5), 'NULL']]", &["{}", "{\"\",NULL,\"NULL\",\"a\\\\\\\"b\",\"{\"}", "{{a,b},{c,d}}"]),
        column("c_cube", "numeric[]", "ARRAY[[[made.number(), 1.50]], [[NULL, made.number()]]]", &["{NaN,0.0}"]),
        column("c_states", "gis.state[]", "ARRAY['a \"b\"', 'NULL', NULL, '']::gis.state[]", &["{\"\",plain}"]),
        column("c_codes", "gis.code[]", "ARRAY[left(made.text(9), 39), NULL]", &["{}"]),
        column("c_size", "gis.size", SIZE, &["(,,,,,,)", "(NaN,\"\",infinity,\"(1.50,\"\"a\\\\\\\\b\"\")\",\"{1,2}\",\"\\\\x00\",\"it's\")"]),
        column("c_size_domain", "gis.size_domain", SIZE, &[]),
        column("c_sizes", "gis.size[]", "ARRAY[ROW(1, made.text(5), made.moment(), NULL, NULL, NULL, NULL)::gis.size, NULL]", &["{}"]),
        column("c_int4range", "int4range", "int4range(made.int(0, 9)::int, made.int(9, 99)::int, '[]')", &["empty", "(,)", "[1,)", "(,5]"]),
        column("c_numrange", "numrange", "numrange(made.int(0, 9) + 0.50, 10.00)", &["empty", "(,1.50]", "[NaN,NaN]"]),
        column("c_tstzrange", "tstzrange", "tstzrange(made.moment(), NULL)", &["[-infinity,infinity]", "empty"]),
        column("c_daterange", "daterange", "daterange(made.moment()::date, NULL, '(]')", &["[,4713-01-01 BC]"]),
        column("c_floats", "gis.floats", "gis.floats(random(), 2)", &["(0.1,0.30000000000000004]"]),
        column("c_ltree", "public.ltree", "'a' || made.int(0, 99) || '.b'", &["", "Top.Science"]),
        column("c_point_n", "public.cube", "public.cube(random(), random() + 1)", &["(0.1,0.2),(0.3,0.30000000000000004)"]),
    ];
    if version >= 130_000 {
        all.push(column("c_xid8", "xid8", "made.int(0, 99999)::text", &["18446744073709551615"]));
    }
    if version >= 140_000 {
        all.extend([
            column("c_infinite", "numeric", "made.number()", &["Infinity", "-Infinity"]),
            column("c_multirange", "int4multirange", "int4multirange(int4range(1, 3), int4range(made.int(5, 8)::int, 9))", &["{}", "{(,1),[5,)}"]),
            column("c_tstzmultirange", "tstzmultirange", "tstzmultirange(tstzrange(made.moment(), NULL))", &["{[-infinity,infinity]}"]),
        ]);
    }
    all
}
