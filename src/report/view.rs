//! The part of the world that a map shows, and how it becomes a picture.

use super::Map;

/// The width of the picture; its height follows from what is to be seen.
pub(super) const WIDTH: f64 = 640.0;
pub(super) const HEIGHTS: (f64, f64) = (250.0, 560.0);

/// What is left around the points, as a part of what they take; around the frame, and for the numbers below it.
pub(super) const MARGIN: f64 = 0.07;
pub(super) const EDGE: f64 = 1.0;
pub(super) const BELOW: f64 = 26.0;

/// Ticks that are nearer to the frame have no number.
pub(super) const ROOM: f64 = 34.0;

/// A rectangle in the units of the reference system, and how it becomes the picture.
pub(super) struct View {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
    /// Units of the picture for one to the right, and one upwards.
    pub(super) scale: [f64; 2],
    pub(super) height: f64,
}

impl View {
    /// What shows all points, without one measure being longer than the other on the ground.
    pub(super) fn new(map: &Map) -> Option<Self> {
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
        let inner = WIDTH - 2.0 * EDGE;
        let lowest = HEIGHTS.0 - EDGE - BELOW;
        let highest = HEIGHTS.1 - EDGE - BELOW;
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
            height: height + EDGE + BELOW,
        })
    }

    /// The place of a coordinate in the picture.
    pub(super) fn x(&self, x: f64) -> f64 {
        EDGE + (x - self.left) * self.scale[0]
    }

    /// See [`x`](Self::x).
    pub(super) fn y(&self, y: f64) -> f64 {
        EDGE + (self.top - y) * self.scale[1]
    }

    /// Whether a point is in it.
    pub(super) fn shows(&self, [x, y]: [f64; 2]) -> bool {
        (self.left..=self.right).contains(&x) && (self.bottom..=self.top).contains(&y)
    }
}

/// The largest of 1, 2 and 5 times a power of ten that is not above.
pub(super) fn round_down(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let steps = [5.0, 2.0, 1.0];
    let step = steps.into_iter().find(|step| step * power <= value);
    step.unwrap_or(1.0) * power
}

/// Round values between two, about `count` of them.
pub(super) fn ticks(from: f64, to: f64, count: u32) -> Vec<f64> {
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
