//! The targets, one file per thing that is fed.

mod compression;
mod frames;
mod record_batches;
mod requests;
mod responses;

use crate::Target;

/// All of them.
pub const TARGETS: &[Target] = &[
    frames::TARGET,
    requests::TARGET,
    responses::TARGET,
    record_batches::TARGET,
    compression::TARGET,
];
