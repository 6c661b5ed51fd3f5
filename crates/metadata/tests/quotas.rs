//! Quotas of clients: whom they can be set for, what they can be, and which are described.

use metadata::{
    Image, MetadataRecord, NameFilter, QuotaEntity, QuotaFilter, QuotaKey, QuotaLimit,
    plan_alter_client_quotas,
};

type Part = (&'static str, Option<&'static str>);

const USER: Part = ("user", Some("u"));
const ANY_USER: Part = ("user", None);
const CLIENT: Part = ("client-id", Some("c"));
const ANY_CLIENT: Part = ("client-id", None);

fn entity(parts: &[Part]) -> QuotaEntity {
    QuotaEntity::of_parts(parts.iter().copied()).unwrap()
}

/// Makes a change; gives what is wrong with it, if anything is.
fn alter(
    image: &mut Image,
    parts: &[Part],
    changes: &[(&str, Option<f64>)],
) -> Result<bool, String> {
    let entity = QuotaEntity::of_parts(parts.iter().copied()).map_err(|error| error.to_string())?;
    let planned = plan_alter_client_quotas(image, &entity, changes.iter().copied());
    let Some(record) = planned.map_err(|error| error.to_string())? else {
        return Ok(false);
    };
    // Through bytes, as after a restart.
    let record = MetadataRecord::decode(&record.encode()).unwrap();
    image.apply(&record).unwrap();
    image.check_invariants();
    Ok(true)
}

/// What is set, as `entity key=limit`.
fn listed(image: &Image, filter: &QuotaFilter) -> Vec<String> {
    let mut listed = Vec::new();
    for (entity, quotas) in image.client_quotas().iter() {
        if !filter.matches(entity) {
            continue;
        }
        let parts = entity.parts();
        let parts: Vec<_> = parts
            .map(|(kind, name)| format!("{kind}={}", name.unwrap_or("<default>")))
            .collect();
        for (key, limit) in quotas {
            listed.push(format!(
                "{} {}={}",
                parts.join(","),
                key.name(),
                limit.get()
            ));
        }
    }
    listed
}

#[test]
fn limits_are_set_changed_and_removed() {
    let mut image = Image::new();
    let everything = QuotaFilter::default();
    for (parts, changes, is_change, expected) in [
        (
            &[USER][..],
            &[
                ("producer_byte_rate", Some(1024.0)),
                ("request_percentage", Some(50.5)),
            ][..],
            true,
            &[
                "user=u producer_byte_rate=1024",
                "user=u request_percentage=50.5",
            ][..],
        ),
        (
            &[USER],
            &[
                ("producer_byte_rate", Some(1024.0)),
                ("consumer_byte_rate", None),
            ],
            false,
            &[
                "user=u producer_byte_rate=1024",
                "user=u request_percentage=50.5",
            ],
        ),
        (
            &[CLIENT, USER],
            &[("controller_mutation_rate", Some(0.5))],
            true,
            &[
                "user=u producer_byte_rate=1024",
                "user=u request_percentage=50.5",
                "user=u,client-id=c controller_mutation_rate=0.5",
            ],
        ),
        (
            &[USER],
            &[
                ("producer_byte_rate", None),
                ("request_percentage", Some(2.0)),
                ("no_such_quota", None),
            ],
            true,
            &[
                "user=u request_percentage=2",
                "user=u,client-id=c controller_mutation_rate=0.5",
            ],
        ),
        (
            &[USER],
            &[("request_percentage", None)],
            true,
            &["user=u,client-id=c controller_mutation_rate=0.5"],
        ),
        (
            &[USER, CLIENT],
            &[("controller_mutation_rate", None)],
            true,
            &[],
        ),
        (&[ANY_USER], &[("request_percentage", None)], false, &[]),
        (&[ANY_USER], &[], false, &[]),
    ] {
        assert_eq!(alter(&mut image, parts, changes), Ok(is_change));
        assert_eq!(listed(&image, &everything), expected);
    }
    assert_eq!(image, Image::new());
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut image = Image::new();
    for (parts, changes, message) in [
        (&[][..], &[][..], "the entity has no parts"),
        (&[("foo", None)], &[], "'foo' is no type of entity"),
        (&[("", None)], &[], "'' is no type of entity"),
        (
            &[("ip", Some("127.0.0.1"))],
            &[],
            "there are no quotas of addresses here",
        ),
        (&[("user", Some(""))], &[], "the user has no name"),
        (
            &[CLIENT, ANY_CLIENT],
            &[],
            "the entity has two parts of the type client-id",
        ),
        (
            &[USER],
            &[("foo", Some(1.0))],
            "'foo' is no quota of a client",
        ),
        (
            &[USER],
            &[("connection_creation_rate", Some(1.0))],
            "'connection_creation_rate' is no quota of a client",
        ),
        (
            &[USER],
            &[
                ("request_percentage", Some(1.0)),
                ("request_percentage", None),
            ],
            "request_percentage is named twice",
        ),
        (
            &[USER],
            &[("request_percentage", Some(0.0))],
            "request_percentage is a finite number above 0, not 0",
        ),
        (
            &[USER],
            &[
                ("request_percentage", Some(5.0)),
                ("producer_byte_rate", Some(-1.0)),
            ],
            "producer_byte_rate is a finite number above 0, not -1",
        ),
        (
            &[USER],
            &[("controller_mutation_rate", Some(f64::NAN))],
            "controller_mutation_rate is a finite number above 0, not NaN",
        ),
        (
            &[USER],
            &[("consumer_byte_rate", Some(f64::INFINITY))],
            "consumer_byte_rate is a finite number above 0, not inf",
        ),
        (
            &[USER],
            &[("consumer_byte_rate", Some(1.5))],
            "consumer_byte_rate is a whole number of bytes, not 1.5",
        ),
        (
            &[USER],
            &[("producer_byte_rate", Some(1e19))],
            "producer_byte_rate is at most 9223372036854775807, not 10000000000000000000",
        ),
    ] {
        assert_eq!(alter(&mut image, parts, changes), Err(message.to_owned()));
        assert_eq!(image, Image::new());
    }
}

#[test]
fn entities_are_found_by_what_they_are() {
    let mut image = Image::new();
    let entities = [
        &[ANY_USER][..],
        &[ANY_USER, CLIENT],
        &[USER],
        &[USER, ANY_CLIENT],
        &[USER, CLIENT],
        &[CLIENT],
    ];
    for parts in entities {
        alter(&mut image, parts, &[("request_percentage", Some(1.0))]).unwrap();
    }
    let found = |user, client_id, is_strict| -> Vec<usize> {
        let filter = QuotaFilter {
            user,
            client_id,
            is_strict,
        };
        let indexes = 0..entities.len();
        indexes
            .filter(|index| filter.matches(&entity(entities[*index])))
            .collect()
    };
    let named = |name: &str| Some(NameFilter::Named(name.to_owned()));
    let default = || Some(NameFilter::Default);
    let any = || Some(NameFilter::Any);
    for (user, client_id, loose, strict) in [
        (None, None, &[0, 1, 2, 3, 4, 5][..], &[][..]),
        (named("u"), None, &[2, 3, 4], &[2]),
        (named("v"), None, &[], &[]),
        (default(), None, &[0, 1], &[0]),
        (any(), None, &[0, 1, 2, 3, 4], &[0, 2]),
        (None, named("c"), &[1, 4, 5], &[5]),
        (None, any(), &[1, 3, 4, 5], &[5]),
        (any(), any(), &[1, 3, 4], &[1, 3, 4]),
        (named("u"), default(), &[3], &[3]),
        (default(), named("c"), &[1], &[1]),
    ] {
        assert_eq!(found(user.clone(), client_id.clone(), false), loose);
        assert_eq!(found(user, client_id, true), strict);
    }
}

#[test]
fn the_bytes_are_as_documented() {
    let record = MetadataRecord::ClientQuotas {
        entity: entity(&[ANY_USER, CLIENT]),
        quotas: [
            (QuotaKey::ControllerMutationRate, 1.0),
            (QuotaKey::ConsumerByteRate, 2.0),
        ]
        .map(|(key, limit)| (key, QuotaLimit::new(limit).unwrap()))
        .into(),
    };
    let expected =
        b"\x0a\0\x01\x02\x01\0\0\0c\x02\0\0\0\x02\0\0\0\0\0\0\0\x40\x04\0\0\0\0\0\0\xf0\x3f";
    assert_eq!(record.encode(), expected.as_slice());
    let mut bytes = expected.to_vec();
    // Nobody; a key that is not known; keys that do not ascend; a limit of zero.
    for (changes, length) in [
        (&[(2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0)][..], 8),
        (&[(13, 9)], 31),
        (&[(22, 2)], 31),
        (&[(21, 0)], 31),
    ] {
        for (at, byte) in changes {
            bytes[*at] = *byte;
        }
        assert!(
            MetadataRecord::decode(&bytes[..length]).is_err(),
            "{changes:?}"
        );
        bytes.copy_from_slice(expected);
    }
    assert_eq!(MetadataRecord::decode(&bytes), Ok(record));
}
