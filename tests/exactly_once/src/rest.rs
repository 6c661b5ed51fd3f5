//! As much of HTTP as asking a Connect worker takes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

const CONNECTION_LIMIT: Duration = Duration::from_secs(5);
/// A worker waits 90 s at most for those that it asks in turn.
const ANSWER_LIMIT: Duration = Duration::from_secs(100);

/// Asks the worker on a port of the loopback interface; anything but success is an error.
pub(crate) fn ask(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, CONNECTION_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    // The answer to version 1.0 is never cut into chunks and ends with the connection.
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    success(&answer).with_context(|| format!("{method} {path}"))
}

/// The JSON of an answer that tells of success; null if it has none.
fn success(answer: &str) -> Result<Value> {
    let (head, body) = answer.split_once("\r\n\r\n").context("half an answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status.starts_with('2'), "{status}: {body}");
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(body).with_context(|| format!("not JSON: {body}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_told_from_failure() {
        let found = success("HTTP/1.1 201 Created\r\nA: b\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!(found["a"], 1);
        assert_eq!(success("HTTP/1.1 204 None\r\n\r\n").unwrap(), Value::Null);
        let error = success("HTTP/1.1 409 Conflict\r\n\r\n{\"message\":\"busy\"}");
        assert_eq!(
            error.unwrap_err().to_string(),
            "409: {\"message\":\"busy\"}"
        );
        success("HTTP/1.1 200 OK\r\n").unwrap_err();
    }
}
