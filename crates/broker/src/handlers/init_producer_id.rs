//! InitProducerId (key 22), versions 0 to 5: an id for an idempotent producer.
//!
//! - A transactional id gets INVALID_REQUEST: there are no transactions yet, and a producer that asks
//!   for them must fail at once and not hang.
//! - v3+ may name the id and the epoch that the producer had (KIP-360). That only means something with
//!   a transactional id; a producer without one gets a new id either way, as in Kafka.
//! - An id is given out only after the block it is from is durable in the metadata log, so no restart
//!   gives it out again.
//! - v6 (KIP-939, two-phase commit) is not stable in Kafka and not served.

use model::{ErrorCode, ProducerId};
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use crate::context::RequestContext;
use crate::errors;
use crate::producer_ids::ProducerIdError;

/// Gives out a new id with epoch 0.
pub(crate) async fn handle(
    ctx: RequestContext,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    if request.transactional_id.is_some() {
        return refused(ErrorCode::InvalidRequest);
    }
    match ctx.broker.producer_ids.next(&ctx.broker.metadata).await {
        Ok(producer_id) => InitProducerIdResponse {
            error_code: ErrorCode::None.code(),
            producer_id: producer_id.0,
            producer_epoch: 0,
            ..InitProducerIdResponse::default()
        },
        Err(ProducerIdError::Exhausted) => refused(ErrorCode::UnknownServerError),
        Err(ProducerIdError::Write(error)) => refused(match errors::of_metadata_write(error) {
            // The API's own retriable code: clients ask another coordinator, or this one again.
            ErrorCode::KafkaStorageError => ErrorCode::CoordinatorNotAvailable,
            other => other,
        }),
    }
}

fn refused(error: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse {
        error_code: error.code(),
        producer_id: ProducerId::NONE.0,
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    }
}
