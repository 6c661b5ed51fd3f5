//! Lines on logarithmic scales.

use std::fmt::Write as _;

use crate::svg;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
/// Room around the lines: left, right (for their names), above, below.
const LEFT: f64 = 60.0;
const RIGHT: f64 = 270.0;
const ABOVE: f64 = 20.0;
const BELOW: f64 = 40.0;
const COLOURS: [&str; 8] = [
    "#27a", "#c63", "#2a7", "#a3a", "#777", "#b92", "#27b", "#933",
];

/// Points that belong together.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// The picture, as SVG; `by` says what grows from left to right.
pub(super) fn lines(by: &str, lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| &line.points);
    let across = Scale::of(all().map(|(x, _)| *x), [LEFT, WIDTH - RIGHT]);
    let up = Scale::of(all().map(|(_, y)| *y), [HEIGHT - BELOW, ABOVE]);
    let mut svg = svg::begin(WIDTH, HEIGHT);
    for power in up.powers() {
        let y = up.position(power);
        let colour = if power == 1.0 { "#444" } else { "#ccc" };
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{power}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
        );
    }
    for power in across.powers() {
        let x = across.position(power);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{ABOVE}\" y2=\"{:.1}\" stroke=\"#eee\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{power}</text>",
            HEIGHT - BELOW,
            HEIGHT - BELOW + 16.0,
        );
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{by}</text>",
        HEIGHT - 6.0
    );
    for ((number, line), colour) in lines.iter().enumerate().zip(COLOURS.iter().cycle()) {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", across.position(*x), up.position(*y)))
            .collect();
        let y = ABOVE + 10.0 + 20.0 * number as f64;
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>",
            points.join(" "),
            WIDTH - RIGHT + 12.0,
            svg::escaped(&line.name),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// From whole powers of ten to places in the picture.
struct Scale {
    powers: [i32; 2],
    places: [f64; 2],
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Self {
        let (low, high) = values
            .filter(|value| *value > 0.0)
            .map(f64::log10)
            .fold((0.0_f64, 0.0_f64), |(low, high), power| {
                (low.min(power), high.max(power))
            });
        let low = low.floor() as i32;
        let powers = [low, (high.ceil() as i32).max(low + 1)];
        Self { powers, places }
    }

    fn powers(&self) -> impl Iterator<Item = f64> {
        (self.powers[0]..=self.powers[1]).map(|power| 10_f64.powi(power))
    }

    fn position(&self, value: f64) -> f64 {
        let [low, high] = self.powers.map(f64::from);
        let part = (value.log10().clamp(low, high) - low) / (high - low);
        self.places[0] + part * (self.places[1] - self.places[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_hold_all_values_and_one() {
        let scale = Scale::of([2.0, 300.0].into_iter(), [0.0, 300.0]);
        assert_eq!(
            scale.powers().collect::<Vec<_>>(),
            [1.0, 10.0, 100.0, 1000.0]
        );
        assert_eq!(scale.position(1.0), 0.0);
        assert_eq!(scale.position(10.0), 100.0);
        assert_eq!(Scale::of(std::iter::empty(), [0.0, 1.0]).powers, [0, 1]);
    }

    #[test]
    fn each_line_has_its_name() {
        let line = Line {
            name: "cost < 1".to_owned(),
            points: vec![(1.0, 1.0), (10.0, 1.0)],
        };
        let svg = lines("partitions", &[line]);
        assert!(svg.contains(">cost &lt; 1</text>") && svg.contains(">partitions</text>"));
        assert!(svg.contains(&format!("{LEFT:.1},{:.1}", HEIGHT - BELOW)));
    }
}
