//! Identities that are text.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Longest topic name, in characters.
const TOPIC_NAME_CHARACTERS_MAX: usize = 249;

/// A legal topic name: 1 to 249 of `[a-zA-Z0-9._-]`, and neither `.` nor `..`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName(Arc<str>);

/// Why a text is no topic name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTopicName {
    /// The name is empty.
    Empty,
    /// The name is `.` or `..`.
    Dots,
    /// The name has more than 249 characters.
    TooLong,
    /// The name has a character outside `[a-zA-Z0-9._-]`.
    Character(char),
}

impl fmt::Display for InvalidTopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a topic name cannot be empty"),
            Self::Dots => f.write_str("a topic name cannot be '.' or '..'"),
            Self::TooLong => {
                write!(
                    f,
                    "a topic name has at most {TOPIC_NAME_CHARACTERS_MAX} characters"
                )
            }
            Self::Character(character) => write!(
                f,
                "a topic name consists of ASCII letters, digits, '.', '_' and '-', not {character:?}"
            ),
        }
    }
}

impl std::error::Error for InvalidTopicName {}

impl TopicName {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, InvalidTopicName> {
        if name.is_empty() {
            return Err(InvalidTopicName::Empty);
        }
        if name == "." || name == ".." {
            return Err(InvalidTopicName::Dots);
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(character) = name.chars().find(|c| !legal(*c)) {
            return Err(InvalidTopicName::Character(character));
        }
        if name.len() > TOPIC_NAME_CHARACTERS_MAX {
            return Err(InvalidTopicName::TooLong);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two names may not agree: metric names cannot tell `.` from `_`.
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }
}

impl Deref for TopicName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

macro_rules! free_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the name as it is.
            pub fn new(id: &str) -> Self {
                Self(id.into())
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

free_text! {
    /// The name of a consumer group; any text, also the empty one where a request allows it. Cheap to
    /// clone.
    GroupId
}

free_text! {
    /// The name under which a producer goes on after a restart, so that nobody else can (KIP-98); any
    /// text but the empty one. Cheap to clone.
    TransactionalId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_names_follow_kafkas_rules() {
        for name in ["a", "A.b_c-9", "...", &"x".repeat(249)] {
            assert_eq!(
                TopicName::new(name).map(|n| n.to_string()),
                Ok(name.to_owned())
            );
        }
        for (name, error) in [
            ("", InvalidTopicName::Empty),
            (".", InvalidTopicName::Dots),
            ("..", InvalidTopicName::Dots),
            ("a b", InvalidTopicName::Character(' ')),
            ("ü", InvalidTopicName::Character('ü')),
            (&"x".repeat(250), InvalidTopicName::TooLong),
        ] {
            assert_eq!(TopicName::new(name), Err(error), "{name}");
        }
        assert_eq!(TopicName::new("a.b").unwrap().collision_key(), "a_b");
    }
}
