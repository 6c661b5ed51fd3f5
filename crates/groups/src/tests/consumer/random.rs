//! Random scripts, and what must be true in all of them.
//!
//! The clients here are simulated with what goes wrong for real ones: requests and answers get lost,
//! requests are repeated or arrive late, clients are paused or killed, the broker restarts. The ledger that the
//! coordinator is held to is kept by the clients themselves: who has which partition, and since when a
//! client must expect that it has been given up on. It knows nothing of targets and reconciliation.

mod client;
mod world;

use proptest::prelude::*;

use world::{Action, CLIENTS, Fate, Says, TOPICS, World};

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let client = || 0..CLIENTS;
    let fate = prop_oneof![
        8 => Just(Fate::Delivered),
        1 => Just(Fate::RequestLost),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::Repeated),
    ];
    let says = prop_oneof![3 => Just(Says::Nothing), 5 => Just(Says::Owned), 1 => Just(Says::All)];
    let action = prop_oneof![
        20 => (client(), says, fate).prop_map(|(client, says, fate)| Action::Beat {
            client, says, fate
        }),
        2 => client().prop_map(Action::Subscribe),
        1 => client().prop_map(Action::Late),
        1 => client().prop_map(Action::Leave),
        1 => client().prop_map(Action::LeaveForAWhile),
        1 => client().prop_map(Action::Kill),
        4 => client().prop_map(Action::Commit),
        2 => client().prop_map(Action::CommitOfTheDead),
        2 => (0..TOPICS, 0..5).prop_map(|(topic, partitions)| Action::Topic(topic, partitions)),
        3 => Just(Action::FindPatterns),
        4 => prop_oneof![3 => 0..7_000_u64, 1 => 0..60_000_u64].prop_map(Action::Pass),
        1 => Just(Action::Restart),
    ];
    prop::collection::vec(action, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn scripts_keep_every_promise(actions in actions()) {
        let mut world = World::new();
        for action in &actions {
            world.run(action);
        }
        world.settle();
    }
}
