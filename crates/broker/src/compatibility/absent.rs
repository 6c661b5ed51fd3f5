//! The APIs that clients have and this broker does not serve.

/// APIs that serve one purpose together.
pub(super) struct Absent {
    /// What they are for.
    pub(super) purpose: &'static str,
    /// Their keys and names.
    pub(super) apis: &'static [(i16, &'static str)],
    /// What a client sees that wants it.
    pub(super) seen: &'static str,
}

/// Those of them that are no matter between brokers.
pub(super) static ABSENT: &[Absent] = &[
    Absent {
        purpose: "share groups",
        apis: &[
            (76, "ShareGroupHeartbeat"),
            (77, "ShareGroupDescribe"),
            (78, "ShareFetch"),
            (79, "ShareAcknowledge"),
            (90, "DescribeShareGroupOffsets"),
            (91, "AlterShareGroupOffsets"),
            (92, "DeleteShareGroupOffsets"),
        ],
        seen: "a share consumer says that the broker does not support it",
    },
    Absent {
        purpose: "groups of Kafka Streams that the broker manages (KIP-1071)",
        apis: &[(88, "StreamsGroupHeartbeat"), (89, "StreamsGroupDescribe")],
        seen: "an application with `group.protocol=streams` says that the broker does not support it",
    },
    Absent {
        purpose: "authentication",
        apis: &[
            (17, "SaslHandshake"),
            (36, "SaslAuthenticate"),
            (38, "CreateDelegationToken"),
            (39, "RenewDelegationToken"),
            (40, "ExpireDelegationToken"),
            (41, "DescribeDelegationToken"),
            (50, "DescribeUserScramCredentials"),
            (51, "AlterUserScramCredentials"),
        ],
        seen: "a client with `security.protocol` other than `PLAINTEXT` cannot connect",
    },
    Absent {
        purpose: "authorisation",
        apis: &[(29, "DescribeAcls"), (30, "CreateAcls"), (31, "DeleteAcls")],
        seen: "everybody may do everything; tools for ACLs say that the broker does not support them",
    },
    Absent {
        purpose: "the brokers of a cluster",
        apis: &[
            (57, "UpdateFeatures"),
            (64, "UnregisterBroker"),
            (80, "AddRaftVoter"),
            (81, "RemoveRaftVoter"),
        ],
        seen: "there is one broker; Kafka's tools for them say that it does not support them",
    },
    Absent {
        purpose: "metrics of clients (KIP-714)",
        apis: &[(71, "GetTelemetrySubscriptions"), (72, "PushTelemetry")],
        seen: "clients send none",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apis::APIS;

    #[test]
    fn what_is_served_is_not_said_to_be_absent() {
        let mut keys: Vec<_> = APIS.iter().map(|api| api.key.key()).collect();
        let absent = ABSENT.iter().flat_map(|absent| absent.apis);
        keys.extend(absent.map(|(key, _)| *key));
        keys.sort_unstable();
        for (one, next) in keys.iter().zip(keys.iter().skip(1)) {
            assert_ne!(one, next);
        }
    }
}
