//! The broker's handlers, driven by encoded requests through [`network::Service`] as the network
//! drives them, on a real data directory and without a socket.

mod api_versions;
mod bad_input;
mod configs;
mod consumer_groups;
mod damage;
mod documents;
mod durability;
mod every_api;
mod fetch;
mod gated_disk;
mod group_durability;
mod group_migration;
mod group_offsets;
mod groups;
mod init_producer_id;
mod list_offsets;
mod metadata;
mod offset_for_leader_epoch;
mod produce;
mod restart;
mod retention;
mod support;
mod topics_admin;
