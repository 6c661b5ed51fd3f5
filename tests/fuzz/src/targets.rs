//! The targets, one file per thing that is fed.

mod assignments;
mod broker;
mod command_line;
mod compression;
mod data_directory;
mod frames;
mod group_records;
mod http;
mod metadata_records;
mod record_batches;
mod requests;
mod responses;
mod settings;
mod transaction_records;

use crate::Target;

/// All of them.
pub const TARGETS: &[Target] = &[
    frames::TARGET,
    requests::TARGET,
    responses::TARGET,
    record_batches::TARGET,
    compression::TARGET,
    broker::TARGET,
    data_directory::TARGET,
    group_records::TARGET,
    transaction_records::TARGET,
    metadata_records::TARGET,
    assignments::TARGET,
    settings::TARGET,
    command_line::TARGET,
    http::TARGET,
];

/// The input as text; what is no UTF-8 is replaced.
fn text_of(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}
