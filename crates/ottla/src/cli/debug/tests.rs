use super::*;

#[test]
fn slots_are_told_from_segments_by_their_names() {
    for (path, slot) in [
        ("ottla-data/wal/slot-00", true),
        ("slot-17", true),
        ("00000000000000000000.log", false),
        ("slot-00/00000000000000000012.log", false),
        ("..", false),
    ] {
        assert_eq!(is_slot(Path::new(path)), slot, "{path}");
    }
}
