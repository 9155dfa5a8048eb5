//! What a geometry of PostGIS is, in words.

/// Bytes of a geometry that are enough to find its first point, as hexadecimal digits.
const BEGINNING: usize = 400;

/// A geometry in words, from its EWKB in hexadecimal digits: all of a point, else its kind and where it
/// begins. None where it is something else.
pub(super) fn geometry(hex: &str) -> Option<String> {
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks_exact(2)
        .take(BEGINNING)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect::<Option<_>>()?;
    let mut reader = Reader {
        bytes: &bytes,
        at: 0,
    };
    let (kind, srid) = reader.header()?;
    let name = NAMES.get(usize::try_from(kind).ok()?).copied().flatten()?;
    let start = reader.first_point(kind);
    let system = srid.map_or_else(String::new, |srid| format!(" EPSG:{srid}"));
    Some(match start {
        None => format!("{name} EMPTY{system}"),
        Some([x, y]) if kind == 1 => {
            format!("{name} ({} {}){system}", coordinate(x), coordinate(y))
        }
        Some([x, y]) => format!("{name} ({} {} …){system}", coordinate(x), coordinate(y)),
    })
}

/// A coordinate in no more digits than mean something: a millimetre, or its like in degrees.
pub(super) fn coordinate(value: f64) -> String {
    let digits = if value.abs() < 1000.0 { 6 } else { 2 };
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Kinds of geometries by their number in WKB.
const NAMES: [Option<&str>; 18] = [
    None,
    Some("POINT"),
    Some("LINESTRING"),
    Some("POLYGON"),
    Some("MULTIPOINT"),
    Some("MULTILINESTRING"),
    Some("MULTIPOLYGON"),
    Some("GEOMETRYCOLLECTION"),
    Some("CIRCULARSTRING"),
    Some("COMPOUNDCURVE"),
    Some("CURVEPOLYGON"),
    Some("MULTICURVE"),
    Some("MULTISURFACE"),
    Some("CURVE"),
    Some("SURFACE"),
    Some("POLYHEDRALSURFACE"),
    Some("TIN"),
    Some("TRIANGLE"),
];

/// Reads the beginning of an EWKB.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let part = self.bytes.get(self.at..self.at + N)?;
        self.at += N;
        part.try_into().ok()
    }

    /// Byte order, kind and SRID. What follows is read in the same order: PostGIS writes one throughout.
    fn header(&mut self) -> Option<(u32, Option<u32>)> {
        let [order] = self.take()?;
        // PostgreSQL writes the order of its own machine, which is this one nowadays.
        if order != 1 {
            return None;
        }
        let flags = u32::from_le_bytes(self.take()?);
        let srid = match flags & 0x2000_0000 {
            0 => None,
            _ => Some(u32::from_le_bytes(self.take()?)),
        };
        Some((flags & 0xff, srid))
    }

    /// The first point of a geometry of that kind, whose header was read.
    fn first_point(&mut self, kind: u32) -> Option<[f64; 2]> {
        let number = |reader: &mut Self| reader.take().map(u32::from_le_bytes);
        match kind {
            1 => {}
            2 | 8 => {
                number(self).filter(|points| *points > 0)?;
            }
            3 | 17 => {
                number(self).filter(|rings| *rings > 0)?;
                number(self).filter(|points| *points > 0)?;
            }
            _ => {
                number(self).filter(|parts| *parts > 0)?;
                let (kind, _) = self.header()?;
                return self.first_point(kind);
            }
        }
        let (x, y) = (
            f64::from_le_bytes(self.take()?),
            f64::from_le_bytes(self.take()?),
        );
        (x.is_finite() && y.is_finite()).then_some([x, y])
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::{Kind, shown};
    use super::*;

    #[test]
    fn geometries_are_described() {
        let point = "0101000020E6100000D0D556EC2F830F40A167B3EA73CD4540";
        assert_eq!(
            geometry(point).unwrap(),
            "POINT (3.939056 43.605100) EPSG:4326".replace("00)", ")")
        );
        let empty = "0101000000000000000000F87F000000000000F87F";
        assert_eq!(geometry(empty).unwrap(), "POINT EMPTY");
        let polygon =
            "0106000000010000000103000000010000000400000000000000000000000000000000000000";
        assert_eq!(geometry(polygon).unwrap(), "MULTIPOLYGON (0 0 …)");
        for odd in [
            "",
            "zz",
            "01",
            "é",
            "0101000020E610",
            "00000000013FF0000000000000",
        ] {
            let _ = geometry(odd);
            let _ = shown(Some(odd), odd.len() as u64, Kind::Geometry);
        }
    }

    #[test]
    fn nested_rubbish_ends() {
        let nested =
            "01070000000100000001".to_owned() + &"07000000010000000107000000010000000".repeat(90);
        let _ = geometry(&nested);
    }
}
