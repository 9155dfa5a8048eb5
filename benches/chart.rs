//! Charts as SVG, both axes logarithmic.

use plotters::prelude::*;

/// One line of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub name: &'a str,
    /// x and y.
    pub points: &'a [(f64, f64)],
}

impl<'a> Line<'a> {
    pub fn new(name: &'a str, points: &'a [(f64, f64)]) -> Self {
        Self { name, points }
    }
}

/// A chart of lines over the same places.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    pub lines: &'a [Line<'a>],
}

const COLOURS: [RGBColor; 2] = [RGBColor(0x1f, 0x5a, 0xa8), RGBColor(0xc8, 0x5a, 0x11)];

impl Chart<'_> {
    /// Draws it to a file.
    pub fn draw(&self, path: &str) {
        let all = || self.lines.iter().flat_map(|line| line.points);
        let range = |values: Vec<f64>| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            (least, most)
        };
        let (left, right) = range(all().map(|point| point.0).collect());
        let (low, high) = range(all().map(|point| point.1).collect());
        let root = SVGBackend::new(path, (760, 460)).into_drawing_area();
        root.fill(&WHITE).unwrap();
        let mut chart = ChartBuilder::on(&root)
            .caption(self.title, ("sans-serif", 20))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(
                (left..right * 1.3).log_scale(),
                // From 10 on, so that little differences look little.
                ((low / 1.5).min(10.0)..high * 3.0).log_scale(),
            )
            .unwrap();
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 14))
            .light_line_style(WHITE)
            .x_label_formatter(&plain)
            .y_label_formatter(&plain)
            .draw()
            .unwrap();
        for (line, colour) in self.lines.iter().zip(COLOURS) {
            let points = line.points.iter().copied();
            chart
                .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))
                .unwrap()
                .label(line.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2))
                });
            chart
                .draw_series(points.map(|point| Circle::new(point, 3, colour.filled())))
                .unwrap();
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(("sans-serif", 13))
            .background_style(WHITE)
            .border_style(RGBColor(0xcc, 0xcc, 0xcc))
            .draw()
            .unwrap();
        root.present().unwrap();
    }
}

/// With thousands apart.
fn plain(value: &f64) -> String {
    let digits = format!("{value:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}
