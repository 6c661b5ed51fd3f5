//! Words in, JSON out.

use std::collections::HashMap;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Words like `name=value`.
pub(crate) fn pairs(words: &[String]) -> HashMap<String, String> {
    words
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Words like `3=17`: partitions with numbers.
pub(crate) fn numbers(words: &[String]) -> anyhow::Result<Vec<(i32, i64)>> {
    let number = |(partition, number): (String, String)| Ok((partition.parse()?, number.parse()?));
    pairs(words).into_iter().map(number).collect()
}

/// A word at its place.
pub(crate) fn word(words: &[String], index: usize) -> anyhow::Result<&str> {
    let word = words.get(index).context("a word is missing")?;
    Ok(word)
}

/// Bytes out of a word: a hyphen, which Base64 does not have, is null.
pub(crate) fn bytes(word: &str) -> anyhow::Result<Option<Vec<u8>>> {
    match word {
        "-" => Ok(None),
        _ => Ok(Some(STANDARD.decode(word)?)),
    }
}

/// Text out of a word.
pub(crate) fn text(word: &str) -> anyhow::Result<String> {
    Ok(String::from_utf8(bytes(word)?.context("null")?)?)
}

pub(crate) fn base64(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}
