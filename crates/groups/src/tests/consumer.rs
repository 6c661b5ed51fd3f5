//! Consumer groups (KIP-848).

mod commits;
mod epochs;
mod heartbeats;
mod member;
mod patterns;
mod random;
mod static_members;
