//! What the coordinators of groups and of transactions have in common: the time of a call, the
//! partition that an id belongs to, and the fields of the records of their logs.

mod fields;
mod now;
mod partition;

pub use fields::{FieldError, Reader, Writer};
pub use now::Now;
pub use partition::{java_string_hash, partition_for};
