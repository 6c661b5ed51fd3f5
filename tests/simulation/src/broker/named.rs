//! Runs that have failed once. Each says what was wrong.

use super::actions::Action;
use super::run_in;
use super::world::World;

/// Of the time before the world had transactions: with them a seed means something else.
fn check_without_transactions(seed: u64, actions: &[Action]) {
    if let Err(error) = run_in(World::without_transactions, seed, actions) {
        panic!("seed {seed}: {error}");
    }
}

/// A producer's first batch in a partition was refused, the disk being full; the next one, already
/// under way, was taken for the first, and the refused one never got in.
#[test]
fn a_batch_that_a_full_disk_refuses_is_not_overtaken() {
    let actions = [
        Action::Turn { times: 11 },
        Action::Produce {
            client: 13677585587959021305,
            choice: 9249111423612940696,
        },
        Action::Turn { times: 10 },
        Action::Turn { times: 2 },
        Action::Rest,
        Action::Produce {
            client: 6799658091841856685,
            choice: 1134993867947396151,
        },
        Action::Produce {
            client: 11845701334532009345,
            choice: 9724044897490065297,
        },
        Action::Consume {
            client: 17828272531973411327,
            choice: 11027641482134004399,
        },
        Action::Advance { ms: 169 },
        Action::Consume {
            client: 312947877926234746,
            choice: 6176810774194597593,
        },
        Action::ShutDown,
        Action::Consume {
            client: 10476164884970436153,
            choice: 8124868640880281965,
        },
        Action::Produce {
            client: 6597006328704973992,
            choice: 15280853548523244759,
        },
        Action::Consume {
            client: 7026565361866138257,
            choice: 6690111144440770462,
        },
        Action::Administer {
            choice: 10976602647288815158,
        },
        Action::Rest,
        Action::Produce {
            client: 10186053703963579424,
            choice: 551812911094698685,
        },
        Action::Fill { sectors: 2 },
        Action::Produce {
            client: 14626729387616264053,
            choice: 17361234275810197746,
        },
        Action::Consume {
            client: 12432557864346874264,
            choice: 17651535660283458392,
        },
        Action::Turn { times: 4 },
        Action::Turn { times: 5 },
        Action::Produce {
            client: 4699815006553606072,
            choice: 15901974156532782248,
        },
        Action::Advance { ms: 116 },
        Action::Look {
            choice: 8690800297990399020,
        },
        Action::Consume {
            client: 16963475911631009050,
            choice: 4337941477280120560,
        },
        Action::Produce {
            client: 1388560189861428452,
            choice: 14853259804878605502,
        },
        Action::Advance { ms: 9 },
        Action::Turn { times: 6 },
        Action::Consume {
            client: 10983214572073852031,
            choice: 7962104439857321449,
        },
        Action::Pause { ms: 13820 },
        Action::Produce {
            client: 10192449338512141597,
            choice: 4392629833298196710,
        },
    ];
    check_without_transactions(116, &actions);
}
