//! AddOffsetsToTxn (key 25), versions 0 to 4: takes the offsets of a group into a transaction, that is, the
//! partition of `__consumer_offsets` that holds them.
//!
//! - v2: PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before (KIP-588). v3: flexible. v4: no new behaviour.
//! - Clients that go by `transaction.version` 2 leave it out: TxnOffsetCommit does it (KIP-890).

use model::ErrorCode;
use transactions::{ClientVersion, Partitions};
use wire::messages::add_offsets_to_txn::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::support::transactional::{fenced_since, producer_of};
use crate::context::RequestContext;

/// The first version whose clients know PRODUCER_FENCED.
const FENCED_SINCE: i16 = 2;

/// Adds the partition of the group.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: AddOffsetsToTxnRequest,
) -> AddOffsetsToTxnResponse {
    let error = match add(&ctx, &request).await {
        Ok(()) => ErrorCode::None,
        Err(error) => fenced_since(FENCED_SINCE, ctx.version, error),
    };
    AddOffsetsToTxnResponse {
        error_code: error.code(),
        ..AddOffsetsToTxnResponse::default()
    }
}

async fn add(ctx: &RequestContext, request: &AddOffsetsToTxnRequest) -> Result<(), ErrorCode> {
    let broker = &ctx.broker;
    let (topic, index) = broker.groups.place_of(broker, &request.group_id).await?;
    let of = producer_of(
        &request.transactional_id,
        request.producer_id,
        request.producer_epoch,
    );
    let partitions: Partitions = [(&topic, index)].into_iter().collect();
    let transactions = &broker.transactions;
    transactions
        .add_partitions(broker, of, &partitions, ClientVersion::One)
        .await
}
