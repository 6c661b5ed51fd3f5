//! Cover marks: which steps the engine has taken, so that a test can show that all of them were.
//!
//! A step that no run takes is a step that nothing has tried. Each one that matters for what is
//! kept calls [`mark`]; builds with debug assertions count it for their thread, and in others the
//! call is nothing.

macro_rules! marks {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A step of the engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mark {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Mark {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// The name, as the enum spells it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

marks! {
    /// A start made the data directory.
    DirectoryMade,
    /// A start found no checkpoint.
    NoCheckpoint,
    /// A start took the newer of two sound checkpoints.
    NewestOfTwoCheckpoints,
    /// A start passed over a checkpoint that is not sound.
    UnsoundCheckpoint,
    /// A slot was forced and its cache dropped before it was read.
    SlotForcedAndDropped,
    /// The scan of a slot jumped over the body of a round.
    BodyJumpedOver,
    /// The scan of a slot went past a block that begins no round.
    InvalidBlockSteppedOver,
    /// Of two rounds with one number the one of the later start was taken.
    HigherEpochWins,
    /// The chain of rounds ended where the next number is missing.
    ChainEndMissing,
    /// The chain ended before a round that follows another one than its last.
    ChainEndOtherPredecessor,
    /// The chain ended before a round of an earlier start.
    ChainEndOlderEpoch,
    /// The chain ended before a round with a damaged table.
    ChainEndDamagedTable,
    /// Rounds above the end of the chain were cut.
    TailCut,
    /// The chain was cut at a damaged payload that nobody calls durable.
    PayloadCut,
    /// Acknowledged rounds are damaged: the engine is read-only.
    AcknowledgedRoundsDamaged,
    /// No checkpoint can be read, and the first round is gone.
    FirstRoundMissing,
    /// A slot whose making was cut short was removed.
    UnfinishedSlotRemoved,
    /// A listed segment is missing or too short.
    SegmentMissing,
    /// The producers of a log were taken from its snapshot.
    SnapshotUsed,
    /// The snapshot of a log cannot be read: its segments were folded again.
    SnapshotRebuilt,
    /// Batches of log 0 were folded.
    MetadataFolded,
    /// An entry was skipped because a segment has it.
    FlushedEntrySkipped,
    /// A group of batches was put into the queue.
    GroupQueued,
    /// A group was left to the next round, as not all of it had room.
    GroupLeftToNextRound,
    /// A group was refused that is larger than a round.
    GroupTooLarge,
    /// A batch was applied.
    BatchApplied,
    /// A log start was applied.
    LogStartApplied,
    /// A damaged payload that was acknowledged quarantined its log.
    PayloadQuarantined,
    /// A batch beyond the end of its log quarantined it.
    OffsetGap,
    /// An entry of a deleted log was dropped.
    DeletedLogEntryDropped,
    /// An entry names a log that never existed.
    UnknownLogEntry,
    /// A file that no checkpoint lists was removed by a start.
    UnlistedFileRemoved,
    /// A file that only the older checkpoint lists was left to the flusher.
    UnlistedFileLeft,
    /// The directory of a deleted log was left to the flusher.
    DeletedLogDirectoryLeft,
    /// The epoch began in a slot that was free.
    OpenInFreeSlot,
    /// The epoch began in a slot that was made for it.
    OpenInNewSlot,
    /// No slot was free and none could be made: everything was flushed before the epoch began.
    OpenAfterFlush,
    /// The disk was full, and the start served readers.
    StartOnFullDisk,
    /// The commit loop began the epoch of a start that could not.
    OpenLate,
    /// A segment was full.
    RollBySize,
    /// A segment was too old.
    RollByTime,
    /// Somebody asked for a new segment.
    RollByRequest,
    /// A segment was made.
    SegmentNew,
    /// A segment was written on.
    SegmentReopened,
    /// A segment was written past the page cache.
    SegmentDirect,
    /// What did not count of a segment was cut off before it was written on.
    ActiveSegmentCut,
    /// What a flush that failed had left under the name of a new segment was removed.
    LeftoverRemoved,
    /// Batches below the log start were left out of a segment.
    BelowStartLeftOut,
    /// The flush of a log failed: its segment is not written on.
    FlushFailedAndSealed,
    /// The directory of a log was forced.
    LogDirectoryForced,
    /// The directory that holds those of the logs was forced.
    LogsDirectoryForced,
    /// An index was taken from its files.
    IndexLoaded,
    /// An index was built from its segment.
    IndexBuilt,
    /// A producer snapshot was written.
    SnapshotWritten,
    /// `checkpoint.a` was written.
    CheckpointA,
    /// `checkpoint.b` was written.
    CheckpointB,
    /// A checkpoint could not be written.
    CheckpointFailed,
    /// A file that no checkpoint lists any more was removed.
    FileRemoved,
    /// The directory of a deleted log was removed.
    DirectoryRemoved,
    /// What is kept for readers only was dropped from memory.
    Evicted,
    /// What stays in memory was copied out of larger buffers.
    Detached,
    /// A slot was used again.
    SlotReused,
    /// A slot was made for a round that had none.
    SlotMadeForRound,
    /// A spare slot was made.
    SpareMade,
    /// There was no room on the disk for a spare slot.
    SpareFailed,
    /// Small slots were removed to make room for a large one.
    SmallSlotsRemoved,
    /// Slots became free behind a checkpoint.
    SlotsReleased,
    /// A round had to wait because all slots are in use.
    AllSlotsInUse,
    /// A round had to wait because there is no room on the disk for a slot.
    NoRoomForSlot,
    /// A round waited for entries that were expected.
    RoundWaited,
    /// A round was forced for an entry of a strict log, or a decision.
    ForceStrict,
    /// Unforced bytes reached their bound.
    ForceByBytes,
    /// Unforced records reached their bound.
    ForceByCount,
    /// Unforced records reached their age.
    ForceByAge,
    /// Unforced records were forced because they are not to be kept in memory.
    ForceByRequest,
    /// A round was written by who has appended it.
    CommittedHere,
    /// The last round was written again with more entries.
    RoundGrown,
    /// A slot was forced before it was left.
    ForceLeavingSlot,
    /// An empty round said what is durable.
    Attested,
    /// A write or a force of the write-ahead log failed.
    Poisoned,
    /// A file that no checkpoint lists any more has to wait for its time.
    FileKeptForReaders,
    /// A log was compacted.
    LogCompacted,
    /// Not all keys of a log fitted in memory.
    CompactedInPart,
    /// The compaction of a log failed.
    CompactionFailed,
    /// A log that was being compacted is not to be any more.
    CompactionGivenUp,
    /// Segments made place for what compaction has left of them.
    SegmentsReplaced,
    /// Compaction had nothing to take from a segment.
    SegmentLeftAlone,
    /// Of a batch some records went.
    BatchRewritten,
    /// A batch lost all its records and went with them.
    BatchDropped,
    /// A batch lost all its records and stays for its producer or its offset.
    BatchEmptied,
    /// A tombstone went.
    TombstoneDropped,
    /// The marker of a transaction went.
    MarkerDropped,
    /// What a read had begun on was replaced, and it began anew.
    ReadBegunAnew,
}

impl Mark {
    /// Whether only damage leads there: a fault of the medium that the engine is promised not to
    /// meet, or a defect of its own.
    pub const fn needs_damage(self) -> bool {
        matches!(
            self,
            Self::AcknowledgedRoundsDamaged
                | Self::FirstRoundMissing
                | Self::SegmentMissing
                | Self::SnapshotRebuilt
                | Self::PayloadQuarantined
                | Self::OffsetGap
                | Self::UnknownLogEntry
        )
    }
}

#[cfg(debug_assertions)]
thread_local! {
    static COUNTS: [std::cell::Cell<u64>; Mark::ALL.len()] =
        const { [const { std::cell::Cell::new(0) }; Mark::ALL.len()] };
}

/// Says that a step is taken.
#[inline]
pub(crate) fn mark(mark: Mark) {
    #[cfg(debug_assertions)]
    COUNTS.with(|counts| {
        if let Some(count) = counts.get(mark as usize) {
            count.set(count.get() + 1);
        }
    });
    #[cfg(not(debug_assertions))]
    let _ = mark;
}

/// How often each step was taken on this thread since this was last asked; nothing in builds
/// without debug assertions.
pub fn take_marks() -> Vec<(Mark, u64)> {
    #[cfg(debug_assertions)]
    return COUNTS.with(|counts| {
        let taken = Mark::ALL.iter().zip(counts);
        taken.map(|(mark, count)| (*mark, count.take())).collect()
    });
    #[cfg(not(debug_assertions))]
    return Vec::new();
}
