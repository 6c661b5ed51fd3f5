//! The broker's metadata: which topics there are, what they are called, which logs hold their
//! partitions, how they and the broker are configured, what clients are limited to, and which ids were
//! given out.
//!
//! The truth is the metadata log (log 0): a sequence of [`MetadataRecord`]s. [`Image`] is their
//! fold. A request is planned (`plan_*`): a pure function looks at the image and gives the records
//! that carry it out, or the reason why not. The caller appends the records, waits until they are
//! durable, and applies them. Nothing here does I/O or reads a clock.

mod codec;
mod image;
mod plan;
mod quotas;
mod record;

pub use codec::DecodeError;
pub use image::{ApplyError, ClusterId, Image, Topic};
pub use plan::{
    AddPartitionsError, AlterConfig, AlterConfigsError, AlterOperation, Assignment,
    CreateTopicError, DeleteTopicError, MorePartitions, NewTopic, PARTITIONS_MAX,
    PRODUCER_ID_BLOCK, Resource, TopicReference, is_internal, plan_add_partitions,
    plan_alter_client_quotas, plan_alter_configs, plan_cluster, plan_create_internal_topic,
    plan_create_topic, plan_delete_topic, plan_producer_ids, plan_replace_configs,
};
pub use quotas::{
    ClientQuotas, EntityName, InvalidQuota, NameFilter, QuotaEntity, QuotaFilter, QuotaKey,
    QuotaLimit, Quotas,
};
pub use record::MetadataRecord;
