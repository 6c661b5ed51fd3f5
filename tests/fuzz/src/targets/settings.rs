//! The broker's settings: arguments of `serve`, variables and a TOML file; and settings of a topic, as
//! requests bring them.
//!
//! The input is text in three parts with a line `--` between them: the file; variables, `NAME=VALUE` in
//! each line; arguments, one in each line. The variables without `OTTLA_` are taken for a topic's settings.

use std::collections::BTreeMap;

use config::{BrokerSettings, Scope, lookup};

use super::text_of;
use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    input_bytes_max: 4096,
    // Parsers of arguments and of TOML keep more than the text.
    memory_limits: |received_bytes| times_received(received_bytes, 64),
    ..Target::new("settings", "settings from all their sources", run)
};

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "num.partitions = 3\n\"max.connections\" = 5\nlisten = \"[::1]:9092\"\n",
        "[num]\npartitions = 3\n[log]\nretention.hours = -1\n--\nOTTLA_HTTP=none\n",
        "--\nOTTLA_LISTEN=0.0.0.0:9092\nOTTLA_NUM_PARTITIONS=2\n--\n--advertise\nhost:1\n",
        "--\nretention.ms=-1\nsegment.bytes=1048576\nmessage.timestamp.type=LogAppendTime\n--\n",
        "--\n--\n--set\nlog.segment.bytes=20000000\n--set\nwal.max.bytes=1073741824\n",
        "data-dir = \"x\"\nlog-format = 'json'\nnum.partitions = [1, 2]\n--\n--\n--http\nnone\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn run(input: &[u8]) {
    let text = text_of(input);
    let mut parts = text.split("--\n");
    let file = parts.next().unwrap_or_default();
    let variables = parts.next().unwrap_or_default();
    let variables: Vec<(&str, &str)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    // The separator may be the beginning of an argument.
    let arguments: Vec<&str> = parts.flat_map(str::lines).collect();
    // Refused or not, each of them in words.
    let _ = ottla::fuzzing::load_settings(&arguments, &variables, file);
    let topic: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    for (name, value) in &topic {
        for scope in [Scope::Topic, Scope::Broker, Scope::Group] {
            checked_values_stay_the_same(scope, name, value);
        }
    }
    let broker = BrokerSettings::default();
    let _ = broker.topic_config(&topic);
    let _ = broker.describe_topic(&topic);
}

/// What is shown of a value means the same value.
fn checked_values_stay_the_same(scope: Scope, name: &str, value: &str) {
    match lookup(scope, name) {
        Ok(definition) => {
            if let Ok(shown) = definition.check(value) {
                assert_eq!(definition.check(&shown), Ok(shown));
            }
        }
        Err(error) => drop(error.to_string()),
    }
}
