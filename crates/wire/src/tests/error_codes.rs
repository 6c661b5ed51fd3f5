//! The encoder's list of error codes.

use crate::messages::metadata::{MetadataResponse, MetadataResponseTopic};
use crate::{Encoder, Message};

#[test]
fn the_encoder_knows_the_error_codes_that_it_has_written() {
    let topic = |error_code| MetadataResponseTopic {
        error_code,
        ..MetadataResponseTopic::default()
    };
    let response = MetadataResponse {
        error_code: 129,
        topics: vec![topic(3), topic(0), topic(17)],
        ..MetadataResponse::default()
    };
    for (version, codes) in [(12, &[3, 17][..]), (13, &[3, 17, 129])] {
        let mut encoder = Encoder::new();
        response.encode(&mut encoder, version);
        assert_eq!(encoder.error_codes(), codes, "version {version}");
    }
}
