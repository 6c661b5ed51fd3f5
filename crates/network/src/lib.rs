//! Crate network.
