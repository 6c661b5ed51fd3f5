//! From the errors of the layers below to the codes of the protocol, one exhaustive match each.
//!
//! A new variant does not compile until somebody has decided what clients are told.

use groups::GroupError;
use metadata::{AddPartitionsError, AlterConfigsError, CreateTopicError, DeleteTopicError};
use model::ErrorCode;
use storage::{AppendError, CommitError, ReadError, SetLogStartError};
use transactions::TransactionError;

use crate::metadata_store::MetadataWriteError;

/// A batch that was not appended.
pub(crate) fn of_append(error: AppendError) -> ErrorCode {
    match error {
        AppendError::OutOfOrderSequence => ErrorCode::OutOfOrderSequenceNumber,
        AppendError::InvalidProducerEpoch => ErrorCode::InvalidProducerEpoch,
        AppendError::InvalidTransactionState => ErrorCode::InvalidTxnState,
        AppendError::CoordinatorFenced => ErrorCode::TransactionCoordinatorFenced,
        AppendError::InvalidBatch => ErrorCode::CorruptMessage,
        AppendError::TooLarge => ErrorCode::MessageTooLarge,
        AppendError::Poisoned | AppendError::Quarantined | AppendError::DiskFull => {
            ErrorCode::KafkaStorageError
        }
        // Deleted between the lookup and the append.
        AppendError::Deleted => ErrorCode::UnknownTopicOrPartition,
        // Retriable with a refresh of the metadata: the client finds the broker again when it is back.
        AppendError::ShuttingDown => ErrorCode::NotLeaderOrFollower,
    }
}

/// A transaction that its coordinator does not let go on. Handlers put the older code in the place of
/// PRODUCER_FENCED for clients that do not know it.
pub(crate) fn of_transaction(error: TransactionError) -> ErrorCode {
    match error {
        TransactionError::InvalidTransactionalId => ErrorCode::InvalidRequest,
        TransactionError::InvalidTimeout => ErrorCode::InvalidTransactionTimeout,
        TransactionError::InvalidProducerIdMapping => ErrorCode::InvalidProducerIdMapping,
        TransactionError::ProducerFenced => ErrorCode::ProducerFenced,
        TransactionError::ConcurrentTransactions => ErrorCode::ConcurrentTransactions,
        TransactionError::InvalidState => ErrorCode::InvalidTxnState,
        TransactionError::TransactionTooLarge => ErrorCode::PolicyViolation,
        // The call is made again with one; nobody is told.
        TransactionError::ProducerIdNeeded => ErrorCode::CoordinatorNotAvailable,
    }
}

/// A batch that was appended and will not be acknowledged.
pub(crate) fn of_commit(error: CommitError) -> ErrorCode {
    match error {
        CommitError::Poisoned | CommitError::DiskFull => ErrorCode::KafkaStorageError,
        CommitError::ShuttingDown => ErrorCode::NotLeaderOrFollower,
    }
}

/// A log start that is not moved.
pub(crate) fn of_set_log_start(error: SetLogStartError) -> ErrorCode {
    match error {
        SetLogStartError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        SetLogStartError::Poisoned | SetLogStartError::Quarantined => ErrorCode::KafkaStorageError,
        SetLogStartError::Deleted => ErrorCode::UnknownTopicOrPartition,
        SetLogStartError::ShuttingDown => ErrorCode::NotLeaderOrFollower,
    }
}

/// Records that cannot be read.
pub(crate) fn of_read(error: ReadError) -> ErrorCode {
    match error {
        ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::Damaged => ErrorCode::KafkaStorageError,
        ReadError::Deleted => ErrorCode::UnknownTopicOrPartition,
    }
}

/// A request of a group's member that is refused.
pub(crate) fn of_group(error: GroupError) -> ErrorCode {
    match error {
        GroupError::InvalidGroupId => ErrorCode::InvalidGroupId,
        GroupError::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
        GroupError::UnknownMemberId => ErrorCode::UnknownMemberId,
        GroupError::IllegalGeneration => ErrorCode::IllegalGeneration,
        GroupError::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
        GroupError::MemberIdRequired => ErrorCode::MemberIdRequired,
        GroupError::GroupMaxSizeReached => ErrorCode::GroupMaxSizeReached,
        GroupError::FencedInstanceId => ErrorCode::FencedInstanceId,
        GroupError::RebalanceInProgress => ErrorCode::RebalanceInProgress,
        GroupError::NonEmptyGroup => ErrorCode::NonEmptyGroup,
        GroupError::GroupIdNotFound => ErrorCode::GroupIdNotFound,
        GroupError::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
        GroupError::OffsetMetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
        GroupError::CommitTooLarge => ErrorCode::InvalidCommitOffsetSize,
        // As Kafka answers when a group's record is larger than its log takes.
        GroupError::GroupTooLarge => ErrorCode::UnknownServerError,
        GroupError::FencedMemberEpoch => ErrorCode::FencedMemberEpoch,
        GroupError::StaleMemberEpoch => ErrorCode::StaleMemberEpoch,
        GroupError::UnreleasedInstanceId => ErrorCode::UnreleasedInstanceId,
        GroupError::UnsupportedVersion => ErrorCode::UnsupportedVersion,
        GroupError::InvalidRequest => ErrorCode::InvalidRequest,
    }
}

/// A change of the metadata that could not be written.
pub(crate) fn of_metadata_write(error: MetadataWriteError) -> ErrorCode {
    match error {
        // The broker's own batch is well-formed and has no producer: any refusal is the disk's.
        MetadataWriteError::Append(error) => match of_append(error) {
            ErrorCode::NotLeaderOrFollower => ErrorCode::NotController,
            _ => ErrorCode::KafkaStorageError,
        },
        MetadataWriteError::Commit(error) => match error {
            CommitError::Poisoned | CommitError::DiskFull => ErrorCode::KafkaStorageError,
            CommitError::ShuttingDown => ErrorCode::NotController,
        },
    }
}

/// A topic that is not created.
pub(crate) fn of_create_topic(error: &CreateTopicError) -> ErrorCode {
    match error {
        CreateTopicError::InvalidName(_)
        | CreateTopicError::InternalName
        | CreateTopicError::Collides(_) => ErrorCode::InvalidTopicException,
        CreateTopicError::Exists => ErrorCode::TopicAlreadyExists,
        CreateTopicError::InvalidPartitions(_) | CreateTopicError::TooManyPartitions => {
            ErrorCode::InvalidPartitions
        }
        CreateTopicError::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
        CreateTopicError::InvalidReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
        CreateTopicError::AssignmentAndCount(_) => ErrorCode::InvalidRequest,
        CreateTopicError::InvalidConfig(_) | CreateTopicError::NullConfigs(_) => {
            ErrorCode::InvalidConfig
        }
    }
}

/// A topic that gets no more partitions.
pub(crate) fn of_add_partitions(error: &AddPartitionsError) -> ErrorCode {
    match error {
        AddPartitionsError::UnknownTopic => ErrorCode::UnknownTopicOrPartition,
        AddPartitionsError::Internal => ErrorCode::PolicyViolation,
        AddPartitionsError::NoIncrease { .. }
        | AddPartitionsError::TooManyOfTopic(_)
        | AddPartitionsError::TooManyPartitions => ErrorCode::InvalidPartitions,
        AddPartitionsError::InvalidReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
    }
}

/// A topic that is not deleted.
pub(crate) fn of_delete_topic(error: &DeleteTopicError) -> ErrorCode {
    match error {
        DeleteTopicError::UnknownName => ErrorCode::UnknownTopicOrPartition,
        DeleteTopicError::UnknownId => ErrorCode::UnknownTopicId,
        DeleteTopicError::Internal(_) => ErrorCode::PolicyViolation,
    }
}

/// A topic whose settings are not changed.
pub(crate) fn of_alter_configs(error: &AlterConfigsError) -> ErrorCode {
    match error {
        AlterConfigsError::UnknownTopic => ErrorCode::UnknownTopicOrPartition,
        AlterConfigsError::Internal => ErrorCode::PolicyViolation,
        // Kafka has no better code for a setting that the broker cannot have (KAFKA-13609).
        AlterConfigsError::Duplicate(_)
        | AlterConfigsError::NotDynamic(_)
        | AlterConfigsError::InvalidBrokerConfig(_) => ErrorCode::InvalidRequest,
        AlterConfigsError::NotAList(_) | AlterConfigsError::InvalidConfig(_) => {
            ErrorCode::InvalidConfig
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_code_that_makes_clients_do_the_right_thing() {
        use ErrorCode as Code;
        for (error, code) in [
            (
                AppendError::OutOfOrderSequence,
                Code::OutOfOrderSequenceNumber,
            ),
            (
                AppendError::InvalidProducerEpoch,
                Code::InvalidProducerEpoch,
            ),
            (AppendError::InvalidTransactionState, Code::InvalidTxnState),
            (
                AppendError::CoordinatorFenced,
                Code::TransactionCoordinatorFenced,
            ),
            (AppendError::InvalidBatch, Code::CorruptMessage),
            (AppendError::TooLarge, Code::MessageTooLarge),
            (AppendError::Poisoned, Code::KafkaStorageError),
            (AppendError::Quarantined, Code::KafkaStorageError),
            (AppendError::DiskFull, Code::KafkaStorageError),
            (AppendError::Deleted, Code::UnknownTopicOrPartition),
            (AppendError::ShuttingDown, Code::NotLeaderOrFollower),
        ] {
            assert_eq!(of_append(error), code, "{error:?}");
        }
        for (error, code) in [
            (CommitError::Poisoned, Code::KafkaStorageError),
            (CommitError::DiskFull, Code::KafkaStorageError),
            (CommitError::ShuttingDown, Code::NotLeaderOrFollower),
        ] {
            assert_eq!(of_commit(error), code, "{error:?}");
        }
        let above = SetLogStartError::OutOfRange {
            high_watermark: 0.into(),
        };
        for (error, code) in [
            (above, Code::OffsetOutOfRange),
            (SetLogStartError::Poisoned, Code::KafkaStorageError),
            (SetLogStartError::Quarantined, Code::KafkaStorageError),
            (SetLogStartError::Deleted, Code::UnknownTopicOrPartition),
            (SetLogStartError::ShuttingDown, Code::NotLeaderOrFollower),
        ] {
            assert_eq!(of_set_log_start(error), code, "{error:?}");
        }
        let out_of_range = ReadError::OutOfRange {
            log_start: 0.into(),
            high_watermark: 0.into(),
        };
        for (error, code) in [
            (out_of_range, Code::OffsetOutOfRange),
            (ReadError::Damaged, Code::KafkaStorageError),
            (ReadError::Deleted, Code::UnknownTopicOrPartition),
        ] {
            assert_eq!(of_read(error), code, "{error:?}");
        }
        for (error, code) in [
            (
                MetadataWriteError::Append(AppendError::Poisoned),
                Code::KafkaStorageError,
            ),
            (
                MetadataWriteError::Append(AppendError::InvalidBatch),
                Code::KafkaStorageError,
            ),
            (
                MetadataWriteError::Append(AppendError::ShuttingDown),
                Code::NotController,
            ),
            (
                MetadataWriteError::Commit(CommitError::Poisoned),
                Code::KafkaStorageError,
            ),
            (
                MetadataWriteError::Commit(CommitError::ShuttingDown),
                Code::NotController,
            ),
        ] {
            assert_eq!(of_metadata_write(error), code, "{error:?}");
        }
    }

    #[test]
    fn refusals_of_transactions_have_kafkas_codes() {
        use ErrorCode as Code;
        for (error, code) in [
            (
                TransactionError::InvalidTransactionalId,
                Code::InvalidRequest,
            ),
            (
                TransactionError::InvalidTimeout,
                Code::InvalidTransactionTimeout,
            ),
            (
                TransactionError::InvalidProducerIdMapping,
                Code::InvalidProducerIdMapping,
            ),
            (TransactionError::ProducerFenced, Code::ProducerFenced),
            (
                TransactionError::ConcurrentTransactions,
                Code::ConcurrentTransactions,
            ),
            (TransactionError::InvalidState, Code::InvalidTxnState),
            (TransactionError::TransactionTooLarge, Code::PolicyViolation),
            (
                TransactionError::ProducerIdNeeded,
                Code::CoordinatorNotAvailable,
            ),
        ] {
            assert_eq!(of_transaction(error), code, "{error:?}");
        }
    }

    #[test]
    fn refusals_of_topics_have_kafkas_codes() {
        use ErrorCode as Code;
        for (error, code) in [
            (CreateTopicError::InternalName, Code::InvalidTopicException),
            (CreateTopicError::Exists, Code::TopicAlreadyExists),
            (
                CreateTopicError::InvalidPartitions(0),
                Code::InvalidPartitions,
            ),
            (
                CreateTopicError::InvalidReplicationFactor(2),
                Code::InvalidReplicationFactor,
            ),
            (
                CreateTopicError::AssignmentAndCount(""),
                Code::InvalidRequest,
            ),
            (
                CreateTopicError::NullConfigs(String::new()),
                Code::InvalidConfig,
            ),
        ] {
            assert_eq!(of_create_topic(&error), code, "{error:?}");
        }
        for (error, code) in [
            (
                AddPartitionsError::UnknownTopic,
                Code::UnknownTopicOrPartition,
            ),
            (AddPartitionsError::Internal, Code::PolicyViolation),
            (
                AddPartitionsError::TooManyPartitions,
                Code::InvalidPartitions,
            ),
        ] {
            assert_eq!(of_add_partitions(&error), code, "{error:?}");
        }
        for (error, code) in [
            (DeleteTopicError::UnknownName, Code::UnknownTopicOrPartition),
            (DeleteTopicError::UnknownId, Code::UnknownTopicId),
        ] {
            assert_eq!(of_delete_topic(&error), code, "{error:?}");
        }
        for (error, code) in [
            (
                AlterConfigsError::UnknownTopic,
                Code::UnknownTopicOrPartition,
            ),
            (AlterConfigsError::Internal, Code::PolicyViolation),
            (
                AlterConfigsError::Duplicate(String::new()),
                Code::InvalidRequest,
            ),
            (AlterConfigsError::NotAList(""), Code::InvalidConfig),
            (AlterConfigsError::NotDynamic(""), Code::InvalidRequest),
        ] {
            assert_eq!(of_alter_configs(&error), code, "{error:?}");
        }
    }
}
