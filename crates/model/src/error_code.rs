//! The error codes of the Kafka protocol.
//!
//! A wrong code is worse than a late answer: clients decide by it whether to retry, to refresh their
//! metadata or to give up. [`ErrorCode::is_retriable`] tells what they will do.

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $retriable:literal;)*) => {
        /// An error code as it stands in responses; [`ErrorCode::None`] is success.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant = $code,)*
        }

        impl ErrorCode {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number on the wire.
            pub const fn code(self) -> i16 {
                self as i16
            }

            /// The code with this number; `None` for a number this broker does not know.
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Kafka's own upper-case name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whether clients repeat a request that got this code.
            pub const fn is_retriable(self) -> bool {
                match self {
                    $(Self::$variant => $retriable,)*
                }
            }
        }
    };
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

error_codes! {
    /// `UNKNOWN_SERVER_ERROR`.
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", false;
    /// `NONE`.
    None = 0, "NONE", false;
    /// `OFFSET_OUT_OF_RANGE`.
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", false;
    /// `CORRUPT_MESSAGE`.
    CorruptMessage = 2, "CORRUPT_MESSAGE", true;
    /// `UNKNOWN_TOPIC_OR_PARTITION`.
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", true;
    /// `INVALID_FETCH_SIZE`.
    InvalidFetchSize = 4, "INVALID_FETCH_SIZE", false;
    /// `LEADER_NOT_AVAILABLE`.
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", true;
    /// `NOT_LEADER_OR_FOLLOWER`.
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", true;
    /// `REQUEST_TIMED_OUT`.
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", true;
    /// `BROKER_NOT_AVAILABLE`.
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", false;
    /// `REPLICA_NOT_AVAILABLE`.
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", true;
    /// `MESSAGE_TOO_LARGE`.
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", false;
    /// `STALE_CONTROLLER_EPOCH`.
    StaleControllerEpoch = 11, "STALE_CONTROLLER_EPOCH", false;
    /// `OFFSET_METADATA_TOO_LARGE`.
    OffsetMetadataTooLarge = 12, "OFFSET_METADATA_TOO_LARGE", false;
    /// `NETWORK_EXCEPTION`.
    NetworkException = 13, "NETWORK_EXCEPTION", true;
    /// `COORDINATOR_LOAD_IN_PROGRESS`.
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", true;
    /// `COORDINATOR_NOT_AVAILABLE`.
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", true;
    /// `NOT_COORDINATOR`.
    NotCoordinator = 16, "NOT_COORDINATOR", true;
    /// `INVALID_TOPIC_EXCEPTION`.
    InvalidTopicException = 17, "INVALID_TOPIC_EXCEPTION", false;
    /// `RECORD_LIST_TOO_LARGE`.
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", false;
    /// `NOT_ENOUGH_REPLICAS`.
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", true;
    /// `NOT_ENOUGH_REPLICAS_AFTER_APPEND`.
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true;
    /// `INVALID_REQUIRED_ACKS`.
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", false;
    /// `ILLEGAL_GENERATION`.
    IllegalGeneration = 22, "ILLEGAL_GENERATION", false;
    /// `INCONSISTENT_GROUP_PROTOCOL`.
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", false;
    /// `INVALID_GROUP_ID`.
    InvalidGroupId = 24, "INVALID_GROUP_ID", false;
    /// `UNKNOWN_MEMBER_ID`.
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", false;
    /// `INVALID_SESSION_TIMEOUT`.
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", false;
    /// `REBALANCE_IN_PROGRESS`.
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", false;
    /// `INVALID_COMMIT_OFFSET_SIZE`.
    InvalidCommitOffsetSize = 28, "INVALID_COMMIT_OFFSET_SIZE", false;
    /// `TOPIC_AUTHORIZATION_FAILED`.
    TopicAuthorizationFailed = 29, "TOPIC_AUTHORIZATION_FAILED", false;
    /// `GROUP_AUTHORIZATION_FAILED`.
    GroupAuthorizationFailed = 30, "GROUP_AUTHORIZATION_FAILED", false;
    /// `CLUSTER_AUTHORIZATION_FAILED`.
    ClusterAuthorizationFailed = 31, "CLUSTER_AUTHORIZATION_FAILED", false;
    /// `INVALID_TIMESTAMP`.
    InvalidTimestamp = 32, "INVALID_TIMESTAMP", false;
    /// `UNSUPPORTED_SASL_MECHANISM`.
    UnsupportedSaslMechanism = 33, "UNSUPPORTED_SASL_MECHANISM", false;
    /// `ILLEGAL_SASL_STATE`.
    IllegalSaslState = 34, "ILLEGAL_SASL_STATE", false;
    /// `UNSUPPORTED_VERSION`.
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", false;
    /// `TOPIC_ALREADY_EXISTS`.
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", false;
    /// `INVALID_PARTITIONS`.
    InvalidPartitions = 37, "INVALID_PARTITIONS", false;
    /// `INVALID_REPLICATION_FACTOR`.
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", false;
    /// `INVALID_REPLICA_ASSIGNMENT`.
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", false;
    /// `INVALID_CONFIG`.
    InvalidConfig = 40, "INVALID_CONFIG", false;
    /// `NOT_CONTROLLER`.
    NotController = 41, "NOT_CONTROLLER", true;
    /// `INVALID_REQUEST`.
    InvalidRequest = 42, "INVALID_REQUEST", false;
    /// `UNSUPPORTED_FOR_MESSAGE_FORMAT`.
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", false;
    /// `POLICY_VIOLATION`.
    PolicyViolation = 44, "POLICY_VIOLATION", false;
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`.
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", false;
    /// `DUPLICATE_SEQUENCE_NUMBER`.
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", false;
    /// `INVALID_PRODUCER_EPOCH`.
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", false;
    /// `INVALID_TXN_STATE`.
    InvalidTxnState = 48, "INVALID_TXN_STATE", false;
    /// `INVALID_PRODUCER_ID_MAPPING`.
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING", false;
    /// `INVALID_TRANSACTION_TIMEOUT`.
    InvalidTransactionTimeout = 50, "INVALID_TRANSACTION_TIMEOUT", false;
    /// `CONCURRENT_TRANSACTIONS`.
    ConcurrentTransactions = 51, "CONCURRENT_TRANSACTIONS", true;
    /// `TRANSACTION_COORDINATOR_FENCED`.
    TransactionCoordinatorFenced = 52, "TRANSACTION_COORDINATOR_FENCED", false;
    /// `TRANSACTIONAL_ID_AUTHORIZATION_FAILED`.
    TransactionalIdAuthorizationFailed = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false;
    /// `SECURITY_DISABLED`.
    SecurityDisabled = 54, "SECURITY_DISABLED", false;
    /// `OPERATION_NOT_ATTEMPTED`.
    OperationNotAttempted = 55, "OPERATION_NOT_ATTEMPTED", false;
    /// `KAFKA_STORAGE_ERROR`.
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", true;
    /// `LOG_DIR_NOT_FOUND`.
    LogDirNotFound = 57, "LOG_DIR_NOT_FOUND", false;
    /// `SASL_AUTHENTICATION_FAILED`.
    SaslAuthenticationFailed = 58, "SASL_AUTHENTICATION_FAILED", false;
    /// `UNKNOWN_PRODUCER_ID`.
    UnknownProducerId = 59, "UNKNOWN_PRODUCER_ID", false;
    /// `REASSIGNMENT_IN_PROGRESS`.
    ReassignmentInProgress = 60, "REASSIGNMENT_IN_PROGRESS", false;
    /// `DELEGATION_TOKEN_AUTH_DISABLED`.
    DelegationTokenAuthDisabled = 61, "DELEGATION_TOKEN_AUTH_DISABLED", false;
    /// `DELEGATION_TOKEN_NOT_FOUND`.
    DelegationTokenNotFound = 62, "DELEGATION_TOKEN_NOT_FOUND", false;
    /// `DELEGATION_TOKEN_OWNER_MISMATCH`.
    DelegationTokenOwnerMismatch = 63, "DELEGATION_TOKEN_OWNER_MISMATCH", false;
    /// `DELEGATION_TOKEN_REQUEST_NOT_ALLOWED`.
    DelegationTokenRequestNotAllowed = 64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", false;
    /// `DELEGATION_TOKEN_AUTHORIZATION_FAILED`.
    DelegationTokenAuthorizationFailed = 65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", false;
    /// `DELEGATION_TOKEN_EXPIRED`.
    DelegationTokenExpired = 66, "DELEGATION_TOKEN_EXPIRED", false;
    /// `INVALID_PRINCIPAL_TYPE`.
    InvalidPrincipalType = 67, "INVALID_PRINCIPAL_TYPE", false;
    /// `NON_EMPTY_GROUP`.
    NonEmptyGroup = 68, "NON_EMPTY_GROUP", false;
    /// `GROUP_ID_NOT_FOUND`.
    GroupIdNotFound = 69, "GROUP_ID_NOT_FOUND", false;
    /// `FETCH_SESSION_ID_NOT_FOUND`.
    FetchSessionIdNotFound = 70, "FETCH_SESSION_ID_NOT_FOUND", true;
    /// `INVALID_FETCH_SESSION_EPOCH`.
    InvalidFetchSessionEpoch = 71, "INVALID_FETCH_SESSION_EPOCH", true;
    /// `LISTENER_NOT_FOUND`.
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", true;
    /// `TOPIC_DELETION_DISABLED`.
    TopicDeletionDisabled = 73, "TOPIC_DELETION_DISABLED", false;
    /// `FENCED_LEADER_EPOCH`.
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", true;
    /// `UNKNOWN_LEADER_EPOCH`.
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", true;
    /// `UNSUPPORTED_COMPRESSION_TYPE`.
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE", false;
    /// `STALE_BROKER_EPOCH`.
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", false;
    /// `OFFSET_NOT_AVAILABLE`.
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", true;
    /// `MEMBER_ID_REQUIRED`.
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", false;
    /// `PREFERRED_LEADER_NOT_AVAILABLE`.
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", true;
    /// `GROUP_MAX_SIZE_REACHED`.
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", false;
    /// `FENCED_INSTANCE_ID`.
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", false;
    /// `ELIGIBLE_LEADERS_NOT_AVAILABLE`.
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", true;
    /// `ELECTION_NOT_NEEDED`.
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", true;
    /// `NO_REASSIGNMENT_IN_PROGRESS`.
    NoReassignmentInProgress = 85, "NO_REASSIGNMENT_IN_PROGRESS", false;
    /// `GROUP_SUBSCRIBED_TO_TOPIC`.
    GroupSubscribedToTopic = 86, "GROUP_SUBSCRIBED_TO_TOPIC", false;
    /// `INVALID_RECORD`.
    InvalidRecord = 87, "INVALID_RECORD", false;
    /// `UNSTABLE_OFFSET_COMMIT`.
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", true;
    /// `THROTTLING_QUOTA_EXCEEDED`.
    ThrottlingQuotaExceeded = 89, "THROTTLING_QUOTA_EXCEEDED", true;
    /// `PRODUCER_FENCED`.
    ProducerFenced = 90, "PRODUCER_FENCED", false;
    /// `RESOURCE_NOT_FOUND`.
    ResourceNotFound = 91, "RESOURCE_NOT_FOUND", false;
    /// `DUPLICATE_RESOURCE`.
    DuplicateResource = 92, "DUPLICATE_RESOURCE", false;
    /// `UNACCEPTABLE_CREDENTIAL`.
    UnacceptableCredential = 93, "UNACCEPTABLE_CREDENTIAL", false;
    /// `INCONSISTENT_VOTER_SET`.
    InconsistentVoterSet = 94, "INCONSISTENT_VOTER_SET", false;
    /// `INVALID_UPDATE_VERSION`.
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", false;
    /// `FEATURE_UPDATE_FAILED`.
    FeatureUpdateFailed = 96, "FEATURE_UPDATE_FAILED", false;
    /// `PRINCIPAL_DESERIALIZATION_FAILURE`.
    PrincipalDeserializationFailure = 97, "PRINCIPAL_DESERIALIZATION_FAILURE", false;
    /// `SNAPSHOT_NOT_FOUND`.
    SnapshotNotFound = 98, "SNAPSHOT_NOT_FOUND", false;
    /// `UNKNOWN_TOPIC_ID`.
    UnknownTopicId = 100, "UNKNOWN_TOPIC_ID", true;
    /// `DUPLICATE_BROKER_REGISTRATION`.
    DuplicateBrokerRegistration = 101, "DUPLICATE_BROKER_REGISTRATION", false;
    /// `BROKER_ID_NOT_REGISTERED`.
    BrokerIdNotRegistered = 102, "BROKER_ID_NOT_REGISTERED", false;
    /// `INCONSISTENT_TOPIC_ID`.
    InconsistentTopicId = 103, "INCONSISTENT_TOPIC_ID", true;
    /// `INCONSISTENT_CLUSTER_ID`.
    InconsistentClusterId = 104, "INCONSISTENT_CLUSTER_ID", false;
    /// `TRANSACTIONAL_ID_NOT_FOUND`.
    TransactionalIdNotFound = 105, "TRANSACTIONAL_ID_NOT_FOUND", false;
    /// `FETCH_SESSION_TOPIC_ID_ERROR`.
    FetchSessionTopicIdError = 106, "FETCH_SESSION_TOPIC_ID_ERROR", true;
    /// `INELIGIBLE_REPLICA`.
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", false;
    /// `NEW_LEADER_ELECTED`.
    NewLeaderElected = 108, "NEW_LEADER_ELECTED", false;
    /// `OFFSET_MOVED_TO_TIERED_STORAGE`.
    OffsetMovedToTieredStorage = 109, "OFFSET_MOVED_TO_TIERED_STORAGE", false;
    /// `FENCED_MEMBER_EPOCH`.
    FencedMemberEpoch = 110, "FENCED_MEMBER_EPOCH", false;
    /// `UNRELEASED_INSTANCE_ID`.
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID", false;
    /// `UNSUPPORTED_ASSIGNOR`.
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR", false;
    /// `STALE_MEMBER_EPOCH`.
    StaleMemberEpoch = 113, "STALE_MEMBER_EPOCH", false;
    /// `MISMATCHED_ENDPOINT_TYPE`.
    MismatchedEndpointType = 114, "MISMATCHED_ENDPOINT_TYPE", false;
    /// `UNSUPPORTED_ENDPOINT_TYPE`.
    UnsupportedEndpointType = 115, "UNSUPPORTED_ENDPOINT_TYPE", false;
    /// `UNKNOWN_CONTROLLER_ID`.
    UnknownControllerId = 116, "UNKNOWN_CONTROLLER_ID", false;
    /// `UNKNOWN_SUBSCRIPTION_ID`.
    UnknownSubscriptionId = 117, "UNKNOWN_SUBSCRIPTION_ID", false;
    /// `TELEMETRY_TOO_LARGE`.
    TelemetryTooLarge = 118, "TELEMETRY_TOO_LARGE", false;
    /// `INVALID_REGISTRATION`.
    InvalidRegistration = 119, "INVALID_REGISTRATION", false;
    /// `TRANSACTION_ABORTABLE`.
    TransactionAbortable = 120, "TRANSACTION_ABORTABLE", false;
    /// `INVALID_RECORD_STATE`.
    InvalidRecordState = 121, "INVALID_RECORD_STATE", false;
    /// `SHARE_SESSION_NOT_FOUND`.
    ShareSessionNotFound = 122, "SHARE_SESSION_NOT_FOUND", true;
    /// `INVALID_SHARE_SESSION_EPOCH`.
    InvalidShareSessionEpoch = 123, "INVALID_SHARE_SESSION_EPOCH", true;
    /// `FENCED_STATE_EPOCH`.
    FencedStateEpoch = 124, "FENCED_STATE_EPOCH", false;
    /// `INVALID_VOTER_KEY`.
    InvalidVoterKey = 125, "INVALID_VOTER_KEY", false;
    /// `DUPLICATE_VOTER`.
    DuplicateVoter = 126, "DUPLICATE_VOTER", false;
    /// `VOTER_NOT_FOUND`.
    VoterNotFound = 127, "VOTER_NOT_FOUND", false;
    /// `INVALID_REGULAR_EXPRESSION`.
    InvalidRegularExpression = 128, "INVALID_REGULAR_EXPRESSION", false;
    /// `REBOOTSTRAP_REQUIRED`.
    RebootstrapRequired = 129, "REBOOTSTRAP_REQUIRED", false;
    /// `STREAMS_INVALID_TOPOLOGY`.
    StreamsInvalidTopology = 130, "STREAMS_INVALID_TOPOLOGY", false;
    /// `STREAMS_INVALID_TOPOLOGY_EPOCH`.
    StreamsInvalidTopologyEpoch = 131, "STREAMS_INVALID_TOPOLOGY_EPOCH", false;
    /// `STREAMS_TOPOLOGY_FENCED`.
    StreamsTopologyFenced = 132, "STREAMS_TOPOLOGY_FENCED", false;
    /// `SHARE_SESSION_LIMIT_REACHED`.
    ShareSessionLimitReached = 133, "SHARE_SESSION_LIMIT_REACHED", true;
}
