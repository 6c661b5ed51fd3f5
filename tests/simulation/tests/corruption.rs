//! The mutations of every day.

use simulation::corruption;

/// Mutations in one run of the tests; `cargo xtask corrupt` makes more.
const MUTATIONS: u64 = 2000;

#[test]
fn a_mutated_file_is_never_served_and_harms_nothing_else() {
    let report = corruption::run(1, 0, MUTATIONS, 2);
    for (name, times) in report.tally.iter() {
        println!("{times:>12}  {name}");
    }
    let failures: Vec<String> = report
        .failures
        .iter()
        .map(|failure| format!("mutation {}: {}", failure.number, failure.error))
        .collect();
    assert_eq!(failures, [""; 0], "see `cargo xtask corrupt --help`");
    let happened = |is_it: &dyn Fn(&str, &str) -> bool| {
        let mut mutations = report.tally.iter().map(|(name, _)| name);
        mutations.any(|name| {
            name.split_once(": ")
                .is_some_and(|(kind, way)| is_it(kind, way))
        })
    };
    for kind in corruption::file_kinds() {
        assert!(
            happened(&|other, _| other == kind),
            "{kind} was never touched"
        );
    }
    for way in corruption::ways() {
        assert!(happened(&|_, other| other == way), "nothing was ever {way}");
    }
}
