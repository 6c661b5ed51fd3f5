//! WriteTxnMarkers, API 27, versions 1 to 1, flexible from 1.
//!
//! Writes the markers that end transactions into logs (KIP-98). Brokers send it, and tools that abort a
//! transaction which nobody ends (KIP-664). Version 0 is gone (KIP-896); version 2, with the version of the
//! transaction's rules (KIP-1228), is for brokers and left out.

// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.

use crate::Text;
use crate::decoder::{DecodeError, Source};
use crate::encoder::{Encoder, Tags};
use crate::field::Field;
use crate::message::message;

/// A request of WriteTxnMarkers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteTxnMarkersRequest {
    /// The markers.
    pub markers: Vec<WritableTxnMarker>,
}

impl Field for WriteTxnMarkersRequest {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            markers: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.markers);
        Tags::default().write(to);
    }
}

message!(WriteTxnMarkersRequest, 1..=1, 1, WriteTxnMarkers => WriteTxnMarkersResponse);

/// How one producer's transaction ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarker {
    /// Producer id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// Whether it is committed; else aborted.
    pub transaction_result: bool,
    /// Where.
    pub topics: Vec<WritableTxnMarkerTopic>,
    /// Epoch of the coordinator that says so; -1 from a tool.
    pub coordinator_epoch: i32,
}

impl Field for WritableTxnMarker {
    const SIZE_MIN: usize = 17;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            producer_id: from.read()?,
            producer_epoch: from.read()?,
            transaction_result: from.read()?,
            topics: from.read()?,
            coordinator_epoch: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.producer_id);
        to.write(&self.producer_epoch);
        to.write(&self.transaction_result);
        to.write(&self.topics);
        to.write(&self.coordinator_epoch);
        Tags::default().write(to);
    }
}

/// Partitions of one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerTopic {
    /// Topic name.
    pub name: Text,
    /// Partition indexes.
    pub partition_indexes: Vec<i32>,
}

impl Field for WritableTxnMarkerTopic {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partition_indexes: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partition_indexes);
        Tags::default().write(to);
    }
}

/// The answer to [`WriteTxnMarkersRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteTxnMarkersResponse {
    /// Outcome by marker.
    pub markers: Vec<WritableTxnMarkerResult>,
}

impl Field for WriteTxnMarkersResponse {
    const SIZE_MIN: usize = 2;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            markers: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.markers);
        Tags::default().write(to);
    }
}

message!(WriteTxnMarkersResponse, 1..=1, 1, WriteTxnMarkers);

/// The outcome for one producer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerResult {
    /// Producer id.
    pub producer_id: i64,
    /// By topic.
    pub topics: Vec<WritableTxnMarkerTopicResult>,
}

impl Field for WritableTxnMarkerResult {
    const SIZE_MIN: usize = 10;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            producer_id: from.read()?,
            topics: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.producer_id);
        to.write(&self.topics);
        Tags::default().write(to);
    }
}

/// The outcome for one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerTopicResult {
    /// Topic name.
    pub name: Text,
    /// By partition.
    pub partitions: Vec<WritableTxnMarkerPartitionResult>,
}

impl Field for WritableTxnMarkerTopicResult {
    const SIZE_MIN: usize = 3;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            name: from.read()?,
            partitions: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.name);
        to.write(&self.partitions);
        Tags::default().write(to);
    }
}

/// The outcome for one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerPartitionResult {
    /// Partition index.
    pub partition_index: i32,
    /// Error code.
    pub error_code: i16,
}

impl Field for WritableTxnMarkerPartitionResult {
    const SIZE_MIN: usize = 7;

    fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {
        let this = Self {
            partition_index: from.read()?,
            error_code: from.read()?,
        };
        from.read_tags(|_, _| Ok(false))?;
        Ok(this)
    }

    fn write(&self, to: &mut Encoder) {
        to.write(&self.partition_index);
        to.write_error(&self.error_code);
        Tags::default().write(to);
    }
}
