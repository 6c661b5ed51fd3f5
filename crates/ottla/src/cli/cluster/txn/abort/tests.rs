use super::*;

#[test]
fn what_is_not_open_is_told_from_what_is_ending() {
    for (state, words) in [
        ("Empty", "tx has no open transaction (Empty)"),
        (
            "CompleteAbort",
            "tx has no open transaction (CompleteAbort)",
        ),
        (
            "PrepareCommit",
            "the transaction of tx is ending already (PrepareCommit); `ottla cluster txn describe tx`",
        ),
    ] {
        let not_open = NotAborted::NotOpen(state.to_owned());
        assert_eq!(not_open.status(), "INVALID_TXN_STATE");
        let reason = not_open.reason("tx");
        assert!(reason.starts_with(words), "{reason}");
    }
    assert_eq!(NotAborted::NoSuchId.status(), "TRANSACTIONAL_ID_NOT_FOUND");
}
