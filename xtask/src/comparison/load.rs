//! What a broker is put under.

/// A gigabyte, as fast as it is taken.
pub(super) const GIGABYTE: &str =
    "produce TOPIC -p 16 --records 1000000 --record-bytes 1024 --batch-bytes 100000";

/// A benchmark and its options. `TOPIC` stands for the topic, `SECONDS` for the length of a block and
/// `LONGER` for one that lasts until a block is surely over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) partitions: u32,
    /// Whether each measurement has a topic of its own, as one for the whole row would take too much of the disk.
    pub(super) is_topic_new: bool,
    /// What fills the topic before it is measured; it is filled once.
    pub(super) fill: Option<&'static str>,
    /// What goes on meanwhile.
    pub(super) beside: Option<&'static str>,
    pub(super) measured: &'static str,
    /// Whether the forces of the disk are counted meanwhile, which slows the broker down.
    pub(super) are_forces_counted: bool,
    /// Whether the operating system is made to forget what is on disk before it is measured.
    pub(super) is_cold: bool,
}
