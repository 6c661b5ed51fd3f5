//! `docs/COMPATIBILITY.md`, made from the API table.

use std::fmt::Write;

use crate::apis::{APIS, Ordering};

const INTRODUCTION: &str = "\
# Compatibility

The APIs of the Kafka protocol that this broker serves, made from the table in
`crates/broker/src/apis.rs` by a test (`UPDATE_DOCS=1 cargo test -p broker`). A request for an API or
a version that is not here closes the connection, as in Kafka; the one exception is ApiVersions, which
answers a version above its own with UNSUPPORTED_VERSION and this list.

An answer leaves a connection in the order of the requests. A pipelined API takes up the next request
of the connection before the answer to this one has left.

";

/// The whole page.
pub fn compatibility_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("| API | key | versions | advertised | order | remarks |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for api in APIS {
        let order = match api.ordering {
            Ordering::Serial | Ordering::Parked => "one at a time",
            Ordering::Pipelined => "pipelined",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {}-{} | {}-{} | {order} | {} |",
            api.key.name(),
            api.key.key(),
            api.versions.start(),
            api.versions.end(),
            api.advertised_from,
            api.versions.end(),
            api.notes,
        );
    }
    page
}
