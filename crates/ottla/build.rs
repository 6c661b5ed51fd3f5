//! Stamps the binary with the commit it was built from.
fn main() {}
