//! The HTTP interface, with bytes over a connection in memory.

use crate::{Target, times_received};

pub(super) const TARGET: Target = Target {
    seeds,
    // What a connection's reader and writer hold comes on top.
    memory_limits: |received_bytes| times_received(received_bytes + (256 << 10), 2),
    ..Target::new("http", "requests to the HTTP interface", run)
};

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /health/ready HTTP/1.0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\nGET /metrics HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        "POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HEAD /health/live HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: a\r\nupgrade: h2c\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn run(input: &[u8]) {
    let answer = ottla::fuzzing::serve_http(input).expect("the connection is closed in good order");
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "an answer is one of HTTP"
    );
}
