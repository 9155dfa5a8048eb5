//! The map: points of the changed features in a frame with coordinates and a scale bar, as SVG.

use maud::{Markup, html};

use super::geometry::coordinate;
use super::view::{BELOW, EDGE, ROOM, View, WIDTH, round_down, ticks};
use super::words::Words;
use super::{Action, Layer, Map, Side, text};
use crate::text::Text;

/// The map, with what is to be said about it.
pub(super) fn figure(map: &Map, words: Words) -> Markup {
    let placed: u64 = map
        .layers
        .iter()
        .map(|layer| layer.points.len() as u64)
        .sum();
    let left_out: u64 = map.left_out.iter().map(|(number, _)| number).sum();
    html! {
        figure.map {
            @if let Some(view) = View::new(map) {
                (picture(map, &view, words))
                (legend(map, words))
                figcaption {
                    (words.say(Text::sentences([
                        text::shows(placed, map.all.saturating_sub(left_out)),
                        extent(map, &view),
                    ])))
                }
            }
            @for (number, system) in &map.left_out {
                p.note { (words.say(text::left_out(*number, system.as_deref().map(super::readable).as_deref()))) }
            }
        }
    }
}

fn extent(map: &Map, view: &View) -> Text {
    let system = map
        .system
        .as_ref()
        .map(|system| match system.name.is_empty() {
            true => super::readable(&system.code),
            false => super::readable(&format!("{} ({})", system.code, system.name)),
        });
    let extent = [view.left, view.bottom, view.right, view.top];
    text::extent(system, extent.map(|value| nearly(value, view)))
}

/// A coordinate, in the way of the language.
fn place(value: f64) -> Text {
    Text::with_point(&coordinate(value))
}

/// A coordinate in as many digits as the view needs.
fn nearly(value: f64, view: &View) -> String {
    let digits = ((view.right - view.left) / 500.0).log10().floor();
    if digits >= 0.0 {
        return format!("{value:.0}");
    }
    let digits = (-digits).min(9.0) as usize;
    format!("{value:.digits$}")
}

fn picture(map: &Map, view: &View, words: Words) -> Markup {
    let (right, bottom) = (WIDTH - EDGE, view.height - BELOW);
    let frame = format!("M{EDGE} {EDGE}H{right:.0}V{bottom:.1}H{EDGE}Z");
    let columns = ticks(view.left, view.right, 4);
    let rows = ticks(view.bottom, view.top, 3);
    let mut grid = String::new();
    for x in &columns {
        grid.push_str(&format!("M{:.1} {EDGE}V{bottom:.1}", view.x(*x)));
    }
    for y in &rows {
        grid.push_str(&format!("M{EDGE} {:.1}H{right:.0}", view.y(*y)));
    }
    let around = map.around.iter().filter(|point| view.shows(**point));
    let around: String = around
        .map(|[x, y]| format!("M{:.1} {:.1}h0", view.x(*x), view.y(*y)))
        .collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH:.0} {:.0}", view.height)) role="img" aria-label=(words.say(text::map_spoken())) {
            path.paper d=(frame) {}
            path.grid d=(grid) {}
            @for x in columns.iter().filter(|x| (ROOM..=WIDTH - ROOM).contains(&view.x(**x))) {
                text x=(format!("{:.1}", view.x(*x))) y=(format!("{:.1}", bottom + 19.0)) text-anchor="middle" { (words.say(place(*x))) }
            }
            @if !around.is_empty() {
                path.around d=(around) { title { (words.say(text::around())) } }
            }
            @for layer in &map.layers {
                path class=(class(layer.changed)) d=(marks(layer, view)) {
                    title { (words.say(text::happened(&super::readable(&layer.table), layer.action, layer.changed))) }
                }
            }
            // On top, so that they can be read among many points.
            @for y in rows.iter().filter(|y| (ROOM..=bottom - ROOM / 4.0).contains(&view.y(**y))) {
                text.inside x="6" y=(format!("{:.1}", view.y(*y) - 4.0)) { (words.say(place(*y))) }
            }
            (bar(map, view, bottom, words))
            path.frame d=(frame) {}
        }
    }
}

/// The points of a layer: triangles for new features, circles for changed ones, crosses for those that are
/// gone.
fn marks(layer: &Layer, view: &View) -> String {
    let points = layer.points.iter();
    points
        .map(|[x, y]| mark(layer.action, view.x(*x), view.y(*y)))
        .collect()
}

fn mark(action: Action, x: f64, y: f64) -> String {
    match action {
        Action::Update => format!("M{:.1} {y:.1}a5 5 0 1 0 10 0a5 5 0 1 0-10 0", x - 5.0),
        Action::Insert => format!("M{x:.1} {:.1}l6.2 10.6h-12.4z", y - 6.6),
        Action::Delete => {
            let (x, y) = (x - 5.5, y - 3.5);
            format!(
                "M{x:.1} {y:.1}l2-2 3.5 3.5 3.5-3.5 2 2-3.5 3.5 3.5 3.5-2 2-3.5-3.5-3.5 3.5-2-2 3.5-3.5z"
            )
        }
    }
}

fn class(changed: Side) -> &'static str {
    match changed {
        Side::Clone => "to-clone",
        Side::Central => "to-central",
    }
}

/// What the colours and the shapes mean; only those that there are.
fn legend(map: &Map, words: Words) -> Markup {
    let is = |changed, action| {
        let same = |layer: &Layer| layer.changed == changed && layer.action == action;
        map.layers.iter().any(same)
    };
    html! {
        div.legend {
            @for changed in [Side::Clone, Side::Central] {
                @if [Action::Insert, Action::Update, Action::Delete].iter().any(|action| is(changed, *action)) {
                    span.group {
                        b { (words.say(text::legend(changed))) }
                        @for action in [Action::Insert, Action::Update, Action::Delete] {
                            @if is(changed, action) {
                                span.key {
                                    svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" {
                                        path class=(class(changed)) d=(mark(action, 8.0, 8.0)) {}
                                    }
                                    (words.say(text::action(action)))
                                }
                            }
                        }
                    }
                }
            }
            @if !map.around.is_empty() {
                span.key {
                    svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" { path.around d="M8 8h0" {} }
                    (words.say(text::around()))
                }
            }
        }
    }
}

/// A bar as long as a round number of metres or kilometres.
fn bar(map: &Map, view: &View, bottom: f64, words: Words) -> Markup {
    let metres = map.metres.map(|[x, _]| x / view.scale[0]);
    let Some(metres) = metres.filter(|m| m.is_finite() && *m > 0.0) else {
        return html! {};
    };
    let length = round_down(metres * WIDTH / 4.0);
    let (end, y) = (WIDTH - EDGE - 14.0, bottom - 12.0);
    let x = end - length / metres;
    let (label, unit) = match length {
        l if l >= 1000.0 => (l / 1000.0, "km"),
        l if l >= 1.0 => (l, "m"),
        l => (l * 100.0, "cm"),
    };
    let label = format!("{} {unit}", words.say(place(label)));
    html! {
        path.bar d=(format!("M{x:.1} {:.1}V{y:.1}H{end:.1}V{:.1}", y - 5.0, y - 5.0)) {}
        text.inside.scale x=(format!("{:.1}", f64::midpoint(x, end))) y=(format!("{:.1}", y - 7.0)) text-anchor="middle" { (label) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::HEIGHTS;
    use super::*;
    use crate::language::Language;

    fn map(points: &[[f64; 2]], metres: Option<[f64; 2]>) -> Map {
        Map {
            layers: vec![Layer {
                table: "gis.t".into(),
                changed: Side::Clone,
                action: Action::Update,
                points: points.to_vec(),
            }],
            metres,
            all: points.len() as u64,
            ..Map::default()
        }
    }

    #[test]
    fn a_view_holds_all_points() {
        for (points, metres) in [
            (vec![[0.0, 0.0]], None),
            (vec![[652_301.2, 6_861_234.9]], Some([1.0, 1.0])),
            (
                vec![[-180.0, -90.0], [180.0, 90.0]],
                Some([111_319.0, 110_574.0]),
            ),
            (
                vec![[10.0, 80.0], [20.0, 80.0]],
                Some([19_393.0, 111_660.0]),
            ),
            (vec![[1e300, 0.0], [-1e300, 1.0]], None),
            (vec![[5.0, 0.0], [5.0, 1e9]], Some([1.0, 1.0])),
        ] {
            let map = map(&points, metres);
            let view = View::new(&map).unwrap();
            assert!(
                view.height.is_finite() && view.height <= HEIGHTS.1 + 1.0,
                "{points:?}"
            );
            for [x, y] in points {
                assert!(
                    (0.0..=WIDTH).contains(&view.x(x)) && (0.0..=view.height).contains(&view.y(y)),
                    "{x} {y}"
                );
            }
            let picture = figure(&map, Words::new(Language::ENGLISH)).into_string();
            assert!(
                !picture.contains("NaN") && !picture.contains("inf"),
                "{picture}"
            );
        }
        assert!(View::new(&map(&[], None)).is_none());
    }
}
