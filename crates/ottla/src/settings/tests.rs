//! Which source wins, what is refused, and in which words.

use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::{LogFormat, ServeArguments, Settings, Sources, load};

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    serve: ServeArguments,
}

/// Loads from a command line, an environment and a file `ottla.toml`.
fn try_load(
    flags: &str,
    environment: &[(&str, &str)],
    file: &str,
) -> Result<(Settings, Vec<String>), String> {
    let words = std::iter::once("serve").chain(flags.split_whitespace());
    let arguments = CommandLine::try_parse_from(words).unwrap().serve;
    let environment = environment
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let sources = Sources {
        environment: environment.collect(),
        read_file: |path: &Path| match path.to_str() {
            Some("ottla.toml") => Ok(file.to_owned()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
        },
        look_up: |host: &str| match host {
            "localhost" => Ok(IpAddr::from([127, 0, 0, 1])),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such name")),
        },
    };
    load(&arguments, sources).map_err(|error| error.to_string())
}

fn loaded(flags: &str, environment: &[(&str, &str)], file: &str) -> Settings {
    try_load(flags, environment, file).unwrap().0
}

#[test]
fn without_anything_the_defaults_hold() {
    let settings = loaded("", &[], "");
    assert_eq!(settings.data_dir, PathBuf::from("./ottla-data"));
    assert_eq!(settings.listen.to_string(), "127.0.0.1:9092");
    assert_eq!(settings.advertise.to_string(), "127.0.0.1:9092");
    assert_eq!(settings.http, Some("127.0.0.1:8080".parse().unwrap()));
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!(settings.broker, config::BrokerSettings::default());
}

#[test]
fn flags_are_stronger_than_variables_and_variables_than_the_file() {
    let file = "
        data-dir = 'file'
        listen = 'localhost:1'
        http = 'none'
        log-format = 'json'
        num.partitions = 1
        node.id = 1
        'offsets.topic.num.partitions' = 1
        [log.retention]
        hours = 1
    ";
    let environment = [
        ("OTTLA_CONFIG", "ottla.toml"),
        ("OTTLA_LISTEN", "localhost:2"),
        ("OTTLA_NUM_PARTITIONS", "2"),
        ("OTTLA_OFFSETS_TOPIC_NUM_PARTITIONS", "2"),
        ("OTTLA_BROKERS", "elsewhere:9092"),
        ("OTTLA_LOG", "debug"),
        ("PATH", "/bin"),
    ];
    let flags = "--listen localhost:3 --set num.partitions=0 --set num.partitions=3";
    // The refused value is refused though a later one would win.
    assert!(try_load(flags, &environment, file).is_err());

    let flags = "--listen localhost:3 --set num.partitions=4 --set num.partitions=3";
    let settings = loaded(flags, &environment, file);
    assert_eq!(settings.listen, "127.0.0.1:3".parse().unwrap());
    assert_eq!(settings.advertise.to_string(), "localhost:3");
    assert_eq!(settings.data_dir, PathBuf::from("file"));
    assert_eq!(settings.http, None);
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.broker.num_partitions, 3);
    assert_eq!(settings.broker.offsets_topic_num_partitions, 2);
    assert_eq!(settings.broker.node_id, 1);
    let topic = settings.broker.topic_config(&Default::default());
    assert_eq!(topic.retention_ms, 3_600_000);
    // The flag names another file than the variable.
    assert!(try_load("--config other.toml", &environment, file).is_err());
}

#[test]
fn an_unknown_variable_is_a_warning() {
    let (_, warnings) =
        try_load("", &[("OTTLA_NUM_PARTITION", "2"), ("OTTLA_DIR", "x")], "").unwrap();
    assert_eq!(
        warnings,
        [
            "the variable OTTLA_DIR means nothing; is OTTLA_HTTP meant?",
            "the variable OTTLA_NUM_PARTITION means nothing; is OTTLA_NUM_PARTITIONS meant?",
        ]
    );
}

#[test]
fn errors_say_what_where_and_what_was_meant() {
    let file = "--config ottla.toml";
    for (flags, environment, toml, message) in [
        (
            "--set num.partition=3",
            None,
            "",
            "--set: unknown broker config 'num.partition'; did you mean 'num.partitions'?",
        ),
        (
            "--set num.partitions",
            None,
            "",
            "--set num.partitions: KEY=VALUE is expected",
        ),
        (
            "--set num.partitions=x",
            None,
            "",
            "--set: invalid value 'x' for config num.partitions: expected a whole number from 1 to 10000",
        ),
        (
            "--set log.cleaner.threads=2",
            None,
            "",
            "--set: config log.cleaner.threads=2 is not supported by this broker; the only value it accepts is '1'",
        ),
        (
            "--listen 9092",
            None,
            "",
            "--listen: '9092' is not HOST:PORT (an IPv6 address goes in brackets)",
        ),
        (
            "--listen ::1:9092",
            None,
            "",
            "--listen: '::1:9092' is not HOST:PORT (an IPv6 address goes in brackets)",
        ),
        (
            "--listen nowhere:1",
            None,
            "",
            "--listen: cannot find the address of 'nowhere': no such name",
        ),
        (
            "--listen localhost:99999",
            None,
            "",
            "--listen: 'localhost:99999' is not HOST:PORT (an IPv6 address goes in brackets)",
        ),
        (
            "--http off",
            None,
            "",
            "--http: 'off' is not HOST:PORT (an IPv6 address goes in brackets)",
        ),
        (
            "--listen 0.0.0.0:9092",
            None,
            "",
            "--listen 0.0.0.0:9092 is every address of this machine, which clients cannot connect to: say with --advertise HOST:PORT what they shall use",
        ),
        (
            "--listen [::]:9092",
            None,
            "",
            "--listen [::]:9092 is every address of this machine, which clients cannot connect to: say with --advertise HOST:PORT what they shall use",
        ),
        (
            "--advertise 0.0.0.0:9092",
            None,
            "",
            "--advertise 0.0.0.0:9092: clients cannot connect to a wildcard address",
        ),
        (
            "",
            Some(("OTTLA_NODE_ID", "-1")),
            "",
            "OTTLA_NODE_ID: invalid value '-1' for config node.id: expected a whole number of at least 0",
        ),
        (
            "",
            Some(("OTTLA_LOG_FORMAT", "xml")),
            "",
            "OTTLA_LOG_FORMAT: 'text' or 'json' is expected",
        ),
        (
            "",
            Some(("OTTLA_DATA_DIR", "")),
            "",
            "OTTLA_DATA_DIR: a directory is expected",
        ),
        (
            "",
            Some(("OTTLA_CONFIG", "gone.toml")),
            "",
            "OTTLA_CONFIG: cannot read gone.toml: no such file",
        ),
        (
            "--config gone.toml",
            None,
            "",
            "--config: cannot read gone.toml: no such file",
        ),
        (
            file,
            None,
            "data_dir = 'x'",
            "ottla.toml: unknown key 'data_dir'; did you mean 'data-dir'?",
        ),
        (
            file,
            None,
            "retention.ms = 5",
            "ottla.toml: unknown key 'retention.ms'; did you mean 'log.retention.ms'?",
        ),
        (
            file,
            None,
            "num.partitions = 2020-01-01",
            "ottla.toml: num.partitions: a text, a number, true, false or a list of them is expected",
        ),
        (
            file,
            None,
            "num.partitions = -2",
            "ottla.toml: invalid value '-2' for config num.partitions: expected a whole number from 1 to 10000",
        ),
        (
            file,
            None,
            "listen = ':1'",
            "ottla.toml: listen: ':1' is not HOST:PORT (an IPv6 address goes in brackets)",
        ),
    ] {
        let environment: Vec<_> = environment.into_iter().collect();
        assert_eq!(
            try_load(flags, &environment, toml),
            Err(message.to_owned()),
            "{flags} {toml}"
        );
    }
    let broken = try_load(file, &[], "node.id = 1\nnum.partitions = = 3\n").unwrap_err();
    assert!(broken.starts_with("ottla.toml, line 2: "), "{broken}");
    assert!(!broken.contains('\n'));
}

#[test]
fn settings_are_checked_together_whatever_their_sources() {
    let error = try_load(
        "--set group.max.session.timeout.ms=5",
        &[("OTTLA_GROUP_MIN_SESSION_TIMEOUT_MS", "6")],
        "",
    );
    assert_eq!(
        error,
        Err(
            "group.min.session.timeout.ms (6) is above group.max.session.timeout.ms (5)".to_owned()
        )
    );
}

#[test]
fn values_of_the_file_may_be_numbers_texts_and_lists() {
    let file = "
        auto.create.topics.enable = false
        'num.partitions' = '7'
        log.cleanup.policy = ['delete']
        'max.connections' = 5
        'max.connections.per.ip' = 3
    ";
    let settings = loaded("--config ottla.toml", &[], file);
    assert!(!settings.broker.auto_create_topics_enable);
    assert_eq!(settings.broker.num_partitions, 7);
    assert_eq!(settings.broker.max_connections, 5);
    assert_eq!(settings.broker.max_connections_per_ip, 3);
}

/// The example in docs/CONFIGURATION.md is one that works.
#[test]
fn the_example_of_the_documentation_is_accepted() {
    let page = include_str!("../../../../docs/CONFIGURATION.md");
    let example = page.split("```toml").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let settings = loaded("--config ottla.toml", &[], example);
    assert_eq!(settings.listen, "0.0.0.0:9092".parse().unwrap());
    assert_eq!(settings.broker.max_connections_per_ip, 100);
}

#[test]
fn clients_are_told_the_listen_address_with_its_real_port_unless_another_is_given() {
    let bound = "127.0.0.1:4321".parse().unwrap();
    for (flags, advertised) in [
        ("", "127.0.0.1:9092"),
        ("--listen localhost:0", "localhost:4321"),
        ("--listen [::1]:9093", "[::1]:9093"),
        (
            "--listen 0.0.0.0:0 --advertise broker.example:0",
            "broker.example:4321",
        ),
        (
            "--listen [::]:9092 --advertise [fe80::1]:19092",
            "[fe80::1]:19092",
        ),
    ] {
        assert_eq!(
            loaded(flags, &[], "").advertise.resolve(bound).to_string(),
            advertised,
            "{flags}"
        );
    }
}
