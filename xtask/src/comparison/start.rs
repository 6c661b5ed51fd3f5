//! How long a broker takes from its start to its first answer, and what it holds then.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::contender::{Contender, Measured, Name};

/// After this a broker that nothing is asked of counts as being at rest.
const REST: Duration = Duration::from_secs(5);

/// Starts it on an empty directory, lets it come to rest, and ends it.
pub(super) fn measure(name: Name) -> Result<Measured> {
    let contender = Contender::start(name)?;
    thread::park_timeout(REST);
    Ok(Measured {
        report: json!({
            "settings": {"rest_seconds": REST.as_secs()},
            "result": {
                "first_answer_ms": contender.answered_after().as_secs_f64() * 1e3,
                "memory_bytes": contender.memory_bytes()?,
            },
        }),
        used: contender.usage()?,
    })
}
