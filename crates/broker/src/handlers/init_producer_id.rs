//! InitProducerId (key 22), versions 0 to 5: who a producer is.
//!
//! - Without a transactional id: a new id with epoch 0. An id is given out only after the block it is
//!   from is durable in the metadata log, so no restart gives it out again.
//! - With one: the id that belongs to it, with a new epoch, so that whoever had it before is fenced. A
//!   transaction that is under way is aborted first: CONCURRENT_TRANSACTIONS, until it is.
//! - v3+ may name the id and the epoch that the producer had (KIP-360), both or none. That only means
//!   something with a transactional id; a producer without one gets a new id either way, as in Kafka. It
//!   goes on only if nobody has taken over since.
//! - v4: PRODUCER_FENCED; INVALID_PRODUCER_EPOCH before.
//! - v6 (KIP-939, two-phase commit) is not stable in Kafka and not served.

use model::{ErrorCode, ProducerEpoch, ProducerId};
use transactions::{InitProducerId, Producer};
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use super::support::transactional::fenced_since;
use crate::context::RequestContext;
use crate::errors;
use crate::producer_ids::ProducerIdError;

/// The first version whose clients know PRODUCER_FENCED.
const FENCED_SINCE: i16 = 4;

/// Says who the producer is from now on.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let given = match request.transactional_id {
        None => new_producer(&ctx).await,
        Some(_) => transactional(&ctx, &request).await,
    };
    match given {
        Ok(producer) => InitProducerIdResponse {
            error_code: ErrorCode::None.code(),
            producer_id: producer.id.0,
            producer_epoch: producer.epoch.0,
            ..InitProducerIdResponse::default()
        },
        Err(error) => InitProducerIdResponse {
            error_code: error.code(),
            producer_id: ProducerId::NONE.0,
            producer_epoch: ProducerEpoch::NONE.0,
            ..InitProducerIdResponse::default()
        },
    }
}

async fn new_producer(ctx: &RequestContext) -> Result<Producer, ErrorCode> {
    match ctx.broker.producer_ids.next(&ctx.broker.metadata).await {
        Ok(id) => Ok(Producer {
            id,
            epoch: ProducerEpoch(0),
        }),
        Err(ProducerIdError::Exhausted) => Err(ErrorCode::UnknownServerError),
        Err(ProducerIdError::Write(error)) => Err(match errors::of_metadata_write(error) {
            // The API's own retriable code: clients ask another coordinator, or this one again.
            ErrorCode::KafkaStorageError => ErrorCode::CoordinatorNotAvailable,
            other => other,
        }),
    }
}

async fn transactional(
    ctx: &RequestContext,
    request: &InitProducerIdRequest,
) -> Result<Producer, ErrorCode> {
    let (id, epoch) = (request.producer_id, request.producer_epoch);
    let producer = match (id, epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ErrorCode::InvalidRequest),
        _ => Some(Producer {
            id: ProducerId(id),
            epoch: ProducerEpoch(epoch),
        }),
    };
    let request = InitProducerId {
        transactional_id: request.transactional_id.as_deref().unwrap_or_default(),
        timeout_ms: request.transaction_timeout_ms,
        producer,
        fresh_id: None,
    };
    let transactions = &ctx.broker.transactions;
    let given = transactions.init_producer_id(&ctx.broker, request).await;
    given.map_err(|error| fenced_since(FENCED_SINCE, ctx.version, error))
}
