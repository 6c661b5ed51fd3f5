//! How long a broker takes from its start to its first answer, and after a crash to its first record.

use std::thread;

use anyhow::Result;
use serde_json::json;

use super::contender::{Contender, Measured, Name};
use super::load::GIGABYTE;
use super::memory::REST;
use super::rows::{Cores, Durability};
use crate::process;

/// Starts it on an empty directory, lets it come to rest, and ends it.
pub(super) fn measure(name: Name) -> Result<Measured> {
    let contender = Contender::start(name, Cores::OneEach)?;
    thread::park_timeout(REST);
    Ok(Measured::of(json!({
        "rest_seconds": REST.as_secs(),
        "first_answer_ms": contender.answered_after().as_secs_f64() * 1e3,
        "memory_bytes": process::memory_bytes(contender.pid())?,
    })))
}

/// Fills a topic with a gigabyte, kills the broker, and starts it again.
pub(super) fn measure_recovery(name: Name, durability: Durability) -> Result<Measured> {
    let mut contender = Contender::start(name, Cores::OneEach)?;
    let topic = contender.topic("before");
    topic.create(16, durability.flush_messages())?;
    topic.bench(GIGABYTE, 0)?;
    let recovered = contender.recover("before")?;
    Ok(Measured::of(
        json!({ "recovery_ms": recovered.as_secs_f64() * 1e3 }),
    ))
}
