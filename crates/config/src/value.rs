//! Values: from text to what is checked, and back to the one form that is shown.

use std::fmt;

use crate::definition::{Definition, Kind, Scope, Valid};
use crate::defs::{definition, nearest};

/// Why a setting is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// No setting has this name.
    Unknown {
        /// The name asked for.
        name: String,
        /// What the setting would belong to.
        scope: Scope,
        /// The known name most like it.
        nearest: &'static str,
    },
    /// The value is outside what the setting can be.
    Invalid {
        /// The setting.
        name: &'static str,
        /// The value.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// The setting is known, the behaviour does not exist here.
    Unsupported {
        /// The setting.
        name: &'static str,
        /// The value.
        value: String,
        /// The only value that is accepted; `None` is "not set".
        default: Option<&'static str>,
    },
    /// Two settings that are each right contradict each other.
    Contradiction {
        /// What is wrong, in a sentence.
        message: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown {
                name,
                scope,
                nearest,
            } => {
                let scope = match scope {
                    Scope::Topic => "topic",
                    Scope::Broker => "broker",
                    Scope::Group => "group",
                };
                write!(
                    f,
                    "unknown {scope} config '{name}'; did you mean '{nearest}'?"
                )
            }
            Self::Invalid {
                name,
                value,
                expected,
            } => {
                write!(
                    f,
                    "invalid value '{value}' for config {name}: expected {expected}"
                )
            }
            Self::Unsupported {
                name,
                value,
                default,
            } => {
                write!(f, "config {name}={value} is not supported by this broker; ")?;
                match default {
                    Some(default) => write!(f, "the only value it accepts is '{default}'"),
                    None => f.write_str("it cannot be set"),
                }
            }
            Self::Contradiction { message } => f.write_str(message),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A value that has the type of its setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Boolean(bool),
    Number(i64),
    Double(f64),
    Text(String),
    List(Vec<String>),
}

/// The form in which DescribeConfigs shows the value.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            // The debug form keeps "1.0" and large exponents readable.
            Self::Double(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
            Self::List(items) => f.write_str(&items.join(",")),
        }
    }
}

impl Definition {
    /// Reads a value and checks type and range, but not whether the behaviour exists.
    pub(crate) fn parse(&self, text: &str) -> Result<Value, ConfigError> {
        let trimmed = text.trim();
        let value = match self.kind {
            Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
            Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
            Kind::Boolean => None,
            Kind::Short => trimmed.parse::<i16>().ok().map(|n| Value::Number(n.into())),
            Kind::Int => trimmed.parse::<i32>().ok().map(|n| Value::Number(n.into())),
            Kind::Long => trimmed.parse::<i64>().ok().map(Value::Number),
            Kind::Double => trimmed.parse::<f64>().ok().map(Value::Double),
            Kind::String => Some(Value::Text(trimmed.to_owned())),
            Kind::List => Some(Value::List(split_list(trimmed))),
        };
        value
            .filter(|value| self.is_valid(value))
            .ok_or_else(|| ConfigError::Invalid {
                name: self.name,
                value: text.to_owned(),
                expected: self.expected(),
            })
    }

    /// Reads a value, checks it, and refuses it if the behaviour does not exist and the value is
    /// not the default. Gives the form in which it is shown.
    pub fn check(&self, text: &str) -> Result<String, ConfigError> {
        let value = self.parse(text)?;
        let default = self
            .default
            .map(|default| self.parse(default))
            .transpose()?;
        if !self.acts && default.as_ref() != Some(&value) {
            return Err(ConfigError::Unsupported {
                name: self.name,
                value: text.to_owned(),
                default: self.default,
            });
        }
        Ok(value.to_string())
    }

    fn is_valid(&self, value: &Value) -> bool {
        match (self.valid, value) {
            (Valid::Range(minimum, maximum), Value::Number(number)) => {
                (minimum..=maximum).contains(number)
            }
            (Valid::RangeOr(minimum, maximum, other), Value::Number(number)) => {
                (minimum..=maximum).contains(number) || *number == other
            }
            (Valid::DoubleRange(minimum, maximum), Value::Double(number)) => {
                (minimum..=maximum).contains(number)
            }
            (Valid::OneOf(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Valid::OneOf(words), Value::List(items)) => {
                items.iter().all(|item| words.contains(&item.as_str()))
            }
            (_, Value::Double(number)) => !number.is_nan(),
            _ => true,
        }
    }

    /// The legal values in words.
    pub(crate) fn expected(&self) -> String {
        let kind = match self.kind {
            Kind::Boolean => return "'true' or 'false'".to_owned(),
            Kind::Short | Kind::Int | Kind::Long => "a whole number",
            Kind::Double => "a number",
            Kind::String => "a text",
            Kind::List => "a list",
        };
        // A bound that the type has anyway is not worth words.
        let top = match self.kind {
            Kind::Short => i64::from(i16::MAX),
            Kind::Int => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        match self.valid {
            Valid::Any => kind.to_owned(),
            Valid::Range(minimum, maximum) if maximum >= top => {
                format!("{kind} of at least {minimum}")
            }
            Valid::Range(minimum, maximum) => format!("{kind} from {minimum} to {maximum}"),
            Valid::RangeOr(minimum, maximum, other) => {
                format!("{kind} from {minimum} to {maximum}, or {other}")
            }
            Valid::DoubleRange(minimum, maximum) => format!("{kind} from {minimum} to {maximum}"),
            Valid::OneOf(words) if self.kind == Kind::List => {
                format!("a list of {}", words.join(", "))
            }
            Valid::OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// The items of a list, trimmed; an empty text is an empty list.
pub fn split_list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Finds a setting by name, or says which one was probably meant.
pub fn lookup(scope: Scope, name: &str) -> Result<&'static Definition, ConfigError> {
    definition(scope, name).ok_or_else(|| ConfigError::Unknown {
        name: name.to_owned(),
        scope,
        nearest: nearest(scope, name).unwrap_or_default(),
    })
}
