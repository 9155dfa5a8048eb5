//! The map: points of the changed features in a frame with coordinates and a scale bar, as SVG.

use maud::{Markup, html};

use super::value::coordinate;
use super::{Action, Layer, Map, Side, text};

/// The width of the picture; its height follows from what is to be seen.
const WIDTH: f64 = 640.0;
const HEIGHTS: (f64, f64) = (250.0, 560.0);

/// What is left around the points, and around the frame.
const MARGIN: f64 = 0.07;
const EDGE: [f64; 2] = [54.0, 26.0];

/// A rectangle in the units of the reference system, and how it becomes the picture.
struct View {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
    /// Units of the picture for one to the right, and one upwards.
    scale: [f64; 2],
    height: f64,
}

impl View {
    /// What shows all points, without one measure being longer than the other on the ground.
    fn new(map: &Map) -> Option<Self> {
        let points = || map.layers.iter().flat_map(|layer| &layer.points);
        let [mut left, mut bottom] = [f64::INFINITY; 2];
        let [mut right, mut top] = [f64::NEG_INFINITY; 2];
        for [x, y] in points() {
            (left, right) = (left.min(*x), right.max(*x));
            (bottom, top) = (bottom.min(*y), top.max(*y));
        }
        if !(right - left).is_finite() || !(top - bottom).is_finite() {
            return None;
        }
        let ratio = map.metres.map_or(1.0, |[x, y]| x / y);
        let ratio = if ratio.is_finite() {
            ratio.clamp(0.05, 20.0)
        } else {
            1.0
        };
        // One place, or some in a row, are shown with something around them.
        let least = match map.metres {
            Some([x, _]) if x > 0.0 => 50.0 / x,
            _ => left.abs().max(top.abs()).max(1.0) * 1e-4,
        };
        let (mut wide, mut high) = ((right - left).max(least), (top - bottom).max(least * ratio));
        wide *= 1.0 + 2.0 * MARGIN;
        high *= 1.0 + 2.0 * MARGIN;
        let inner = WIDTH - 2.0 * EDGE[0];
        let lowest = HEIGHTS.0 - 2.0 * EDGE[1];
        let highest = HEIGHTS.1 - 2.0 * EDGE[1];
        let x = (inner / wide).min(highest / (high / ratio));
        let scale = [x, x / ratio];
        let height = (high * scale[1]).clamp(lowest, highest);
        let (x, y) = (f64::midpoint(left, right), f64::midpoint(bottom, top));
        let (wide, high) = (inner / scale[0], height / scale[1]);
        Some(Self {
            left: x - wide / 2.0,
            right: x + wide / 2.0,
            top: y + high / 2.0,
            bottom: y - high / 2.0,
            scale,
            height: height + 2.0 * EDGE[1],
        })
    }

    fn x(&self, x: f64) -> f64 {
        EDGE[0] + (x - self.left) * self.scale[0]
    }

    fn y(&self, y: f64) -> f64 {
        EDGE[1] + (self.top - y) * self.scale[1]
    }

    fn shows(&self, [x, y]: [f64; 2]) -> bool {
        (self.left..=self.right).contains(&x) && (self.bottom..=self.top).contains(&y)
    }
}

/// The map, with what is to be said about it.
pub(super) fn figure(map: &Map) -> Markup {
    let placed: u64 = map
        .layers
        .iter()
        .map(|layer| layer.points.len() as u64)
        .sum();
    let left_out: u64 = map.left_out.iter().map(|(number, _)| number).sum();
    html! {
        figure.map {
            @if let Some(view) = View::new(map) {
                (picture(map, &view))
                (legend(map))
                figcaption {
                    (text::shows(placed, map.all.saturating_sub(left_out))) ". "
                    (extent(map, &view)) "."
                }
            }
            @for (number, system) in &map.left_out {
                p.note { (text::left_out(*number, system.as_deref().map(super::readable).as_deref())) }
            }
        }
    }
}

fn extent(map: &Map, view: &View) -> String {
    let system = map
        .system
        .as_ref()
        .map(|system| match system.name.is_empty() {
            true => super::readable(&system.code),
            false => super::readable(&format!("{} ({})", system.code, system.name)),
        });
    let [left, bottom, right, top] =
        [view.left, view.bottom, view.right, view.top].map(|value| nearly(value, view));
    text::extent(system, [&left, &bottom, &right, &top])
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

fn picture(map: &Map, view: &View) -> Markup {
    let (right, bottom) = (WIDTH - EDGE[0], view.height - EDGE[1]);
    let frame = format!(
        "M{:.0} {:.0}H{right:.0}V{bottom:.0}H{:.0}Z",
        EDGE[0], EDGE[1], EDGE[0]
    );
    let columns = ticks(view.left, view.right, 4);
    let rows = ticks(view.bottom, view.top, 3);
    let mut grid = String::new();
    for x in &columns {
        grid.push_str(&format!("M{:.1} {:.0}V{bottom:.0}", view.x(*x), EDGE[1]));
    }
    for y in &rows {
        grid.push_str(&format!("M{:.0} {:.1}H{right:.0}", EDGE[0], view.y(*y)));
    }
    let around = map.around.iter().filter(|point| view.shows(**point));
    let around: String = around
        .map(|[x, y]| format!("M{:.1} {:.1}h0", view.x(*x), view.y(*y)))
        .collect();
    html! {
        svg viewBox=(format!("0 0 {WIDTH:.0} {:.0}", view.height)) role="img" aria-label=(text::MAP_SPOKEN) {
            path.paper d=(frame) {}
            path.grid d=(grid) {}
            @for x in &columns {
                text x=(format!("{:.1}", view.x(*x))) y=(format!("{:.0}", bottom + 17.0)) text-anchor="middle" { (coordinate(*x)) }
            }
            @for y in &rows {
                text x=(format!("{:.0}", EDGE[0] - 6.0)) y=(format!("{:.1}", view.y(*y) + 4.0)) text-anchor="end" { (coordinate(*y)) }
            }
            @if !around.is_empty() {
                path.around d=(around) { title { (text::AROUND) } }
            }
            @for layer in &map.layers {
                path class=(class(layer.changed)) d=(marks(layer, view)) {
                    title { (super::readable(&layer.table)) ": " (text::happened(layer.action, layer.changed)) }
                }
            }
            (bar(map, view, bottom))
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
fn legend(map: &Map) -> Markup {
    let is = |changed, action| {
        let same = |layer: &Layer| layer.changed == changed && layer.action == action;
        map.layers.iter().any(same)
    };
    html! {
        div.legend {
            @for changed in [Side::Clone, Side::Central] {
                @if [Action::Insert, Action::Update, Action::Delete].iter().any(|action| is(changed, *action)) {
                    span.group {
                        b { (text::legend(changed)) }
                        @for action in [Action::Insert, Action::Update, Action::Delete] {
                            @if is(changed, action) {
                                span.key {
                                    svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" {
                                        path class=(class(changed)) d=(mark(action, 8.0, 8.0)) {}
                                    }
                                    (text::action(action))
                                }
                            }
                        }
                    }
                }
            }
            @if !map.around.is_empty() {
                span.key {
                    svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" { path.around d="M8 8h0" {} }
                    (text::AROUND)
                }
            }
        }
    }
}

/// A bar as long as a round number of metres or kilometres.
fn bar(map: &Map, view: &View, bottom: f64) -> Markup {
    let metres = map.metres.map(|[x, _]| x / view.scale[0]);
    let Some(metres) = metres.filter(|m| m.is_finite() && *m > 0.0) else {
        return html! {};
    };
    let length = round_down(metres * WIDTH / 4.0);
    let (x, y) = (EDGE[0] + 12.0, bottom - 12.0);
    let end = x + length / metres;
    let label = match length {
        l if l >= 1000.0 => format!("{} km", coordinate(l / 1000.0)),
        l if l >= 1.0 => format!("{} m", coordinate(l)),
        l => format!("{} cm", coordinate(l * 100.0)),
    };
    html! {
        path.bar d=(format!("M{x:.1} {:.1}V{y:.1}H{end:.1}V{:.1}", y - 5.0, y - 5.0)) {}
        text.scale x=(format!("{:.1}", f64::midpoint(x, end))) y=(format!("{:.1}", y - 7.0)) text-anchor="middle" { (label) }
    }
}

/// The largest of 1, 2 and 5 times a power of ten that is not above.
fn round_down(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [5.0, 2.0, 1.0];
    let step = steps.into_iter().find(|step| step * power <= value);
    step.unwrap_or(1.0) * power
}

/// Round values between two, about `count` of them.
fn ticks(from: f64, to: f64, count: u32) -> Vec<f64> {
    let step = round_down((to - from) / f64::from(count));
    let step = if (to - from) / step > f64::from(2 * count) {
        step * 2.0
    } else {
        step
    };
    if !step.is_finite() || step <= 0.0 {
        return Vec::new();
    }
    let first = (from / step).ceil();
    let ticks = (0..10).map(|number| (first + f64::from(number)) * step);
    // Values that differ by less than their last digit cannot be told apart.
    let ticks = ticks.take_while(|value| *value <= to);
    ticks
        .filter(|value| (value + step).to_bits() != value.to_bits())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let picture = figure(&map).into_string();
            assert!(
                !picture.contains("NaN") && !picture.contains("inf"),
                "{picture}"
            );
        }
        assert!(View::new(&map(&[], None)).is_none());
    }

    #[test]
    fn round_numbers() {
        assert_eq!(
            [round_down(7.0), round_down(0.23), round_down(100.0)],
            [5.0, 0.2, 100.0]
        );
        assert_eq!(ticks(0.0, 10.0, 4), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!(ticks(0.0, 0.0, 4).is_empty());
    }
}
