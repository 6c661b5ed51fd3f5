//! Subscriptions by pattern.
//!
//! A pattern is a regular expression that a topic's whole name must match. Kafka's are those of RE2/J;
//! these are those of the `regex` crate, which like RE2 has neither look-around nor back references and
//! matches in time proportional to the length of the name. Classes such as `\w` mean ASCII only, as
//! in RE2; `\Q...\E`, which Java writes around text that is to be taken literally, is understood.

use std::collections::BTreeMap;
use std::fmt;

use model::{GroupId, TopicName};
use regex::bytes::{Regex, RegexBuilder};

use crate::limits::{PATTERN_PROGRAM_BYTES_MAX, PATTERN_TOPICS_BYTES_MAX};

/// A pattern that can be subscribed to.
#[derive(Clone, Debug)]
pub struct TopicPattern {
    regex: Regex,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(String);

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

impl TopicPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// If it is malformed, or would become too large: `(a{1000}){1000}` is a short text.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let pattern = without_quotes(text);
        // Alone first, so that nothing in it can reach out of the group around it.
        compile(&pattern)?;
        let regex = compile(&format!(r"\A(?:{pattern})\z"))?;
        Ok(Self { regex })
    }

    /// Whether the whole name matches.
    pub fn matches(&self, topic: &str) -> bool {
        self.regex.is_match(topic.as_bytes())
    }
}

fn compile(pattern: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(PATTERN_PROGRAM_BYTES_MAX)
        .dfa_size_limit(PATTERN_PROGRAM_BYTES_MAX)
        .build()
        .map_err(|error| PatternError(error.to_string()))
}

/// The pattern with what stands between `\Q` and `\E`, or the end, escaped character by character.
fn without_quotes(mut text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    while let Some((before, after)) = text.split_once('\\') {
        pattern.push_str(before);
        if let Some(quoted) = after.strip_prefix('Q') {
            let (literal, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            pattern.push_str(&regex::escape(literal));
            text = rest;
        } else {
            let escaped = after.chars().next().map_or(0, char::len_utf8);
            let (escaped, rest) = after.split_at(escaped);
            pattern.push('\\');
            pattern.push_str(escaped);
            text = rest;
        }
    }
    pattern.push_str(text);
    pattern
}

/// Patterns whose topics a coordinator wants to know; see [`PatternLookup::run`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternLookup {
    /// The group whose members subscribe to them.
    pub group_id: GroupId,
    /// The patterns.
    pub patterns: Vec<String>,
}

/// What a [`PatternLookup`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPatterns {
    /// The group that asked.
    pub group_id: GroupId,
    /// The [`Topics::version`](crate::Topics::version) of the topics that were looked through.
    pub topics_version: u64,
    /// The topics of each pattern, in order.
    pub topics: BTreeMap<String, Vec<String>>,
}

impl PatternLookup {
    /// Looks the patterns up among these topics. Takes a while if there are many, so it is not for the
    /// caller that holds the coordinator.
    pub fn run<'a>(
        &self,
        topics_version: u64,
        topics: impl Iterator<Item = &'a TopicName>,
    ) -> FoundPatterns {
        let mut names: Vec<&TopicName> = topics.collect();
        names.sort_unstable();
        let found = self.patterns.iter().map(|text| {
            let mut bytes_left = PATTERN_TOPICS_BYTES_MAX;
            // It has been checked before it was subscribed to, if perhaps by an older version.
            let matching = TopicPattern::parse(text).map_or_else(
                |_| Vec::new(),
                |pattern| {
                    let matching = names.iter().filter(|name| pattern.matches(name));
                    let fitting = matching.take_while(|name| {
                        let fits = name.len() <= bytes_left;
                        bytes_left = bytes_left.saturating_sub(name.len());
                        fits
                    });
                    fitting.map(|name| name.to_string()).collect()
                },
            );
            (text.clone(), matching)
        });
        FoundPatterns {
            group_id: self.group_id.clone(),
            topics_version,
            topics: found.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, topic: &str) -> bool {
        TopicPattern::parse(pattern).unwrap().matches(topic)
    }

    #[test]
    fn the_whole_name_must_match() {
        assert!(matches("order.*", "orders"));
        assert!(!matches("rder", "orders"));
        assert!(matches("a|ab", "ab"));
        assert!(!matches("a|ab", "abc"));
        assert!(matches("^ab$", "ab"), "what librdkafka writes");
        assert!(matches("(?i)AB", "ab"));
        assert!(matches("", "") && !matches("", "a"));
    }

    #[test]
    fn quoted_text_is_literal() {
        assert!(matches(r"\Qa.b\E", "a.b"));
        assert!(!matches(r"\Qa.b\E", "axb"));
        assert!(matches(r"\Qa.b\E.c\Q.", "a.bxc."));
        assert!(matches(r"a\.\w", "a.b"));
        assert!(
            !matches(r"\\Qab", "ab"),
            "a backslash that is itself escaped"
        );
    }

    #[test]
    fn what_is_malformed_or_explodes_is_refused() {
        for pattern in [
            "(",
            "a)|(b",
            "[",
            r"\",
            "*",
            r"(a)\1",
            "(?=a)",
            "(((a{100}){100}){100}){100}",
            "(?:[a-z]{1000}){1000}",
        ] {
            assert!(TopicPattern::parse(pattern).is_err(), "{pattern}");
        }
        let deep = "(".repeat(10_000);
        assert!(TopicPattern::parse(&deep).is_err());
    }

    #[test]
    fn a_lookup_finds_the_topics_in_order() {
        let topics = ["b1", "a1", "c", "a2"].map(|name| TopicName::new(name).unwrap());
        let lookup = PatternLookup {
            group_id: GroupId::new("g"),
            patterns: vec!["a.".into(), "[bc].*".into(), "(".into()],
        };
        let found = lookup.run(7, topics.iter());
        assert_eq!(found.topics_version, 7);
        assert_eq!(found.topics["a."], ["a1", "a2"]);
        assert_eq!(found.topics["[bc].*"], ["b1", "c"]);
        assert_eq!(found.topics["("], Vec::<String>::new());
    }
}
