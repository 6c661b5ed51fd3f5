//! The command line with all its commands, and the formats in which records are printed.
//!
//! The input is text: the arguments, one in each line. Each of them is also tried as a record format and
//! as a list of brokers.

use client::{Brokers, Record};

use super::text_of;
use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    input_bytes_max: 2048,
    // The parser of arguments keeps a good deal for each of them.
    memory_limits: |received_bytes| times_received(received_bytes, 64),
    ..Target::new("command_line", "arguments, record formats, addresses", run)
};

fn seeds() -> Vec<Vec<u8>> {
    let lines = [
        "serve --listen [::1]:9092 --set num.partitions=3 --data-dir x",
        "topic create a b -p 3 -r 1 -c retention.ms=1 --format json",
        "topic alter-config a -s x= --append y=a=b --subtract y=c --delete z --dry-run",
        "topic produce a -k key1 -H a=1 -H b= -p 2 -z zstd --acks all",
        "topic consume a b -g group -o @1700000000000 -p 0,1 -n 3 -f %t:%p:%o:%k:%v:%h:%T%%\\n",
        "topic consume a -o +5 -f json",
        "group seek g --to -3 --topics a,b --dry-run",
        "group describe g -b host.example,[::1]:1,::1",
        "debug segment wal/slot-00 --records --format json",
        "debug log verify --data-dir x",
        "cluster offsets --format text",
    ];
    lines
        .map(|line| line.replace(' ', "\n").into_bytes())
        .to_vec()
}

fn run(input: &[u8]) {
    let text = text_of(input);
    let arguments: Vec<&str> = text.lines().collect();
    // Refused or not: in words.
    let _ = ottla::fuzzing::parse_command_line(&arguments);
    let record = Record {
        topic: "topic1".to_owned(),
        partition: 0,
        offset: i64::MAX,
        timestamp_ms: -1,
        key: None,
        value: Some(input.to_vec()),
        headers: vec![
            ("name".to_owned(), Some(b"\xff".to_vec())),
            (text.clone(), None),
        ],
    };
    for argument in arguments {
        let _ = ottla::fuzzing::print_record(argument, &record);
        if let Ok(brokers) = argument.parse::<Brokers>() {
            let again = brokers.to_string().parse();
            assert_eq!(again, Ok(brokers), "what is shown means the same");
        }
    }
}
