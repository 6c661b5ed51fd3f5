//! How `topic consume` prints a record: as JSON or by a format string.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::Record;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

const VERBS: &str = "%t topic, %p partition, %o offset, %k key, %v value, %h headers, %T timestamp, \
                     %% a percent sign; \\n, \\t, \\r, \\\\";

/// The form of a printed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordFormat {
    /// A JSON object on a line of its own.
    Json,
    /// These pieces, and nothing between two records that is not among them.
    Pieces(Vec<Piece>),
}

/// A piece of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The text itself.
    Text(String),
    /// `%t`
    Topic,
    /// `%p`
    Partition,
    /// `%o`
    Offset,
    /// `%k`; nothing for a null key.
    Key,
    /// `%v`; nothing for a null value.
    Value,
    /// `%h`: `name=value`, separated by commas.
    Headers,
    /// `%T`, in ms since the epoch.
    Timestamp,
}

/// What is wrong with a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InvalidFormat {
    /// A `%` before something that has no meaning.
    Verb(Option<char>),
    /// A `\` before something that has no meaning.
    Escape(Option<char>),
    /// No verb at all.
    Constant,
}

impl fmt::Display for InvalidFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verb(Some(verb)) => write!(f, "%{verb} is not known")?,
            Self::Verb(None) => f.write_str("it ends with %; write %% for a percent sign")?,
            Self::Escape(Some(escaped)) => write!(f, "\\{escaped} is not known")?,
            Self::Escape(None) => f.write_str("it ends with \\; write \\\\ for a backslash")?,
            Self::Constant => {
                f.write_str("neither json nor a format string: nothing in it varies")?
            }
        }
        write!(f, " (known are: {VERBS})")
    }
}

impl std::error::Error for InvalidFormat {}

impl std::str::FromStr for RecordFormat {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "json" {
            return Ok(Self::Json);
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let piece = match character {
                '\\' => {
                    literal.push(unescape(characters.next())?);
                    continue;
                }
                '%' => verb(characters.next())?,
                other => Piece::Text(other.to_string()),
            };
            match piece {
                Piece::Text(text) => literal.push_str(&text),
                piece => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(piece);
                }
            }
        }
        if pieces.is_empty() {
            return Err(InvalidFormat::Constant);
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self::Pieces(pieces))
    }
}

fn verb(verb: Option<char>) -> Result<Piece, InvalidFormat> {
    Ok(match verb {
        Some('t') => Piece::Topic,
        Some('p') => Piece::Partition,
        Some('o') => Piece::Offset,
        Some('k') => Piece::Key,
        Some('v') => Piece::Value,
        Some('h') => Piece::Headers,
        Some('T') => Piece::Timestamp,
        Some('%') => Piece::Text("%".to_owned()),
        other => return Err(InvalidFormat::Verb(other)),
    })
}

fn unescape(escaped: Option<char>) -> Result<char, InvalidFormat> {
    Ok(match escaped {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('\\') => '\\',
        other => return Err(InvalidFormat::Escape(other)),
    })
}

impl RecordFormat {
    /// Appends the record to `out`.
    pub(crate) fn write(&self, record: &Record, out: &mut Vec<u8>) {
        match self {
            Self::Json => {
                // Serialising into memory fails for map keys that are no strings only.
                let _ = serde_json::to_writer(&mut *out, &Json(record));
                out.push(b'\n');
            }
            Self::Pieces(pieces) => {
                for piece in pieces {
                    write_piece(piece, record, out);
                }
            }
        }
    }
}

fn write_piece(piece: &Piece, record: &Record, out: &mut Vec<u8>) {
    let text: &[u8] = match piece {
        Piece::Text(text) => text.as_bytes(),
        Piece::Topic => record.topic.as_bytes(),
        Piece::Partition => return out.extend(record.partition.to_string().bytes()),
        Piece::Offset => return out.extend(record.offset.to_string().bytes()),
        Piece::Timestamp => return out.extend(record.timestamp_ms.to_string().bytes()),
        Piece::Key => record.key.as_deref().unwrap_or_default(),
        Piece::Value => record.value.as_deref().unwrap_or_default(),
        Piece::Headers => {
            for (index, (name, value)) in record.headers.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend(name.bytes());
                out.push(b'=');
                out.extend(value.as_deref().unwrap_or_default());
            }
            return;
        }
    };
    out.extend(text);
}

/// A record as the JSON that `topic consume` prints.
struct Json<'a>(&'a Record);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let mut object = serializer.serialize_struct("record", 7)?;
        object.serialize_field("topic", &record.topic)?;
        object.serialize_field("key", &JsonBytes(record.key.as_deref()))?;
        object.serialize_field("value", &JsonBytes(record.value.as_deref()))?;
        object.serialize_field("partition", &record.partition)?;
        object.serialize_field("offset", &record.offset)?;
        object.serialize_field("timestamp", &record.timestamp_ms)?;
        let headers = record.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| JsonHeader(name, JsonBytes(value.as_deref())))
            .collect();
        object.serialize_field("headers", &headers)?;
        object.end()
    }
}

struct JsonHeader<'a>(&'a str, JsonBytes<'a>);

impl Serialize for JsonHeader<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("header", 2)?;
        object.serialize_field("key", self.0)?;
        object.serialize_field("value", &self.1)?;
        object.end()
    }
}

/// Bytes as a string, as `{"base64": …}` where they are not UTF-8, or as null.
pub(crate) struct JsonBytes<'a>(pub(crate) Option<&'a [u8]>);

impl Serialize for JsonBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(bytes) = self.0 else {
            return serializer.serialize_none();
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut object = serializer.serialize_map(Some(1))?;
                object.serialize_entry("base64", &STANDARD.encode(bytes))?;
                object.end()
            }
        }
    }
}

#[cfg(test)]
mod tests;
