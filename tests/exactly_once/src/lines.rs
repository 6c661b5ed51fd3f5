//! Numbered lines, and whether each of them has come through, once and in order.

use std::collections::BTreeSet;

use sim::Dice;

/// The most lines that are written at a time.
const PORTION_LINES_MAX: u64 = 40;

/// Lines that begin with their number, which is what they are known by.
#[derive(Debug)]
pub(crate) struct Lines {
    dice: Dice,
    lines: Vec<String>,
}

impl Lines {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            lines: Vec::new(),
        }
    }

    /// Some more lines.
    pub(crate) fn portion(&mut self) -> String {
        let lines = 1 + self.dice.below(PORTION_LINES_MAX);
        (0..lines).map(|_| self.line()).collect()
    }

    /// The next line, with its end.
    fn line(&mut self) -> String {
        let filler = "abcdefghijklmnopqrstuvwxyz ".repeat(8);
        let length = self.dice.index(filler.len());
        let line = format!("{} {}|", self.lines.len(), &filler[..length]);
        self.lines.push(line.clone());
        line + "\n"
    }

    /// All so far, without their ends.
    pub(crate) fn all(&self) -> &[String] {
        &self.lines
    }
}

/// How lines that have arrived differ from those that were written, a sentence for each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    /// Lines that have arrived for the first time after a later one has.
    pub disordered: Vec<String>,
    /// Lines that nobody wrote.
    pub invented: Vec<String>,
}

/// Judges what has arrived.
pub(crate) fn judge(written: &[String], arrived: &[String]) -> Judgement {
    let mut judgement = Judgement::default();
    let mut seen = BTreeSet::<usize>::new();
    for (place, line) in arrived.iter().enumerate() {
        let number = line.split(' ').next().and_then(|word| word.parse().ok());
        let Some(number) = number.filter(|number| written.get(*number) == Some(line)) else {
            let invented = format!("place {place} has what nobody wrote: {line:.80}");
            judgement.invented.push(invented);
            continue;
        };
        let highest = seen.last().copied();
        if !seen.insert(number) {
            let doubled = format!("line {number} is there again at place {place}");
            judgement.doubled.push(doubled);
        } else if highest.is_some_and(|highest| highest > number) {
            let disordered = format!("line {number} comes late, at place {place}");
            judgement.disordered.push(disordered);
        }
    }
    let lost = (0..written.len()).filter(|number| !seen.contains(number));
    judgement.lost = lost
        .map(|number| format!("line {number} is lost"))
        .collect();
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost, doubled, disordered and invented, if four lines were written and these have arrived.
    fn judged(arrived: &[usize]) -> (usize, usize, usize, usize) {
        let mut lines = Lines::new(1);
        for _ in 0..4 {
            lines.line();
        }
        let arrived: Vec<String> = arrived
            .iter()
            .map(|number| {
                lines
                    .all()
                    .get(*number)
                    .map_or("9 x".to_owned(), String::clone)
            })
            .collect();
        let found = judge(lines.all(), &arrived);
        let counts =
            [found.lost, found.doubled, found.disordered, found.invented].map(|each| each.len());
        counts.into()
    }

    #[test]
    fn only_all_lines_once_and_in_order_are_right() {
        assert_eq!(judged(&[0, 1, 2, 3]), (0, 0, 0, 0));
        assert_eq!(judged(&[0, 1, 3]), (1, 0, 0, 0));
        assert_eq!(judged(&[0, 1, 2, 1, 2, 3]), (0, 2, 0, 0));
        assert_eq!(judged(&[0, 2, 1, 3]), (0, 0, 1, 0));
        assert_eq!(judged(&[0, 1, 2, 3, 4]), (0, 0, 0, 1));
    }
}
