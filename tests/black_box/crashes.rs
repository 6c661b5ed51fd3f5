//! The broker is killed, again and again, under a real idempotent client.

use testkit::BrokerOptions;
use workspace_tests::{Client, Kills, Program};

/// Twenty kills; every record and every committed offset is compared by the program.
#[test]
fn twenty_kills() -> anyhow::Result<()> {
    let client = Client::named("confluent_kafka");
    if let Err(reason) = client.python() {
        let required = std::env::var("OTTLA_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
        anyhow::ensure!(!required, "{reason}");
        println!("skipped: {reason}");
        return Ok(());
    }
    let mut broker = BrokerOptions::new()
        .set("group.initial.rebalance.delay.ms", "0")
        .restartable()
        .start()?;
    // At numbers of acknowledgements that fall anywhere in the broker's own rhythm.
    let mut kills =
        Kills::new((1..=20_u64).map(|number| number * 400 + number * number * 37 % 311));
    let program = Program::start(client, "kills", broker.kafka(), &[])?;
    program.finish(|program, event| kills.on_event(&mut broker, program, event))?;
    kills.all_done()?;
    broker.finish()
}
