//! What one setting is: a row of the tables in [`crate::defs`].

use crate::defs::DYNAMIC;

/// What a setting belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One topic; set when it is created or by IncrementalAlterConfigs.
    Topic,
    /// The broker; set in the configuration file, the environment or by `--set`, and in part by
    /// IncrementalAlterConfigs.
    Broker,
    /// One consumer, share or streams group; set by IncrementalAlterConfigs.
    Group,
}

/// The type of a value, as DescribeConfigs tells it (KIP-569).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// Text.
    String,
    /// A 32-bit number.
    Int,
    /// A 64-bit number.
    Long,
    /// A 16-bit number.
    Short,
    /// A floating-point number.
    Double,
    /// Texts separated by commas.
    List,
}

impl Kind {
    /// The number of this type in a DescribeConfigs response of version 3 and above.
    pub const fn code(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
        }
    }

    /// The name of this type in documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Int => "int",
            Self::Long => "long",
            Self::Short => "short",
            Self::Double => "double",
            Self::List => "list",
        }
    }
}

/// Which values a setting can take, beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Valid {
    /// Whatever the type allows.
    Any,
    /// Whole numbers between two bounds, both included.
    Range(i64, i64),
    /// Whole numbers between two bounds, both included, and one more that stands for something else.
    RangeOr(i64, i64, i64),
    /// Floating-point numbers between two bounds, both included.
    DoubleRange(f64, f64),
    /// One of these words; for a list, each item is one of them.
    OneOf(&'static [&'static str]),
}

/// A broker setting that gives the default of a topic setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The broker setting's name.
    pub name: &'static str,
    /// What its numbers are multiplied by to get the topic setting's (hours to milliseconds); 1 for
    /// the same unit.
    pub factor: i64,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Kafka's name for it; for Ottla's own, a name in the same style.
    pub name: &'static str,
    /// What it belongs to.
    pub scope: Scope,
    /// The type of its values.
    pub kind: Kind,
    /// The value without a setting; `None` is "not set".
    pub default: Option<&'static str>,
    /// The legal values.
    pub valid: Valid,
    /// For a topic setting: the broker settings that give its default, the strongest first. For a
    /// broker setting: those asked when it is not set itself.
    pub synonyms: &'static [Synonym],
    /// Whether the behaviour exists here. A setting whose behaviour does not exist is known, shown
    /// with its default, and refused with any other value: nobody is told that something holds which
    /// does not.
    pub acts: bool,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
}

impl Definition {
    /// Whether requests can change it while the broker runs. Those of topics and groups always can.
    pub fn is_dynamic(&self) -> bool {
        match self.scope {
            Scope::Topic | Scope::Group => true,
            Scope::Broker => DYNAMIC.contains(&self.name),
        }
    }

    const fn new(
        scope: Scope,
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            scope,
            kind,
            default: Some(default),
            valid: Valid::Any,
            synonyms: &[],
            acts: false,
            doc,
        }
    }

    /// A topic setting.
    pub(crate) const fn topic(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::new(Scope::Topic, name, kind, default, doc)
    }

    /// A broker setting.
    pub(crate) const fn broker(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::new(Scope::Broker, name, kind, default, doc)
    }

    /// A group setting.
    pub(crate) const fn group(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::new(Scope::Group, name, kind, default, doc)
    }

    /// The behaviour exists.
    pub(crate) const fn acts(mut self) -> Self {
        self.acts = true;
        self
    }

    /// Not set unless somebody sets it.
    pub(crate) const fn unset(mut self) -> Self {
        self.default = None;
        self
    }

    pub(crate) const fn at_least(self, minimum: i64) -> Self {
        self.between(minimum, i64::MAX)
    }

    pub(crate) const fn between(mut self, minimum: i64, maximum: i64) -> Self {
        self.valid = Valid::Range(minimum, maximum);
        self
    }

    pub(crate) const fn between_or(mut self, minimum: i64, maximum: i64, other: i64) -> Self {
        self.valid = Valid::RangeOr(minimum, maximum, other);
        self
    }

    pub(crate) const fn fraction(mut self) -> Self {
        self.valid = Valid::DoubleRange(0.0, 1.0);
        self
    }

    pub(crate) const fn one_of(mut self, words: &'static [&'static str]) -> Self {
        self.valid = Valid::OneOf(words);
        self
    }

    pub(crate) const fn synonyms(mut self, synonyms: &'static [Synonym]) -> Self {
        self.synonyms = synonyms;
        self
    }
}
