//! The direction of dependencies.

use std::collections::{BTreeMap, BTreeSet};

use testkit::workspace_directory;
use toml::{Table, Value};

/// What each crate may depend on, of the workspace's own. `network` knows frames and no message;
/// `client` and what stands on it could be pointed at any Kafka cluster, so it knows no broker.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("chunks", &[]),
    ("env", &["model"]),
    ("wire", &["model", "chunks"]),
    ("config", &["model"]),
    ("network", &["chunks"]),
    ("storage", &["model", "chunks", "wire", "config", "env"]),
    ("coordination", &[]),
    (
        "groups",
        &["model", "wire", "config", "env", "coordination"],
    ),
    ("transactions", &["model", "coordination"]),
    ("metadata", &["model", "wire", "config", "env"]),
    ("sim", &["env"]),
    (
        "broker",
        &[
            "model",
            "wire",
            "config",
            "env",
            "storage",
            "coordination",
            "groups",
            "transactions",
            "metadata",
            "network",
            "chunks",
        ],
    ),
    ("client", &["model", "wire"]),
    ("testkit", &["model", "wire"]),
    (
        "ottla",
        &[
            "model", "wire", "config", "env", "storage", "groups", "metadata", "network", "broker",
            "client",
        ],
    ),
    (
        "simulation",
        &[
            "model", "config", "env", "storage", "network", "broker", "sim",
        ],
    ),
    // What judges the broker must not share its mistakes: it knows how to start it, no more.
    ("torture", &["testkit", "lossy-disk"]),
    ("exactly-once", &["testkit", "sim"]),
    ("workspace-tests", &["model", "wire", "testkit"]),
    ("lossy-disk", &["env", "sim", "workspace-tests"]),
    (
        "fuzz",
        &[
            "model",
            "wire",
            "config",
            "env",
            "storage",
            "coordination",
            "groups",
            "transactions",
            "metadata",
            "network",
            "broker",
            "client",
            "ottla",
            "sim",
            "workspace-tests",
        ],
    ),
    (
        "counts",
        &[
            "model", "wire", "config", "env", "network", "broker", "sim", "testkit",
        ],
    ),
    ("tasks", &[]),
];

/// What only tests of any crate may depend on besides.
const ONLY_IN_TESTS: &[&str] = &["testkit", "sim"];

/// The manifests of all members by package name.
fn manifests() -> BTreeMap<String, Table> {
    let root = workspace_directory();
    let mut directories = [
        "tests",
        "tests/counts",
        "tests/exactly_once",
        "tests/fuzz",
        "tests/lossy_disk",
        "tests/simulation",
        "tests/torture",
        "xtask",
    ]
    .map(|directory| root.join(directory))
    .to_vec();
    let crates = std::fs::read_dir(root.join("crates")).expect("crates/ is there");
    directories.extend(crates.map(|entry| entry.expect("readable").path()));
    directories
        .iter()
        .map(|directory| {
            let path = directory.join("Cargo.toml");
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let manifest: Table = text.parse().expect("a manifest");
            let name = manifest["package"]["name"].as_str().expect("a name");
            (name.to_owned(), manifest)
        })
        .collect()
}

fn dependencies(manifest: &Table, kind: &str) -> BTreeSet<String> {
    let table = manifest.get(kind).and_then(Value::as_table);
    table.into_iter().flat_map(Table::keys).cloned().collect()
}

/// The edges that the rules do not allow, as sentences.
fn forbidden(manifests: &BTreeMap<String, Table>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, manifest) in manifests {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(known, _)| known == name) else {
            found.push(format!("{name} has no rule: say what it may know"));
            continue;
        };
        for (kind, more) in [
            ("dependencies", [].as_slice()),
            ("build-dependencies", &[]),
            ("dev-dependencies", ONLY_IN_TESTS),
        ] {
            for dependency in dependencies(manifest, kind) {
                let ours = manifests.contains_key(&dependency);
                let may = allowed.contains(&&*dependency) || more.contains(&&*dependency);
                if ours && !may {
                    found.push(format!("{name} has {dependency} in its {kind}"));
                }
            }
        }
    }
    found
}

#[test]
fn crates_know_only_what_they_may() {
    assert_eq!(forbidden(&manifests()), Vec::<String>::new());
}

#[test]
fn a_wrong_edge_is_found() {
    let mut manifests = manifests();
    let network = manifests.get_mut("network").expect("a crate");
    let dependencies = network["dependencies"].as_table_mut().expect("a table");
    dependencies.insert("wire".to_owned(), Value::Boolean(true));
    assert_eq!(
        forbidden(&manifests),
        ["network has wire in its dependencies"]
    );
}

/// One version of everything, from one place.
#[test]
fn versions_are_the_workspaces() {
    for (name, manifest) in manifests() {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(kind).and_then(Value::as_table);
            for (dependency, value) in table.into_iter().flatten() {
                let inherited = value.get("workspace").and_then(Value::as_bool);
                assert_eq!(inherited, Some(true), "{name}: {dependency} in {kind}");
            }
        }
    }
}
