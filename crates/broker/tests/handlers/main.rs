//! The broker's handlers, driven by encoded requests through [`network::Service`] as the network
//! drives them, on a real data directory and without a socket.

mod alter_configs;
mod api_versions;
mod bad_input;
mod client_quotas;
mod configs;
mod consumer_groups;
mod create_partitions;
mod damage;
mod delete_records;
mod describe_log_dirs;
mod describe_topic_partitions;
mod documents;
mod durability;
mod dynamic_configs;
mod every_api;
mod fetch;
mod gated_disk;
mod group_durability;
mod group_migration;
mod group_offsets;
mod groups;
mod init_producer_id;
mod list_config_resources;
mod list_offsets;
mod metadata;
mod offset_for_leader_epoch;
mod one_broker;
mod produce;
mod restart;
mod retention;
mod support;
mod throttling;
mod ticking_clock;
mod topics_admin;
