use super::super::cluster::lag;
use super::super::table::Cell;
use super::*;

fn member(id: &str, assignment: &[(&str, i32)]) -> Member {
    let assignment = assignment.iter();
    Member {
        id: id.to_owned(),
        instance_id: None,
        client_id: "client".to_owned(),
        host: "/127.0.0.1".to_owned(),
        assignment: assignment
            .map(|(topic, index)| TopicPartition::new(*topic, *index))
            .collect(),
    }
}

#[test]
fn what_is_committed_and_what_is_assigned_both_have_rows() {
    let committed = BTreeMap::from([
        (TopicPartition::new("b", 0), 7),
        (TopicPartition::new("a", 1), 5),
    ]);
    let members = vec![
        member("m1", &[("a", 1), ("a", 0)]),
        member("m2", &[("c", 3)]),
    ];
    let rows: Vec<_> = progress(&committed, members)
        .into_iter()
        .map(|(at, row)| {
            (
                at.to_string(),
                row.committed,
                row.member.map(|one| one.id.clone()),
            )
        })
        .collect();
    let row = |at: &str, committed, member: Option<&str>| {
        (at.to_owned(), committed, member.map(str::to_owned))
    };
    assert_eq!(
        rows,
        [
            row("a-0", None, Some("m1")),
            row("a-1", Some(5), Some("m1")),
            row("b-0", Some(7), None),
            row("c-3", None, Some("m2")),
        ]
    );
}

#[test]
fn lag_is_known_where_both_ends_are_and_never_below_zero() {
    for (committed, latest, expected) in [
        (Some(3), Some(10), Cell::Number(7)),
        (Some(10), Some(10), Cell::Number(0)),
        (Some(11), Some(10), Cell::Number(0)),
        (Some(i64::MIN), Some(i64::MAX), Cell::Number(i64::MAX)),
        (None, Some(10), Cell::Nothing),
        (Some(3), None, Cell::Nothing),
    ] {
        assert_eq!(lag(committed, latest), expected, "{committed:?} {latest:?}");
    }
}
