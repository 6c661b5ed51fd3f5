//! Positions and epochs.

use std::fmt;
use std::ops::{Add, Sub};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl $name {
            /// The plain number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }
    };
}

number! {
    /// The position of a record in its partition, from 0; -1 means "none".
    Offset(i64)
}

number! {
    /// The index of a partition within its topic, from 0.
    PartitionIndex(i32)
}

number! {
    /// How often the leadership of a partition has begun anew; never falls, -1 means "unknown"
    /// (KIP-101).
    LeaderEpoch(i32)
}

impl Offset {
    /// "No offset", as the protocol writes it.
    pub const NONE: Self = Self(-1);
    /// Where every log begins.
    pub const ZERO: Self = Self(0);

    /// The offset after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Add<i64> for Offset {
    type Output = Self;

    fn add(self, records: i64) -> Self {
        Self(self.0 + records)
    }
}

impl Sub for Offset {
    type Output = i64;

    fn sub(self, other: Self) -> i64 {
        self.0 - other.0
    }
}

impl LeaderEpoch {
    /// "Not known, do not check", as the protocol writes it.
    pub const UNKNOWN: Self = Self(-1);
}
