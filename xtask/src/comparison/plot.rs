//! The ratios as a picture: a bar for each figure on a logarithmic scale, with a mark where its target is.

use std::fmt::Write as _;

use crate::svg;

const LINE_HEIGHT: usize = 22;
const NAMES_WIDTH: f64 = 420.0;
const BARS_WIDTH: f64 = 480.0;
/// The ratios at both ends of the scale.
const SCALE: [f64; 2] = [0.01, 10.0];

/// A figure.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) ratio: f64,
    pub(super) limit: Option<f64>,
    /// `None` if nothing can be said.
    pub(super) is_met: Option<bool>,
}

/// The picture, as SVG.
pub(super) fn ratios(bars: &[Bar]) -> String {
    let height = (bars.len() + 2) * LINE_HEIGHT;
    let width = NAMES_WIDTH + BARS_WIDTH + 80.0;
    let mut svg = svg::begin(width, height as f64);
    for ratio in [0.01, 0.1, 1.0, 10.0] {
        let x = position(ratio);
        let colour = if ratio == 1.0 { "#444" } else { "#ccc" };
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{LINE_HEIGHT}\" y2=\"{height}\" stroke=\"{colour}\"/>\
             <text x=\"{x:.1}\" y=\"14\" text-anchor=\"middle\">{ratio}</text>"
        );
    }
    let one = position(1.0);
    for (number, bar) in bars.iter().enumerate() {
        let y = (number + 1) * LINE_HEIGHT + 4;
        let x = position(bar.ratio);
        let (from, to) = (x.min(one), x.max(one));
        let colour = match bar.is_met {
            Some(true) => "#2a7",
            Some(false) => "#c63",
            None => "#999",
        };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{from:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"14\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{}\">{:.3}</text>",
            NAMES_WIDTH - 8.0,
            y + 11,
            svg::escaped(&bar.name),
            to - from,
            NAMES_WIDTH + BARS_WIDTH + 8.0,
            y + 11,
            bar.ratio,
        );
        if let Some(limit) = bar.limit.map(position) {
            let _ = writeln!(
                svg,
                "<line x1=\"{limit:.1}\" x2=\"{limit:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"black\" stroke-width=\"2\"/>",
                y - 2,
                y + 16,
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where a ratio is on the scale.
fn position(ratio: f64) -> f64 {
    let [low, high] = SCALE;
    let part = (ratio.clamp(low, high) / low).ln() / (high / low).ln();
    NAMES_WIDTH + part * BARS_WIDTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_logarithmic_and_ends() {
        assert_eq!(position(0.01), NAMES_WIDTH);
        assert_eq!(position(10.0), NAMES_WIDTH + BARS_WIDTH);
        assert_eq!(position(1000.0), position(10.0));
        let third = position(0.1) - position(0.01);
        assert!((position(1.0) - position(0.1) - third).abs() < 1e-9);
    }

    #[test]
    fn names_are_text() {
        let bar = Bar {
            name: "a<b & c".to_owned(),
            ratio: 0.5,
            limit: Some(0.4),
            is_met: Some(false),
        };
        assert!(ratios(&[bar]).contains(">a&lt;b &amp; c<"));
    }
}
