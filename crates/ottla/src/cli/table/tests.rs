use super::*;

fn sample() -> Table {
    let mut table = Table::new(&["TOPIC", "PARTITION", "REPLICAS", "CLIENT-ID"]);
    table.row([
        "orders".into(),
        0.into(),
        vec![0, 1].into(),
        Cell::from(None::<i64>),
    ]);
    table.row([
        "ä\n\u{1b}[2J".into(),
        12.into(),
        Vec::new().into(),
        "\"quoted\"".into(),
    ]);
    table
}

#[test]
fn columns_are_aligned_and_control_characters_never_reach_a_terminal() {
    assert_eq!(
        sample().text(),
        "TOPIC   PARTITION  REPLICAS  CLIENT-ID\n\
         orders  0          [0,1]     -\n\
         ä\u{fffd}\u{fffd}[2J  12         []        \"quoted\"\n"
    );
    assert_eq!(Table::new(&["NAME", "STATUS"]).text(), "NAME  STATUS\n");
}

#[test]
fn json_has_the_columns_in_snake_case_and_in_order() {
    assert_eq!(
        serde_json::to_string(&sample()).unwrap(),
        r#"[{"topic":"orders","partition":0,"replicas":[0,1],"client_id":null},{"topic":"ä\n\u001b[2J","partition":12,"replicas":[],"client_id":"\"quoted\""}]"#
    );
    assert_eq!(serde_json::to_string(&Table::new(&["NAME"])).unwrap(), "[]");
}

#[test]
fn fields_are_one_object() {
    let fields = Fields::default()
        .field("TOTAL-LAG", i64::MAX)
        .field("INTERNAL", false)
        .field("BALANCER", "");
    assert_eq!(
        fields.text(),
        "TOTAL-LAG  9223372036854775807\nINTERNAL   false\nBALANCER\n"
    );
    assert_eq!(
        serde_json::to_string(&fields).unwrap(),
        r#"{"total_lag":9223372036854775807,"internal":false,"balancer":""}"#
    );
}
