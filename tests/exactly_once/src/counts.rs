//! Lines of words, and whether each word was counted once.

use std::collections::{BTreeMap, BTreeSet};

use sim::Dice;

use crate::records::Record;

/// Some words come all the time, most of them now and then.
const WORDS: u64 = 400;
/// The most lines that are written at a time.
const PORTION_LINES_MAX: u64 = 40;

/// Lines for the application, and how often each word is in them.
#[derive(Debug)]
pub(crate) struct Text {
    dice: Dice,
    truth: BTreeMap<String, u64>,
    lines: u64,
}

impl Text {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            truth: BTreeMap::new(),
            lines: 0,
        }
    }

    /// Some more lines.
    pub(crate) fn portion(&mut self) -> String {
        let lines = 1 + self.dice.below(PORTION_LINES_MAX);
        (0..lines).map(|_| self.line()).collect()
    }

    /// The next line, with its end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        for _ in 0..=self.dice.below(7) {
            let range = 1 + self.dice.below(WORDS);
            let word = format!("word{}", self.dice.below(range));
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(&word);
            *self.truth.entry(word).or_default() += 1;
        }
        self.lines += 1;
        line.push('\n');
        line
    }

    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// How many words there are in all lines.
    pub(crate) fn words(&self) -> u64 {
        self.truth.values().sum()
    }

    /// How often each word is there.
    pub(crate) fn truth(&self) -> &BTreeMap<String, u64> {
        &self.truth
    }
}

/// How the counts that were told differ from the truth.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Counts that were never told.
    pub lost: u64,
    /// Counts that were told again, and words that were counted more often than they are there.
    pub doubled: u64,
    /// Counts that were told after a higher one of the same word.
    pub disordered: u64,
    pub findings: Vec<String>,
}

/// Judges the counts: those of each word have to be 1, 2, 3 and so on up to the truth.
pub(crate) fn judge(truth: &BTreeMap<String, u64>, records: &[Record]) -> Judgement {
    let mut told: BTreeMap<&str, Vec<&str>> = truth
        .keys()
        .map(|word| (word.as_str(), Vec::new()))
        .collect();
    // A word is in one partition, so its records are in the order of the log.
    for record in records {
        told.entry(&record.key).or_default().push(&record.value);
    }
    let mut judgement = Judgement::default();
    for (word, counts) in told {
        let wanted = truth.get(word).copied().unwrap_or_default();
        judgement.add(word, wanted, &counts);
    }
    judgement
}

impl Judgement {
    fn add(&mut self, word: &str, wanted: u64, counts: &[&str]) {
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for count in counts {
            // What is no number is no count of anything.
            let number = count.parse::<u64>().unwrap_or(u64::MAX);
            let highest = seen.last().copied().unwrap_or_default();
            if !seen.insert(number) {
                self.doubled += 1;
                wrong.push(format!("{count} again"));
            } else if number == 0 || number > wanted {
                self.doubled += 1;
                wrong.push(format!("{count} too many"));
            } else if number < highest {
                self.disordered += 1;
                wrong.push(format!("{count} after {highest}"));
            }
        }
        for number in (1..=wanted).filter(|number| !seen.contains(number)) {
            self.lost += 1;
            wrong.push(format!("{number} never"));
        }
        if !wrong.is_empty() {
            let more = if wrong.len() > 5 { " and more" } else { "" };
            wrong.truncate(5);
            self.findings.push(format!(
                "{word} is there {wanted} times; of its counts came {}{more}",
                wrong.join(", ")
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost, doubled and disordered, if `a` is there three times and these counts were told.
    fn judged(counts: &[&str]) -> (u64, u64, u64) {
        let records: Vec<Record> = (0..)
            .zip(counts)
            .map(|(offset, count)| Record {
                partition: 0,
                offset,
                key: "a".to_owned(),
                value: (*count).to_owned(),
            })
            .collect();
        let truth = BTreeMap::from([("a".to_owned(), 3)]);
        let found = judge(&truth, &records);
        let is_clean = (found.lost, found.doubled, found.disordered) == (0, 0, 0);
        assert_eq!(found.findings.is_empty(), is_clean);
        (found.lost, found.doubled, found.disordered)
    }

    #[test]
    fn counts_that_rise_to_the_truth_are_right() {
        assert_eq!(judged(&["1", "2", "3"]), (0, 0, 0));
    }

    #[test]
    fn whatever_else_is_told_is_found() {
        assert_eq!(judged(&["1", "3"]), (1, 0, 0));
        assert_eq!(judged(&[]), (3, 0, 0));
        assert_eq!(judged(&["1", "2", "2", "3"]), (0, 1, 0));
        assert_eq!(judged(&["1", "2", "3", "4"]), (0, 1, 0));
        assert_eq!(judged(&["1", "3", "2"]), (0, 0, 1));
        assert_eq!(judged(&["1", "2", "three"]), (1, 1, 0));
        assert_eq!(judged(&["0", "1", "2", "3"]), (0, 1, 0));
    }

    #[test]
    fn a_word_that_nobody_wrote_is_found() {
        let record = Record {
            partition: 0,
            offset: 0,
            key: "b".to_owned(),
            value: "1".to_owned(),
        };
        assert_eq!(judge(&BTreeMap::new(), &[record]).doubled, 1);
    }

    #[test]
    fn a_text_knows_what_is_in_it() {
        let mut text = Text::new(7);
        let portions: Vec<String> = (0..50).map(|_| text.portion()).collect();
        let words: Vec<&str> = portions
            .iter()
            .flat_map(|portion| portion.split_whitespace())
            .collect();
        assert_eq!(text.words(), words.len() as u64);
        let word = words[0];
        let times = words.iter().filter(|each| **each == word).count() as u64;
        assert_eq!(text.truth()[word], times);
    }
}
