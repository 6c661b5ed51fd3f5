//! Tests of the codec as a whole.

mod error_codes;
mod golden;
