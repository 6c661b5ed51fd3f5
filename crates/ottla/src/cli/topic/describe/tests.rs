use super::*;

fn durability_of(flush_messages: &str, flush_ms: &str) -> Option<&'static str> {
    let entry = |name: &str, value: &str| ConfigEntry {
        is_read_only: false,
        name: name.to_owned(),
        value: Some(value.to_owned()),
        source: String::new(),
        is_sensitive: false,
    };
    durability(&[
        entry("flush.messages", flush_messages),
        entry("flush.ms", flush_ms),
    ])
}

#[test]
fn a_topic_is_relaxed_when_neither_bound_forces_each_answer() {
    const NEVER: &str = "9223372036854775807";
    assert_eq!(durability_of("1", NEVER), Some("strict"));
    assert_eq!(durability_of("2", "0"), Some("strict"));
    assert_eq!(durability_of("2", "1"), Some("relaxed"));
    assert_eq!(
        durability_of(NEVER, NEVER),
        Some("relaxed"),
        "Kafka's default"
    );
    assert_eq!(durability_of("", NEVER), None);
    assert_eq!(durability(&[]), None);
}
