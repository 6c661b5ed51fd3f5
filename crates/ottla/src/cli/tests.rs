use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(std::iter::once("ottla").chain(line.split_whitespace()))
}

#[test]
fn the_declaration_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn every_form_of_every_command_is_taken() {
    for line in [
        "version",
        "version --format json",
        "topic create a",
        "topic create a b -p 3 -r 1 -c cleanup.policy=delete -c retention.ms=1 --format text",
        "topic list --format json",
        "topic list -i",
        "topic describe a --format json",
        "topic alter-config a --set retention.ms=1 --delete segment.ms",
        "topic alter-config a b -s x= --append y=a=b --subtract y=c --dry-run",
        "topic delete a b",
        "topic add-partitions a b -n 3 --dry-run",
        "topic add-partitions a --num 1 --format json",
        "topic trim a -o 5",
        "topic trim a --offset end -p 0,1 --dry-run",
        "topic trim a -o @1700000000000 -p 0 -p 1",
        "topic produce a",
        "topic produce a -k key1 -H a=1 -H b= -p 2 -z zstd --acks all",
        "topic produce a -z none --acks 0",
        "topic consume a",
        "topic consume a b -g group -o end -n 3",
        "topic consume a -o -5 -p 0",
        "topic consume a -o +5 -p 0 -p 1",
        "topic consume a -o @1700000000000 -p 0,1 -f json",
        "topic consume a -o 7 --format %v\\n",
        "group list",
        "group describe g --format json",
        "group seek g --to start",
        "group seek g --to @1700000000000 --topics a,b --dry-run",
        "group seek g --to-group h --topics a",
        "group offset-delete g -t a -t b:0,1",
        "group delete g h",
        "cluster info",
        "cluster offsets --format json",
        "cluster config list --changed --broker 0",
        "cluster config get log.retention.ms",
        "cluster config set log.retention.ms=1 max.connections=5 --broker 1 --dry-run",
        "cluster config set -d log.retention.ms",
        "cluster logdirs",
        "cluster logdirs --topics a,b --aggregate-into topic --format json",
        "cluster quotas list",
        "cluster quotas list --name user=u --default client-id --strict",
        "cluster quotas list --any client-id --format json",
        "cluster quotas set producer_byte_rate=1000 request_percentage=12.5 --name client-id=app",
        "cluster quotas set consumer_byte_rate=1e6 --default user --dry-run",
        "cluster quotas delete --name user=u",
        "cluster quotas delete producer_byte_rate --name user=u --name client-id=app",
        "cluster txn list",
        "cluster txn list --state Ongoing,PrepareCommit --producer-id 0,7 --format json",
        "cluster txn list --longer-than 60000 --id-pattern app-.*",
        "cluster txn list --hung --topic a --topic b,c --broker 0",
        "cluster txn describe a b --format json",
        "cluster txn describe --topic a --partition 0",
        "cluster txn abort a b --dry-run",
        "cluster txn abort --topic a --partition 0 --start-offset 7 --dry-run",
        "bench produce a",
        "bench produce a -p 16 -c flush.messages=1000 --rate 50000 --linger-ms 1 --batch-bytes 1000000",
        "bench produce a --keys 1000 --key-bytes 8 --batch-records 1 --connections 100 --in-flight 1",
        "bench produce a --records 1000 --record-bytes 100 --codec zstd --acks 1 --format json",
        "bench consume a",
        "bench consume a --consumers 8 --divide --decompress --progress",
        "bench consume a --tail --end-to-end --seconds 60 --warm-up-seconds 0 --min-bytes 1000",
        "bench latency a",
        "bench latency a --rate 100 --record-bytes 16 --acks 1 --records 10 --format json",
        "bench groups a --commits --members 100 --seconds 5",
        "bench groups a --rebalance 200 --heartbeat-ms 100 --group g -p 200",
        "profile create east -b a:1,b:2",
        "profile list --format json",
        "profile use east",
        "profile delete east west",
        "--profile east topic list",
        "topic list --profile east",
        "completions bash",
        "completions fish",
        "man",
        "man topic create",
        "man --directory target/man",
        "debug segment 00000000000000000000.log",
        "debug segment wal/slot-00 --records --format json",
        "debug log verify --data-dir /tmp/x --format json",
        "debug log verify",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn wrong_usage_is_told_with_exit_code_2() {
    for line in [
        "",
        "topics",
        "topic",
        "topic create",
        "topic create a/b",
        "topic create a -p 0",
        "topic create a -p x",
        "topic create a -c retention.ms",
        "topic create a -c =1",
        "topic list --format yaml",
        "topic describe",
        "topic describe a b",
        "topic produce",
        "topic produce a -z brotli",
        "topic produce a --acks 2",
        "topic produce a -p -1",
        "topic consume",
        "topic consume a -n 0",
        "topic consume a -n -1",
        "topic consume a -o middle",
        "topic consume a -f %z",
        "topic consume a -g",
        "group seek g",
        "group seek g --to +1",
        "group seek g --to=-1",
        "group seek g --to start --to-group h",
        "group offset-delete g",
        "group offset-delete g -t a:x",
        "group delete",
        "topic add-partitions a",
        "topic add-partitions a -n 0",
        "topic trim a",
        "topic trim a b -o 5",
        "topic trim a -o +5",
        "topic trim a -o 5 -p -1",
        "cluster config",
        "cluster config set x",
        "cluster logdirs --aggregate-into partition",
        "cluster quotas",
        "cluster quotas set --name user=u",
        "cluster quotas set producer_byte_rate=much --name user=u",
        "cluster quotas set producer_byte_rate=1 --name u",
        "cluster txn",
        "cluster txn list --state ongoing",
        "cluster txn list --longer-than 1m",
        "cluster txn list --producer-id -1",
        "cluster txn list --topic a",
        "cluster txn list --broker 0",
        "cluster txn list --hung --state Ongoing",
        "cluster txn describe",
        "cluster txn describe --topic a",
        "cluster txn describe --partition 0",
        "cluster txn describe a --topic a --partition 0",
        "cluster txn abort",
        "cluster txn abort a --start-offset 7",
        "cluster txn abort a --topic a --partition 0 --start-offset 7",
        "cluster txn abort --topic a --partition 0",
        "cluster txn abort --topic a --start-offset 7",
        "cluster txn abort --start-offset 7",
        "cluster txn abort --topic a --partition 0 --start-offset -7",
        "bench",
        "bench produce",
        "bench produce a --seconds 0",
        "bench produce a --rate 0",
        "bench produce a --records 10 --seconds 1",
        "bench produce a --records 10 --warm-up-seconds 1",
        "bench produce a --key-bytes 8",
        "bench produce a --linger-ms 5",
        "bench produce a --rate 1 --linger-ms 20001",
        "bench produce a --batch-records 10 --batch-bytes 1000",
        "bench produce a --codec brotli",
        "bench consume a --end-to-end",
        "bench consume a --consumers 0",
        "bench consume a --warm-up-seconds 1",
        "bench latency a --acks 0",
        "bench latency a --record-bytes 15",
        "bench groups a",
        "bench groups a --commits --rebalance 3",
        "bench groups a --rebalance 1",
        "bench groups a --rebalance 3 --members 3",
        "bench groups a --rebalance 3 --seconds 5",
        "bench groups a --rebalance 3 --warm-up-seconds 1",
        "bench groups a --commits --heartbeat-ms 100",
        "cluster info extra",
        "debug segment",
        "debug log",
        "debug log verify /tmp/x",
        "-b :1 cluster info",
        "-b a:1 --profile east cluster info",
        "profile",
        "profile create a/b",
        "profile delete",
        "completions",
        "completions cmd",
        "man --directory target/man topic",
    ] {
        match parse(line) {
            Ok(arguments) => panic!("{line}: {arguments:?}"),
            Err(error) => assert_eq!(error.exit_code(), 2, "{line}: {error}"),
        }
    }
    let error = parse("--version").map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DisplayVersion);
    assert_eq!(error.exit_code(), 0);
}

#[test]
fn brokers_are_taken_before_and_after_the_command() {
    let brokers = |line: &str| {
        let connection = parse(line).unwrap().connection;
        connection.brokers().unwrap().to_string()
    };
    assert_eq!(brokers("-b a:1,b topic list"), "a:1,b:9092");
    assert_eq!(brokers("topic list --brokers [::1]:2"), "[::1]:2");
    assert_eq!(brokers("topic -b a:1 list"), "a:1");
}

#[test]
fn exit_codes_tell_errors_from_wrong_usage_and_from_a_reader_that_left() {
    let code = |error: anyhow::Error| format!("{:?}", exit_code(Err(error)));
    let expected = |code: u8| format!("{:?}", ExitCode::from(code));
    assert_eq!(code(AlreadyTold.into()), expected(1));
    assert_eq!(code(UsageError("a test".to_owned()).into()), expected(2));
    let pipe = io::Error::from(io::ErrorKind::BrokenPipe);
    assert_eq!(
        code(anyhow::Error::from(pipe).context("writing")),
        expected(0)
    );
}
