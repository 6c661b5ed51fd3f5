use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn map(bytes_max: u64, load_factor: f64, keys: u64) -> OffsetMap {
    OffsetMap::new(bytes_max, load_factor, keys, [7; 16])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn it_is_a_map_in_bounded_memory(
        keys in prop::collection::vec(0..60u8, 0..300),
        slots in 0..80u64,
        load_factor in 0.0..1.1f64,
        expected_keys in 0..100u64,
    ) {
        let bytes_max = slots * SLOT_BYTES + 5;
        let mut map = map(bytes_max, load_factor, expected_keys);
        // Two places are the least it needs.
        prop_assert!(map.bytes() <= bytes_max.max(2 * SLOT_BYTES));
        let bytes = map.bytes();
        let mut model = HashMap::new();
        for (offset, key) in keys.iter().enumerate() {
            let known = model.contains_key(key);
            match map.insert(&[*key], offset as i64) {
                Ok(()) => {
                    model.insert(*key, offset as i64);
                }
                Err(IsFull) => {
                    prop_assert!(!known && model.len() == map.len_max);
                }
            }
        }
        for key in 0..60 {
            prop_assert_eq!(map.get(&[key]), model.get(&key).copied());
        }
        prop_assert_eq!(map.bytes(), bytes, "it does not grow");
        prop_assert!(model.len() <= map.len_max && map.len_max < map.slots.len());
    }
}

#[test]
fn it_has_room_for_the_keys_that_are_expected() {
    for keys in [0, 1, 2, 10, 1_000] {
        let mut map = map(1 << 20, 0.9, keys);
        let inserted = (0..keys).filter(|key| map.insert(&key.to_be_bytes(), 1).is_ok());
        assert_eq!(inserted.count() as u64, keys);
        assert!(
            map.bytes() < (keys + 4) * 24 * 10 / 9,
            "and for little more"
        );
    }
    assert_eq!(map(24_000, 0.9, 1 << 40).len_max, 900);
}

#[test]
fn another_seed_gives_other_places() {
    let one = OffsetMap::new(1 << 20, 0.5, 100, [1; 16]);
    let other = OffsetMap::new(1 << 20, 0.5, 100, [2; 16]);
    assert_ne!(one.hash(b"key"), other.hash(b"key"));
    let [first, second] = one.hash(b"key");
    assert_ne!(first, second);
}
