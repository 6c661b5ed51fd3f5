//! Pages under `docs/` that are made from the code. `UPDATE_DOCS=1 cargo test -p broker` writes them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use network::Service;

use crate::groups::commit_request;
use crate::support::{Fixture, batch};

fn check(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        present == wanted,
        "docs/{name} is not current; run `UPDATE_DOCS=1 cargo test -p broker`"
    );
}

#[test]
fn the_compatibility_page_is_current() {
    check("COMPATIBILITY.md", &broker::compatibility_page());
}

const METRICS_INTRODUCTION: &str = "\
# Metrics

What `/metrics` shows, made from a running broker by a test (`UPDATE_DOCS=1 cargo test -p broker`). A name
does not change its meaning; a new meaning gets a new name. Times are in seconds. Histograms come as
`_bucket`, `_sum` and `_count`.

| name | type | labels | meaning |
|---|---|---|---|
";

/// One row per metric, out of the text that Prometheus reads.
fn rows(page: &str) -> BTreeMap<String, String> {
    let mut helps = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for line in page.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), Some(help)) => {
                helps.insert(name.to_owned(), help.trim_end_matches('.').to_owned());
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                kinds.insert(name.to_owned(), kind.to_owned());
            }
            (Some(sample), ..) if !sample.starts_with('#') => {
                let Some((name, pairs)) = sample.split_once('{') else {
                    continue;
                };
                let names: Vec<_> = pairs
                    .split(',')
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(name, _)| name)
                    .filter(|name| *name != "le")
                    .collect();
                labels.insert(name.to_owned(), names.join(", "));
            }
            _ => {}
        }
    }
    let row = |(name, help): (String, String)| {
        let kind = kinds.get(&name).cloned().unwrap_or_default();
        let shown = if kind == "counter" {
            format!("{name}_total")
        } else {
            name.clone()
        };
        let samples = if kind == "histogram" {
            format!("{name}_count")
        } else {
            shown.clone()
        };
        let labels = labels.get(&samples).cloned().unwrap_or_default();
        (
            name,
            format!("| `{shown}` | {kind} | {labels} | {help} |\n"),
        )
    };
    helps.into_iter().map(row).collect()
}

#[tokio::test]
async fn the_metrics_page_is_current() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["a"])).await;
    // What has never happened is not shown: a commit, an error, and a connection that was closed.
    fixture.call(&commit_request("t", 0), 9).await;
    fixture.produce("missing", batch(&["a"])).await;
    let here = "127.0.0.1:1".parse().unwrap();
    let service = broker::KafkaService::new(fixture.broker.clone());
    let connection = service.connect(here, here);
    service.closed(connection, "client");

    let mut page = METRICS_INTRODUCTION.to_owned();
    let metrics = fixture.broker.render_metrics();
    for (name, row) in rows(&metrics) {
        assert!(name.starts_with("ottla_"), "{name}");
        write!(page, "{row}").unwrap();
    }
    check("METRICS.md", &page);
}

#[tokio::test]
async fn requests_and_errors_are_counted_by_api() {
    let mut fixture = Fixture::open().await;
    fixture.topic("t").await;
    fixture.produce("t", batch(&["a"])).await;
    fixture.produce("missing", batch(&["a"])).await;
    let metrics = fixture.broker.render_metrics();
    for line in [
        "ottla_requests_total{api=\"Produce\"} 2",
        "ottla_requests_total{api=\"Metadata\"} 1",
        "ottla_requests_total{api=\"Fetch\"} 0",
        "ottla_errors_total{api=\"Produce\",error=\"UNKNOWN_TOPIC_OR_PARTITION\"} 1",
        "ottla_request_seconds_count{api=\"Produce\"} 2",
        "ottla_partitions 1",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} is not in\n{metrics}"
        );
    }
}
