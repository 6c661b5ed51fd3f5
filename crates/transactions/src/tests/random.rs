//! Random scripts: instances that fight for one transactional id, answers that get lost, requests that come
//! late, a broker that loses what is not durable, and time that passes. What has become of each
//! transaction is read from the logs of its partitions, by rules that know nothing of the coordinator.

mod client;
mod judge;
mod world;

use proptest::prelude::*;

use self::world::World;
use crate::ClientVersion;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// An instance takes its next step; the number says which of those it may take.
    Step {
        client: usize,
        choice: u8,
    },
    /// Everything becomes durable, and all answers arrive.
    Hear,
    /// A request of long ago arrives once more.
    Late(usize),
    /// One marker is written.
    Mark(usize),
    /// Everything is completed that is being ended.
    Complete,
    /// The power goes, and with it a part of what is not durable.
    Crash(u8),
    Pass(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        14 => (0..2_usize, any::<u8>()).prop_map(|(client, choice)| Action::Step { client, choice }),
        8 => Just(Action::Hear),
        2 => (0..1_000_usize).prop_map(Action::Late),
        2 => (0..3_usize).prop_map(Action::Mark),
        4 => Just(Action::Complete),
        2 => any::<u8>().prop_map(Action::Crash),
        1 => (0..40_000_u64).prop_map(Action::Pass),
    ];
    prop::collection::vec(action, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn transactions_are_whole_whatever_happens(
        actions in actions(),
        version in prop::sample::select(vec![ClientVersion::One, ClientVersion::Two]),
        at_last_epochs in any::<bool>(),
    ) {
        let mut world = World::new(version, at_last_epochs);
        for action in &actions {
            world.run(action);
        }
        world.settle();
    }
}
