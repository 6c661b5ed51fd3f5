//! Settings of the broker and of groups: what can be set, and what not.

use std::collections::BTreeMap;

use config::BrokerSettings;
use metadata::{
    AlterConfig, AlterOperation, Image, Resource, plan_alter_configs, plan_replace_configs,
};

const ALL: Resource<'_> = Resource::AllBrokers;
const THIS: Resource<'_> = Resource::Broker(0);
const GROUP: Resource<'_> = Resource::Group("g");

fn change(name: &str, operation: AlterOperation) -> AlterConfig {
    AlterConfig {
        name: name.to_owned(),
        operation,
    }
}

fn set(name: &str, value: &str) -> AlterConfig {
    change(name, AlterOperation::Set(value.to_owned()))
}

/// Makes a change; gives what is wrong with it, if anything is.
fn alter(image: &mut Image, resource: Resource<'_>, changes: &[AlterConfig]) -> Result<(), String> {
    let settings = BrokerSettings::default();
    let record = plan_alter_configs(image, &settings, resource, changes);
    if let Some(record) = record.map_err(|error| error.to_string())? {
        image.apply(&record).unwrap();
        image.check_invariants();
    }
    Ok(())
}

#[test]
fn each_resource_has_settings_of_its_own() {
    let mut image = Image::new();
    alter(&mut image, ALL, &[set("max.connections", " 010")]).unwrap();
    alter(&mut image, THIS, &[set("max.connections", "20")]).unwrap();
    alter(
        &mut image,
        GROUP,
        &[set("consumer.session.timeout.ms", "45000")],
    )
    .unwrap();
    assert_eq!(image.broker_configs(None)["max.connections"], "10");
    assert_eq!(image.broker_configs(Some(0))["max.connections"], "20");
    assert_eq!(image.broker_configs(Some(1)), &BTreeMap::new());
    assert_eq!(
        image.group_configs("g")["consumer.session.timeout.ms"],
        "45000"
    );
    assert_eq!(image.group_configs("h"), &BTreeMap::new());
    assert_eq!(image.groups_with_configs().collect::<Vec<_>>(), ["g"]);
    // With its last setting a resource is forgotten.
    let gone = change("consumer.session.timeout.ms", AlterOperation::Delete);
    alter(&mut image, GROUP, &[gone]).unwrap();
    assert_eq!(image.groups_with_configs().count(), 0);
    let replaced = [("log.retention.ms".to_owned(), "5".to_owned())];
    let settings = BrokerSettings::default();
    let record = plan_replace_configs(&image, &settings, ALL, &replaced).unwrap();
    image.apply(&record.unwrap()).unwrap();
    assert_eq!(
        image.broker_configs(None),
        &BTreeMap::from(replaced.clone())
    );
    assert_eq!(
        plan_replace_configs(&image, &settings, ALL, &replaced),
        Ok(None)
    );
}

#[test]
fn what_cannot_be_set_is_refused_by_name() {
    let mut image = Image::new();
    for (resource, changes, message) in [
        (
            THIS,
            &[set("num.partitions", "3")][..],
            "config num.partitions is read when the broker starts and cannot be changed while it runs",
        ),
        (
            ALL,
            &[set("log.retention", "3")],
            "unknown broker config 'log.retention'",
        ),
        (
            ALL,
            &[set("max.connections", "many")],
            "invalid value 'many' for config max.connections: expected a whole number of at least 0",
        ),
        (
            ALL,
            &[set("num.io.threads", "3")],
            "config num.io.threads=3 is not supported by this broker; the only value it accepts is '8'",
        ),
        (
            GROUP,
            &[set("retention.ms", "3")],
            "unknown group config 'retention.ms'",
        ),
        (
            ALL,
            &[change(
                "max.connections",
                AlterOperation::Append("3".to_owned()),
            )],
            "config max.connections is not a list: nothing can be appended or subtracted",
        ),
        (
            ALL,
            &[set("max.connections", "3"), set("max.connections", "3")],
            "config max.connections is named twice",
        ),
    ] {
        let refused = alter(&mut image, resource, changes).unwrap_err();
        assert!(refused.starts_with(message), "{refused}");
    }
    assert_eq!(image, Image::new());
    // What is not set can be unset, whether or not it could be set.
    for name in ["num.partitions", "no.such.setting"] {
        alter(&mut image, ALL, &[change(name, AlterOperation::Delete)]).unwrap();
    }
}

#[test]
fn lists_grow_and_shrink_from_the_value_that_holds() {
    let mut image = Image::new();
    let append = change(
        "log.cleanup.policy",
        AlterOperation::Append("delete".to_owned()),
    );
    alter(&mut image, ALL, &[append]).unwrap();
    assert_eq!(image.broker_configs(None)["log.cleanup.policy"], "delete");
}
