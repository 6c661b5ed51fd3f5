//! The generated code is what the declarations ask for.

use std::process::Command;

#[test]
fn generated_code_is_current() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["codegen", "--check"])
        .output();
    let output = output.expect("the built xtask runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
