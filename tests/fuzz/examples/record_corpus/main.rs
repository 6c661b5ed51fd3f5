//! Records the corpus: what real clients send to a real broker, and what it answers.
//!
//! `cargo run --package fuzz --example record_corpus` runs the scenarios of `tests/real_clients` with a
//! proxy between each client and a broker of its own, picks a few frames of each kind, and puts them in
//! place of the recorded files under `tests/fuzz/corpus`. The clients must be installed
//! (`tests/real_clients/install`).

mod pick;
mod proxy;

use anyhow::{Context as _, ensure};
use testkit::{BrokerOptions, quiet_port};
use workspace_tests::{CLIENTS, Client, Program};

use pick::Picked;
use proxy::Proxy;

/// What the clients do while they are listened to; what they do when a broker dies is nothing new.
const SCENARIOS: &[&str] = &["codecs", "admin", "groups"];

/// Records in each scenario: enough for every kind of request, and no more.
const RECORDS: &str = "200";

fn main() -> anyhow::Result<()> {
    let mut picked = Picked::default();
    for client in CLIENTS {
        for scenario in SCENARIOS {
            // kcat administers nothing.
            if client.name == "kcat" && *scenario == "admin" {
                continue;
            }
            let exchanges = record(*client, scenario)
                .with_context(|| format!("{} in {scenario}", client.name))?;
            println!(
                "{} in {scenario}: {} exchanges",
                client.name,
                exchanges.len()
            );
            for exchange in &exchanges {
                picked.add(client.name, exchange);
            }
        }
    }
    let written = picked.write()?;
    ensure!(written.files > 0, "nothing was recorded");
    println!("{} files, {} bytes", written.files, written.bytes);
    Ok(())
}

/// Runs a scenario and gives all that was said.
fn record(client: Client, scenario: &str) -> anyhow::Result<Vec<proxy::Exchange>> {
    let proxy = Proxy::bind()?;
    let broker = BrokerOptions::new()
        .listen(&format!("127.0.0.1:{}", quiet_port()))
        .arguments(["--advertise", &proxy.address().to_string()])
        .set("num.partitions", "3")
        .set("group.initial.rebalance.delay.ms", "0")
        .start()?;
    let recording = proxy.start(broker.kafka());
    Program::start(
        client,
        scenario,
        recording.address(),
        &["--records", RECORDS],
    )?
    .finish(|_, _| Ok(()))
    .with_context(|| broker.log().text())?;
    broker.finish()?;
    Ok(recording.end())
}
