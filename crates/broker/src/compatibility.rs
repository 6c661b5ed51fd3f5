//! `docs/COMPATIBILITY.md`, made from the API table.

mod absent;

use std::fmt::Write;

use self::absent::ABSENT;
use crate::apis::{APIS, Ordering};

const NOT_SERVED: &str = "
## What is not served

ApiVersions does not name these APIs, and a request for one closes the connection. Clients look into
the answer to ApiVersions first and refuse by themselves what needs an API that is not in it.

| for | APIs and their keys | what a client sees |
|---|---|---|
";

const INTRODUCTION: &str = "\
# Compatibility

The APIs of the Kafka protocol that this broker serves, made from the table in
`crates/broker/src/apis.rs` by a test (`UPDATE_DOCS=1 cargo test -p broker`). The remarks say what is
left out and what a client sees then. A request for an API or a version that is not here closes the
connection, as in Kafka; the one exception is ApiVersions, which answers a version above its own with
UNSUPPORTED_VERSION and this list.

An answer leaves a connection in the order of the requests. A pipelined API takes up the next request
of the connection before the answer to this one has left.

The README lists the clients and their versions with which all this is tested.

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
    page.push_str(NOT_SERVED);
    for absent in ABSENT {
        let apis = absent
            .apis
            .iter()
            .map(|(key, name)| format!("{name} {key}"));
        let apis: Vec<_> = apis.collect();
        let _ = writeln!(
            page,
            "| {} | {} | {} |",
            absent.purpose,
            apis.join(", "),
            absent.seen
        );
    }
    page
}
