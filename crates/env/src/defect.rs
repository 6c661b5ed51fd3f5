//! Deliberate defects, for checking the checkers.
//!
//! A check that has never been seen to fail proves nothing. With the cargo feature `defects` the
//! product can be told by the variable `DEFECT` to be wrong in one way of a list; every one of them
//! must be found by a test. Without the feature, as in every release, none of this exists:
//! [`has_defect`] is a constant `false`.

/// One way to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Answers that wait for a round leave before the round is written.
    AcknowledgeBeforeWrite,
    /// Rounds of the write-ahead log are not forced.
    SkipForce,
    /// New files are not forced into their directory.
    SkipDirectoryForce,
    /// What is known of idempotent producers is lost with a restart.
    ForgetProducers,
    /// Readers of committed records also get the first batch that is not stable.
    LastStableInclusive,
    /// The slot after the oldest one is written over while its rounds are needed.
    ReuseSlotEarly,
    /// Recovery reads what the cache holds, which after a failed force is not what the disk holds.
    KeepCacheAtRecovery,
    /// Readers see a round when it is written and not yet forced.
    PublishWhenWritten,
    /// The checkpoint is forced before the segments that it lists.
    CheckpointBeforeSegments,
    /// Recovery does not ask whether a round follows the one before.
    IgnorePreviousCrc,
    /// Slots are released when the checkpoint is written and not yet forced.
    ReleaseBeforeCheckpoint,
    /// A batch that came again is answered before the first one is durable.
    AnswerDuplicateEarly,
    /// Batches that belong together may go into different rounds.
    SplitGroups,
    /// A segment that compaction has made takes the place of others before it is forced.
    ReplaceBeforeForce,
    /// Segments that were compacted are removed before a checkpoint lists what has replaced them.
    RemoveReplacedEarly,
    /// An answer about committed offsets does not wait until they are durable.
    AnswerOffsetsEarly,
    /// An answer about topics does not wait until the change is durable.
    AnswerTopicsEarly,
    /// The end of a transaction leaves out the marker of one of its partitions.
    SkipMarker,
    /// A log counts as stable up to one offset more than it is.
    LastStableOffByOne,
    /// Offsets of a transaction count before it has ended.
    ShowPendingOffsets,
    /// A new instance of a transactional producer gets the epoch of the one before it.
    KeepEpoch,
    /// That a transaction has begun, and which partitions it has, is not written.
    BeginInMemory,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::AcknowledgeBeforeWrite,
        Self::SkipForce,
        Self::SkipDirectoryForce,
        Self::ForgetProducers,
        Self::LastStableInclusive,
        Self::ReuseSlotEarly,
        Self::KeepCacheAtRecovery,
        Self::PublishWhenWritten,
        Self::CheckpointBeforeSegments,
        Self::IgnorePreviousCrc,
        Self::ReleaseBeforeCheckpoint,
        Self::AnswerDuplicateEarly,
        Self::SplitGroups,
        Self::ReplaceBeforeForce,
        Self::RemoveReplacedEarly,
        Self::AnswerOffsetsEarly,
        Self::AnswerTopicsEarly,
        Self::SkipMarker,
        Self::LastStableOffByOne,
        Self::ShowPendingOffsets,
        Self::KeepEpoch,
        Self::BeginInMemory,
    ];

    /// The value of `DEFECT` that chooses it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcknowledgeBeforeWrite => "acknowledge-before-write",
            Self::SkipForce => "skip-force",
            Self::SkipDirectoryForce => "skip-directory-force",
            Self::ForgetProducers => "forget-producers",
            Self::LastStableInclusive => "last-stable-inclusive",
            Self::ReuseSlotEarly => "reuse-slot-early",
            Self::KeepCacheAtRecovery => "keep-cache-at-recovery",
            Self::PublishWhenWritten => "publish-when-written",
            Self::CheckpointBeforeSegments => "checkpoint-before-segments",
            Self::IgnorePreviousCrc => "ignore-previous-crc",
            Self::ReleaseBeforeCheckpoint => "release-before-checkpoint",
            Self::AnswerDuplicateEarly => "answer-duplicate-early",
            Self::SplitGroups => "split-groups",
            Self::ReplaceBeforeForce => "replace-before-force",
            Self::RemoveReplacedEarly => "remove-replaced-early",
            Self::AnswerOffsetsEarly => "answer-offsets-early",
            Self::AnswerTopicsEarly => "answer-topics-early",
            Self::SkipMarker => "skip-marker",
            Self::LastStableOffByOne => "last-stable-off-by-one",
            Self::ShowPendingOffsets => "show-pending-offsets",
            Self::KeepEpoch => "keep-epoch",
            Self::BeginInMemory => "begin-in-memory",
        }
    }
}

/// Whether this process is to be wrong in this way.
#[cfg(not(feature = "defects"))]
#[inline]
pub const fn has_defect(_: Defect) -> bool {
    false
}

/// Whether this process is to be wrong in this way. Panics if `DEFECT` names no defect.
#[cfg(feature = "defects")]
pub fn has_defect(defect: Defect) -> bool {
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<Option<Defect>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let name = std::env::var("DEFECT").ok()?;
        let found = Defect::ALL.into_iter().find(|each| each.name() == name);
        assert!(found.is_some(), "there is no defect {name}");
        found
    });
    *chosen == Some(defect)
}
