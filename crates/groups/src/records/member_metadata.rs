//! The value of a consumer group member's metadata: what the member has said of itself.
//!
//! v0, flexible: instance id, rack, client id, client host, subscribed topics, subscribed pattern,
//! rebalance timeout, assignor. Tag 0 is there for a member that speaks the classic protocol: session
//! timeout and protocols.

use bytes::Bytes;
use coordination::{Reader, Writer};

use super::{RecordError, decode_version_0};
use crate::api::Protocol;

/// What a member of a consumer group has said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MemberMetadata {
    /// The id a static member keeps over restarts (KIP-345).
    pub(crate) instance_id: Option<String>,
    /// The rack of the client.
    pub(crate) rack_id: Option<String>,
    /// The client's own name.
    pub(crate) client_id: String,
    /// Where it connected from.
    pub(crate) client_host: String,
    /// The topics it subscribes to by name, in order.
    pub(crate) topics: Vec<String>,
    /// The pattern of the topics it subscribes to; never empty.
    pub(crate) pattern: Option<String>,
    /// How long it may take to give partitions up, in milliseconds.
    pub(crate) rebalance_timeout_ms: i32,
    /// The assignor it wants.
    pub(crate) assignor: Option<String>,
    /// What is known of it besides, if it speaks the classic protocol.
    pub(crate) classic: Option<ClassicMetadata>,
}

/// What the classic protocol adds to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClassicMetadata {
    /// How long the member may be silent, in milliseconds.
    pub(crate) session_timeout_ms: i32,
    /// What it supports, best first.
    pub(crate) protocols: Vec<Protocol>,
}

impl MemberMetadata {
    pub(crate) fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let mut reader = decode_version_0(value)?;
        let mut member = Self {
            instance_id: reader.compact_nullable_text()?.map(str::to_owned),
            rack_id: reader.compact_nullable_text()?.map(str::to_owned),
            client_id: reader.compact_text()?.to_owned(),
            client_host: reader.compact_text()?.to_owned(),
            topics: reader.compact_texts()?,
            pattern: reader
                .compact_nullable_text()?
                .filter(|pattern| !pattern.is_empty())
                .map(str::to_owned),
            rebalance_timeout_ms: reader.i32()?,
            assignor: reader.compact_nullable_text()?.map(str::to_owned),
            classic: None,
        };
        reader.tags(|tag, mut payload| {
            if tag == 0 && payload.i8()? >= 0 {
                member.classic = Some(ClassicMetadata::decode(&mut payload)?);
            }
            Ok::<_, RecordError>(())
        })?;
        Ok(member)
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.i16(0);
        writer.compact_nullable_text(self.instance_id.as_deref());
        writer.compact_nullable_text(self.rack_id.as_deref());
        writer.compact_text(&self.client_id);
        writer.compact_text(&self.client_host);
        writer.compact_texts(&self.topics);
        writer.compact_nullable_text(self.pattern.as_deref());
        writer.i32(self.rebalance_timeout_ms);
        writer.compact_nullable_text(self.assignor.as_deref());
        match &self.classic {
            None => writer.no_tags(),
            Some(classic) => {
                let mut payload = Writer::default();
                payload.i8(1);
                classic.encode(&mut payload);
                writer.tag_0(payload);
            }
        }
        writer.finish()
    }
}

impl ClassicMetadata {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        let session_timeout_ms = reader.i32()?;
        let count = reader.compact_length()?.ok_or(RecordError::BadLength)?;
        let mut protocols = Vec::new();
        for _ in 0..count {
            protocols.push(Protocol {
                name: reader.compact_text()?.to_owned(),
                metadata: Bytes::copy_from_slice(reader.compact_bytes()?),
            });
            reader.skip_tags()?;
        }
        reader.skip_tags()?;
        Ok(Self {
            session_timeout_ms,
            protocols,
        })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.i32(self.session_timeout_ms);
        writer.compact_count(self.protocols.len());
        for protocol in &self.protocols {
            writer.compact_text(&protocol.name);
            writer.compact_bytes(&protocol.metadata);
            writer.no_tags();
        }
        writer.no_tags();
    }
}
