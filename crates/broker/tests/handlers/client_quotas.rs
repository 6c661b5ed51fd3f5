//! DescribeClientQuotas and AlterClientQuotas.

use model::ErrorCode;
use wire::Text;
use wire::messages::alter_client_quotas::{
    AlterClientQuotasRequest, AnswerData, EntityData, EntryData, OpData,
};
use wire::messages::describe_client_quotas::{
    ComponentData, DescribeClientQuotasRequest, DescribeClientQuotasResponse,
};

use crate::support::{Fixture, assert_code};

/// The parts of an entity: type, and name or `None` for the default.
pub(crate) type Parts = &'static [(&'static str, Option<&'static str>)];

/// Changes: a key, and its limit or `None` if it is removed.
pub(crate) type Changes = &'static [(&'static str, Option<f64>)];

pub(crate) fn entry(parts: Parts, changes: Changes) -> EntryData {
    let entity = parts.iter().map(|(kind, name)| EntityData {
        entity_type: Text::from_static(kind),
        entity_name: name.map(Text::from_static),
    });
    let ops = changes.iter().map(|(key, limit)| OpData {
        key: Text::from_static(key),
        value: limit.unwrap_or_default(),
        remove: limit.is_none(),
    });
    EntryData {
        entity: entity.collect(),
        ops: ops.collect(),
    }
}

pub(crate) async fn alter(fixture: &mut Fixture, entries: Vec<EntryData>) -> Vec<AnswerData> {
    let request = AlterClientQuotasRequest {
        entries,
        validate_only: false,
    };
    fixture.call(&request, 1).await.entries
}

/// Changes the quotas of one entity, which has to succeed.
pub(crate) async fn set(fixture: &mut Fixture, parts: Parts, changes: Changes) {
    let answers = alter(fixture, vec![entry(parts, changes)]).await;
    assert_code(answers[0].error_code, ErrorCode::None);
    assert_eq!(answers[0].error_message, None);
}

async fn describe(
    fixture: &mut Fixture,
    components: &[(&'static str, i8, Option<&'static str>)],
    strict: bool,
) -> DescribeClientQuotasResponse {
    let components = components.iter().map(|(kind, how, name)| ComponentData {
        entity_type: Text::from_static(kind),
        match_type: *how,
        match_name: name.map(Text::from_static),
    });
    let request = DescribeClientQuotasRequest {
        components: components.collect(),
        strict,
    };
    fixture.call(&request, 1).await
}

/// The entries of an answer in the form `user=a client-id=<default>: producer_byte_rate=1`.
fn lines(response: DescribeClientQuotasResponse) -> Vec<String> {
    assert_code(response.error_code, ErrorCode::None);
    assert_eq!(response.error_message, None);
    let entries = response.entries.unwrap().into_iter().map(|entry| {
        let parts = entry.entity.iter().map(|part| {
            let name = part.entity_name.as_deref().unwrap_or("<default>");
            format!("{}={name}", part.entity_type)
        });
        let values = entry.values.iter();
        let values = values.map(|value| format!("{}={}", value.key, value.value));
        let (parts, values): (Vec<_>, Vec<_>) = (parts.collect(), values.collect());
        format!("{}: {}", parts.join(" "), values.join(" "))
    });
    entries.collect()
}

#[tokio::test]
async fn what_is_set_is_described_until_it_is_removed_and_over_a_restart() {
    let mut fixture = Fixture::open().await;
    for version in [0, 1] {
        let request = AlterClientQuotasRequest {
            entries: vec![
                entry(
                    &[("client-id", Some("app")), ("user", None)],
                    &[
                        ("request_percentage", Some(12.5)),
                        ("consumer_byte_rate", Some(2048.0)),
                    ],
                ),
                entry(&[("user", Some("u"))], &[("producer_byte_rate", Some(1.0))]),
                entry(&[], &[]),
            ],
            validate_only: false,
        };
        let answers = fixture.call(&request, version).await.entries;
        for (answer, asked) in answers.iter().zip(&request.entries) {
            assert_eq!(answer.entity, asked.entity);
        }
        assert_code(answers[0].error_code, ErrorCode::None);
        assert_code(answers[1].error_code, ErrorCode::None);
        assert_code(answers[2].error_code, ErrorCode::InvalidRequest);
    }
    let expected = [
        "user=<default> client-id=app: consumer_byte_rate=2048 request_percentage=12.5",
        "user=u: producer_byte_rate=1",
    ];
    assert_eq!(lines(describe(&mut fixture, &[], false).await), expected);
    let mut fixture = fixture.restart().await;
    assert_eq!(lines(describe(&mut fixture, &[], false).await), expected);

    let changes = &[("producer_byte_rate", None), ("consumer_byte_rate", None)];
    set(&mut fixture, &[("user", Some("u"))], changes).await;
    set(&mut fixture, &[("user", Some("nobody"))], changes).await;
    assert_eq!(
        lines(describe(&mut fixture, &[], false).await),
        &expected[..1]
    );
}

const DEFAULT: &str = "user=<default>";
const USER: &str = "user=u";
const CLIENT: &str = "client-id=c";
const BOTH: &str = "user=u client-id=c";
const OTHER: &str = "user=v client-id=<default>";

#[tokio::test]
async fn only_what_matches_is_described() {
    let mut fixture = Fixture::open().await;
    let limit: Changes = &[("producer_byte_rate", Some(1.0))];
    let entities: [Parts; 5] = [
        &[("user", Some("u"))],
        &[("user", None)],
        &[("client-id", Some("c"))],
        &[("user", Some("u")), ("client-id", Some("c"))],
        &[("user", Some("v")), ("client-id", None)],
    ];
    for entity in entities {
        set(&mut fixture, entity, limit).await;
    }
    type Case = (
        &'static [(&'static str, i8, Option<&'static str>)],
        bool,
        &'static [&'static str],
    );
    let cases: [Case; 11] = [
        (&[], true, &[]),
        (&[("user", 0, Some("u"))], false, &[USER, BOTH]),
        (&[("user", 0, Some("u"))], true, &[USER]),
        (&[("user", 1, None)], false, &[DEFAULT]),
        (&[("user", 2, None)], true, &[DEFAULT, USER]),
        (&[("client-id", 1, None)], false, &[OTHER]),
        (&[("client-id", 2, None)], false, &[CLIENT, BOTH, OTHER]),
        (
            &[("client-id", 2, None), ("user", 2, None)],
            true,
            &[BOTH, OTHER],
        ),
        (&[("user", 0, Some("nobody"))], false, &[]),
        (&[("user", 0, Some("<default>"))], false, &[]),
        (&[("ip", 2, None)], false, &[]),
    ];
    for (components, is_strict, expected) in cases {
        let mut found = lines(describe(&mut fixture, components, is_strict).await);
        found.sort();
        let mut expected: Vec<_> = expected
            .iter()
            .map(|entity| format!("{entity}: producer_byte_rate=1"))
            .collect();
        expected.sort();
        assert_eq!(found, expected, "{components:?} {is_strict}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_cannot_be_looked_for() {
    let mut fixture = Fixture::open().await;
    for (components, code) in [
        (&[("", 2, None)][..], ErrorCode::InvalidRequest),
        (&[("animal", 2, None)], ErrorCode::UnsupportedVersion),
        (&[("user", 3, None)], ErrorCode::InvalidRequest),
        (&[("user", -1, None)], ErrorCode::InvalidRequest),
        (&[("user", 0, None)], ErrorCode::InvalidRequest),
        (&[("user", 1, Some("u"))], ErrorCode::InvalidRequest),
        (&[("user", 2, Some("u"))], ErrorCode::InvalidRequest),
        (
            &[("user", 2, None), ("user", 1, None)],
            ErrorCode::InvalidRequest,
        ),
        (
            &[("user", 2, None), ("ip", 2, None)],
            ErrorCode::InvalidRequest,
        ),
    ] {
        let response = describe(&mut fixture, components, false).await;
        let found = ErrorCode::from_code(response.error_code);
        assert_eq!(found, Some(code), "{components:?}");
        assert!(response.error_message.is_some());
        assert_eq!(response.entries, None);
    }
}

#[tokio::test]
async fn each_entity_fails_by_itself_and_as_a_whole() {
    let mut fixture = Fixture::open().await;
    let good: Changes = &[("producer_byte_rate", Some(7.0))];
    let cases: [(Parts, Changes); 14] = [
        (&[], good),
        (&[("animal", Some("u"))], good),
        (&[("user", Some(""))], good),
        (&[("user", Some("a")), ("user", Some("b"))], good),
        (
            &[("ip", Some("127.0.0.1"))],
            &[("connection_creation_rate", Some(1.0))],
        ),
        (&[("user", Some("a"))], &[("producer_byte_rate", Some(0.0))]),
        (&[("user", Some("b"))], &[("producer_byte_rate", Some(1.5))]),
        (
            &[("user", Some("c"))],
            &[("producer_byte_rate", Some(1e30))],
        ),
        (
            &[("user", Some("d"))],
            &[("request_percentage", Some(-1.0))],
        ),
        (
            &[("user", Some("e"))],
            &[("request_percentage", Some(f64::NAN))],
        ),
        (
            &[("user", Some("f"))],
            &[("producer_byte_rate", Some(1.0)), ("speed", Some(1.0))],
        ),
        (
            &[("user", Some("g"))],
            &[
                ("producer_byte_rate", Some(1.0)),
                ("producer_byte_rate", None),
            ],
        ),
        (&[("user", Some("h"))], good),
        // The same entity, though in another order.
        (&[("user", Some("h")), ("client-id", None)], good),
    ];
    let mut entries: Vec<_> = cases
        .iter()
        .map(|(parts, changes)| entry(parts, changes))
        .collect();
    entries.push(entry(&[("client-id", None), ("user", Some("h"))], good));
    let answers = alter(&mut fixture, entries).await;
    for (number, answer) in answers.iter().enumerate() {
        let code = match number {
            12 => ErrorCode::None,
            _ => ErrorCode::InvalidRequest,
        };
        assert_eq!(
            ErrorCode::from_code(answer.error_code),
            Some(code),
            "{number}"
        );
        assert_eq!(answer.error_message.is_some(), code != ErrorCode::None);
    }
    let all = lines(describe(&mut fixture, &[], false).await);
    assert_eq!(all, ["user=h: producer_byte_rate=7"]);
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let mut fixture = Fixture::open().await;
    let request = AlterClientQuotasRequest {
        entries: vec![
            entry(&[("user", None)], &[("producer_byte_rate", Some(1.0))]),
            entry(
                &[("client-id", None)],
                &[("producer_byte_rate", Some(-1.0))],
            ),
        ],
        validate_only: true,
    };
    let answers = fixture.call(&request, 1).await.entries;
    assert_code(answers[0].error_code, ErrorCode::None);
    assert_code(answers[1].error_code, ErrorCode::InvalidRequest);
    assert!(lines(describe(&mut fixture, &[], false).await).is_empty());
}
