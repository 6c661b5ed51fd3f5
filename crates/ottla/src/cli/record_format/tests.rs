use super::*;

fn record() -> Record {
    Record {
        topic: "orders".to_owned(),
        partition: 2,
        offset: 9_007_199_254_740_993,
        timestamp_ms: 1_763_712_000_123,
        key: Some(b"key1".to_vec()),
        value: Some("t\u{e9}st \"x\"".into()),
        headers: vec![
            ("a".to_owned(), Some(b"1".to_vec())),
            ("a".to_owned(), None),
            ("b".to_owned(), Some(vec![0xff, 0x00])),
        ],
    }
}

fn print(format: &str, record: &Record) -> String {
    let mut out = Vec::new();
    let format: RecordFormat = format.parse().unwrap();
    format.write(record, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn json_is_one_object_on_a_line() {
    assert_eq!(
        print("json", &record()),
        concat!(
            r#"{"topic":"orders","key":"key1","value":"tést \"x\"","partition":2,"#,
            r#""offset":9007199254740993,"timestamp":1763712000123,"headers":[{"key":"a","value":"1"},"#,
            r#"{"key":"a","value":null},{"key":"b","value":{"base64":"/wA="}}]}"#,
            "\n"
        )
    );
}

#[test]
fn json_tells_null_from_empty_and_text_from_bytes() {
    let record = Record {
        key: None,
        value: Some(Vec::new()),
        headers: Vec::new(),
        ..record()
    };
    let json: serde_json::Value = serde_json::from_str(&print("json", &record)).unwrap();
    assert_eq!(json["key"], serde_json::Value::Null);
    assert_eq!(json["value"], "");
    assert_eq!(json["headers"], serde_json::json!([]));

    let record = Record {
        key: Some(vec![0x80]),
        value: None,
        ..record
    };
    let json: serde_json::Value = serde_json::from_str(&print("json", &record)).unwrap();
    assert_eq!(json["key"], serde_json::json!({"base64": "gA=="}));
    assert_eq!(json["value"], serde_json::Value::Null);
}

#[test]
fn format_strings_print_what_their_verbs_name() {
    for (format, printed) in [
        ("%t %p %o\\n", "orders 2 9007199254740993\n"),
        ("%k\\t%v\\r\\n", "key1\ttést \"x\"\r\n"),
        ("%T", "1763712000123"),
        ("[%h]", "[a=1,a=,b=\u{fffd}\0]"),
        ("%p%%\\\\", "2%\\"),
        ("json %p", "json 2"),
    ] {
        assert_eq!(print(format, &record()), printed, "{format}");
    }
    let null = Record::default();
    assert_eq!(print("<%k><%v><%h>", &null), "<><><>");
}

#[test]
fn a_format_that_cannot_be_meant_is_refused() {
    for (format, error) in [
        ("%", InvalidFormat::Verb(None)),
        ("%x", InvalidFormat::Verb(Some('x'))),
        ("%v\\", InvalidFormat::Escape(None)),
        ("%v\\q", InvalidFormat::Escape(Some('q'))),
        ("", InvalidFormat::Constant),
        ("text", InvalidFormat::Constant),
        ("%%", InvalidFormat::Constant),
    ] {
        assert_eq!(format.parse::<RecordFormat>(), Err(error), "{format}");
    }
}
