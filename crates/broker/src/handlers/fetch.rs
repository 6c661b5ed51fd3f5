//! Fetch (key 1), versions 4 to 18: reads batches from partitions, waiting for them if asked to.
//!
//! - An answer is given as soon as it holds `min_bytes`, a partition has an error or a diverging epoch,
//!   a partition had to be read from disk, no partition was asked for, `max_wait_ms` has passed, or the
//!   broker stops. A wait is woken by moves of the high watermark or the last stable offset, never by an
//!   append alone.
//! - Partitions are filled in request order. `max_bytes` (and the broker's `fetch.max.bytes`) and
//!   `partition_max_bytes` do not apply to the first batch of the answer; batches are always whole.
//! - Records that are not in memory are read on a bounded pool.
//! - Isolation level 1 reads up to the last stable offset and gets the list of aborted transactions;
//!   level 0 gets null.
//! - v7 (KIP-227): no sessions are kept. Every answer has session id 0, which tells the client to send
//!   full requests; a request within a session gets FETCH_SESSION_ID_NOT_FOUND.
//! - v9 (KIP-320): `current_leader_epoch` is compared. v12 (KIP-595): a reader whose history differs is
//!   told where (`diverging_epoch`). v13 (KIP-516): topics by id. v16 (KIP-951): the leader to turn to
//!   instead, of no use with one broker.
//! - A client that is over its quota (`consumer_byte_rate`) gets an answer without topics and comes back
//!   later. `max_bytes` is at most what the quota allows in ten seconds.
//! - Not done: rack awareness (KIP-392), replicas: a request of a follower is answered like a consumer's.

mod read;

use std::time::Duration;

use model::ErrorCode;
use wire::messages::fetch::{FetchRequest, FetchResponse};

use self::read::Fetch;
use crate::context::RequestContext;
use crate::limits::FETCH_WAIT_MS_MAX;
use crate::purgatory::{Waiting, Woken};

/// The session epoch of a request that closes its session, or works without one.
const FINAL_EPOCH: i32 = -1;

/// The session epoch of a request that opens a session.
const INITIAL_EPOCH: i32 = 0;

/// Reads, and waits until there is enough to answer.
pub(crate) async fn handle(ctx: RequestContext, request: FetchRequest) -> FetchResponse {
    if !matches!(request.session_epoch, FINAL_EPOCH | INITIAL_EPOCH) {
        return FetchResponse {
            error_code: ErrorCode::FetchSessionIdNotFound.code(),
            ..FetchResponse::default()
        };
    }
    let now = ctx.broker.env.clock.now();
    let wait_ms = request.max_wait_ms.clamp(0, FETCH_WAIT_MS_MAX);
    let deadline = now + Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
    let fetch = Fetch::new(&ctx, request);

    let mut pass = fetch.read(&ctx).await;
    if pass.is_enough || wait_ms == 0 {
        return pass.into_response(&ctx);
    }
    let deadline = ctx.broker.deadlines.at(deadline);
    let mut waiting = Waiting::until(deadline, ctx.broker.stopping());
    for log in fetch.logs() {
        waiting.watch(log);
    }
    loop {
        // After the registration, so that nothing that came before it is missed.
        pass = fetch.read(&ctx).await;
        if pass.is_enough || waiting.woken().await == Woken::Expired {
            break;
        }
    }
    // What came between the last look and the deadline is not worth another look.
    pass.into_response(&ctx)
}
