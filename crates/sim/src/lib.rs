//! Crate sim.
