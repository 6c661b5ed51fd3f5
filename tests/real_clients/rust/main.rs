//! The program around the `rdkafka` crate: producers, consumers and administrators that do what they
//! are told. `tests/real_clients/README.md` describes the language; `python/process_client.py` is the
//! other side.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::bail;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use serde_json::{Value, json};

use crate::words::pairs;

mod admin;
mod consumer;
mod producer;
mod words;

/// How long a call may take that ought to end at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// One that was made. A call without an answer has none.
trait Client {
    fn call(&mut self, name: &str, arguments: &[String]) -> anyhow::Result<Option<Value>>;
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let bootstrap = pairs(&arguments).remove("bootstrap").unwrap_or_default();
    print(&json!({"client": 0, "value": "ready"}));
    let mut clients: HashMap<u64, Sender<Vec<String>>> = HashMap::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split(' ').map(str::to_owned);
        let Some(number) = words.next().and_then(|word| word.parse().ok()) else {
            break;
        };
        let calls = clients.entry(number).or_insert_with(|| {
            let (calls, received) = channel();
            let bootstrap = bootstrap.clone();
            std::thread::spawn(move || serve(number, &bootstrap, &received));
            calls
        });
        // One that was closed hears nothing any more.
        let _ = calls.send(words.collect());
    }
    // As if it had been killed: no group is left, nothing is flushed.
    std::process::exit(1);
}

/// The life of a client: its first call makes it, its last one is `close`.
fn serve(number: u64, bootstrap: &str, calls: &Receiver<Vec<String>>) {
    let mut client: Option<Box<dyn Client>> = None;
    while let Ok(words) = calls.recv() {
        let Some((name, arguments)) = words.split_first() else {
            return;
        };
        let answer = match client.as_mut() {
            _ if name == "close" => {
                client = None;
                Ok(Some(Value::Null))
            }
            Some(client) => client.call(name, arguments),
            None => make(name, bootstrap, arguments).map(|made| {
                client = Some(made);
                Some(Value::Null)
            }),
        };
        match answer {
            Ok(None) => {}
            Ok(Some(value)) => print(&json!({"client": number, "value": value})),
            Err(error) => print(&failure(number, &error)),
        }
    }
}

fn make(kind: &str, bootstrap: &str, arguments: &[String]) -> anyhow::Result<Box<dyn Client>> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "250")
        .set("log_level", "2");
    let options = pairs(arguments);
    Ok(match kind {
        "producer" => Box::new(producer::Producer::new(config, &options)?),
        "consumer" => Box::new(consumer::Consumer::new(config, &options)?),
        "admin" => Box::new(admin::Admin::new(config)?),
        _ => bail!("no client: {kind}"),
    })
}

fn print(line: &Value) {
    // When nobody listens any more, the input ends too.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn failure(number: u64, error: &anyhow::Error) -> Value {
    let code = error
        .downcast_ref::<KafkaError>()
        .and_then(KafkaError::rdkafka_error_code)
        .or_else(|| error.downcast_ref::<RDKafkaErrorCode>().copied());
    json!({
        "client": number,
        "error": words::base64(format!("{error:#}").as_bytes()),
        "name": code.map(name),
        "passing": code.is_some_and(is_passing),
    })
}

/// An error's name in librdkafka, as far as tests ask for it.
fn name(code: RDKafkaErrorCode) -> String {
    match code {
        RDKafkaErrorCode::MessageSizeTooLarge => "MSG_SIZE_TOO_LARGE".to_owned(),
        RDKafkaErrorCode::InvalidTopic => "TOPIC_EXCEPTION".to_owned(),
        RDKafkaErrorCode::TopicAlreadyExists => "TOPIC_ALREADY_EXISTS".to_owned(),
        RDKafkaErrorCode::InvalidPartitions => "INVALID_PARTITIONS".to_owned(),
        RDKafkaErrorCode::OffsetOutOfRange => "OFFSET_OUT_OF_RANGE".to_owned(),
        RDKafkaErrorCode::InvalidConfig => "INVALID_CONFIG".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Whether it is what librdkafka reports while a broker is away or a group is on the move.
fn is_passing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::Resolve
            | Code::WaitingForCoordinator
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorLoadInProgress
            | Code::RequestTimedOut
            | Code::RebalanceInProgress
            | Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::NoOffset
            | Code::State
    )
}
