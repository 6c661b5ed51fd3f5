//! EndTxn (key 26), versions 0 to 5: commits or aborts a transaction.
//!
//! - Answered when what is decided is durable; as a rule the markers of all partitions are in the same round of the
//!   write-ahead log. Where one of them cannot be written yet, what comes next gets CONCURRENT_TRANSACTIONS.
//! - v2: PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before (KIP-588). v3: flexible. v4: no new behaviour.
//! - v5 (KIP-890): each transaction has an epoch of its own; the answer says who the producer is in the next one. A
//!   request that comes twice gets the same answer, and one that comes late ends nothing. An abort is
//!   allowed where nothing has begun.

use model::{ErrorCode, ProducerEpoch, ProducerId};
use transactions::{ClientVersion, Outcome};
use wire::messages::end_txn::{EndTxnRequest, EndTxnResponse};

use super::support::transactional::{fenced_since, producer_of};
use crate::context::RequestContext;

/// The first version whose clients know PRODUCER_FENCED.
const FENCED_SINCE: i16 = 2;
/// The first version in which each transaction has an epoch of its own.
const BUMPED_SINCE: i16 = 5;

/// Ends the transaction.
pub(crate) async fn handle(ctx: RequestContext, request: EndTxnRequest) -> EndTxnResponse {
    let of = producer_of(
        &request.transactional_id,
        request.producer_id,
        request.producer_epoch,
    );
    let outcome = match request.committed {
        true => Outcome::Commit,
        false => Outcome::Abort,
    };
    let version = match ctx.version >= BUMPED_SINCE {
        true => ClientVersion::Two,
        false => ClientVersion::One,
    };
    let transactions = &ctx.broker.transactions;
    match transactions.end(&ctx.broker, of, outcome, version).await {
        Ok(producer) => EndTxnResponse {
            error_code: ErrorCode::None.code(),
            producer_id: producer.id.0,
            producer_epoch: producer.epoch.0,
            ..EndTxnResponse::default()
        },
        Err(error) => EndTxnResponse {
            error_code: fenced_since(FENCED_SINCE, ctx.version, error).code(),
            producer_id: ProducerId::NONE.0,
            producer_epoch: ProducerEpoch::NONE.0,
            ..EndTxnResponse::default()
        },
    }
}
