//! Rows that are printed either as an aligned table or as JSON.
//!
//! A row is written down once; the upper-case column names of the table become the snake-case keys
//! of the JSON objects, so the two forms cannot drift apart.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::record_format::JsonBytes;

/// Blanks between two columns.
const COLUMN_GAP: usize = 2;

/// What a text table shows where there is nothing to show; JSON has `null`.
const NOTHING: &str = "-";

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// `-` in a table, `null` in JSON.
    Nothing,
    /// Text, an empty one included.
    Text(String),
    /// A number; a JSON number too.
    Number(i64),
    /// A number that need not be whole.
    Decimal(f64),
    /// `true` or `false`.
    Flag(bool),
    /// Numbers such as replica ids: `[0,1,2]`.
    Numbers(Vec<i32>),
    /// Bytes that are mostly text, as `topic consume` prints them in JSON.
    Bytes(Vec<u8>),
}

impl From<&[u8]> for Cell {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Decimal(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<i32>> for Cell {
    fn from(numbers: Vec<i32>) -> Self {
        Self::Numbers(numbers)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl Cell {
    /// The value as a table shows it.
    fn text(&self) -> String {
        match self {
            Self::Nothing => NOTHING.to_owned(),
            Self::Text(text) => visible(text),
            Self::Bytes(bytes) => visible(&String::from_utf8_lossy(bytes)),
            Self::Number(number) => number.to_string(),
            Self::Decimal(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
                format!("[{}]", numbers.join(","))
            }
        }
    }
}

/// The text on one line and without control characters: it comes from other programs and must not
/// move the cursor of the reader's terminal.
pub(crate) fn visible(text: &str) -> String {
    let characters = text.chars();
    characters
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::Decimal(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Numbers(numbers) => numbers.serialize(serializer),
            Self::Bytes(bytes) => JsonBytes(Some(bytes)).serialize(serializer),
        }
    }
}

/// Rows under named columns.
#[derive(Debug)]
pub(crate) struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table; column names are upper case with dashes.
    pub(crate) fn new(columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row; it has a cell for each column.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, each ended, columns aligned to the left, no blanks at line ends.
    pub(crate) fn text(&self) -> String {
        let header: Vec<String> = self.columns.iter().map(|c| (*c).to_owned()).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::text).collect());
        aligned(std::iter::once(header).chain(rows).collect())
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.rows.len()))?;
        for row in &self.rows {
            sequence.serialize_element(&Object(self.columns.iter().copied().zip(row)))?;
        }
        sequence.end()
    }
}

/// The named values of one thing.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, Cell)>);

impl Fields {
    /// Adds a value; names are upper case with dashes.
    pub(crate) fn field(mut self, name: &'static str, value: impl Into<Cell>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// A line per field: its name and its value.
    pub(crate) fn text(&self) -> String {
        let lines = self.0.iter();
        aligned(
            lines
                .map(|(name, cell)| vec![(*name).to_owned(), cell.text()])
                .collect(),
        )
    }

    /// The fields of both.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'static str, &Cell)> + Clone {
        self.0.iter().map(|(name, cell)| (*name, cell))
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object(self.entries()).serialize(serializer)
    }
}

/// A JSON object whose keys keep the order of the columns.
struct Object<I>(I);

impl<'a, I: Iterator<Item = (&'static str, &'a Cell)> + Clone> Serialize for Object<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (column, cell) in self.0.clone() {
            map.serialize_entry(&json_key(column), cell)?;
        }
        map.end()
    }
}

/// `CLIENT-ID` becomes `client_id`.
pub(crate) fn json_key(column: &str) -> String {
    column.to_ascii_lowercase().replace('-', "_")
}

fn aligned(lines: Vec<Vec<String>>) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            row.push_str(cell);
            let padding = width + COLUMN_GAP - cell.chars().count();
            row.extend(std::iter::repeat_n(' ', padding));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
