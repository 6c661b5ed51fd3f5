//! Consumer groups (KIP-848).

mod classic_member;
mod commits;
mod cut_logs;
mod epochs;
mod heartbeats;
mod member;
mod migration;
mod moving;
mod patterns;
mod random;
mod refusals;
mod static_members;
