//! Which quota a client has.

use std::collections::{BTreeMap, HashMap};

use metadata::{ClientQuotas, EntityName, QuotaKey, QuotaLimit};

/// The user of a connection on which nobody has said who they are.
pub(crate) const ANONYMOUS: &str = "ANONYMOUS";

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    /// The user.
    pub(crate) user: &'a str,
    /// What the client calls itself; empty if it has no name.
    pub(crate) id: &'a str,
}

/// Those whose use is counted together, because their quota is for all of them together: the client
/// ids of a user that go by one name, all client ids of a user, or the client id of all users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Metered {
    pub(super) user: Option<String>,
    pub(super) client_id: Option<String>,
}

/// The quotas of all clients, to look up those of one.
#[derive(Debug, Default)]
pub(crate) struct QuotaLimits {
    by_key: BTreeMap<QuotaKey, Users>,
}

/// The limits of one key.
#[derive(Debug, Default)]
struct Users {
    named: HashMap<String, ClientIds>,
    default: ClientIds,
    /// Of entities without a user.
    whatever: ClientIds,
}

#[derive(Debug, Default)]
struct ClientIds {
    named: HashMap<String, QuotaLimit>,
    default: Option<QuotaLimit>,
    /// Of the entity without a client id.
    whatever: Option<QuotaLimit>,
}

impl QuotaLimits {
    /// Arranges quotas to be looked up.
    pub(crate) fn new(quotas: &ClientQuotas) -> Self {
        let mut limits = Self::default();
        for (entity, quotas) in quotas {
            for (key, limit) in quotas {
                let users = limits.by_key.entry(*key).or_default();
                let client_ids = match &entity.user {
                    Some(EntityName::Named(user)) => users.named.entry(user.clone()).or_default(),
                    Some(EntityName::Default) => &mut users.default,
                    None => &mut users.whatever,
                };
                match &entity.client_id {
                    Some(EntityName::Named(id)) => {
                        client_ids.named.insert(id.clone(), *limit);
                    }
                    Some(EntityName::Default) => client_ids.default = Some(*limit),
                    None => client_ids.whatever = Some(*limit),
                }
            }
        }
        limits
    }

    /// Whether anybody has a quota of this key.
    pub(crate) fn has(&self, key: QuotaKey) -> bool {
        self.by_key.contains_key(&key)
    }

    /// The quota of a client, and with whom it shares that: the first that there is of the client id of
    /// the user, any client id of the user, the user, the same three of any user, the client id, any
    /// client id.
    pub(super) fn of(&self, key: QuotaKey, client: Client<'_>) -> Option<(Metered, QuotaLimit)> {
        let users = self.by_key.get(&key)?;
        let of_user = [users.named.get(client.user), Some(&users.default)];
        let found = of_user
            .into_iter()
            .flatten()
            .find_map(|client_ids| Some((true, client_ids.of(client.id)?)));
        let found = found.or_else(|| Some((false, users.whatever.of(client.id)?)));
        let (by_user, (by_client_id, limit)) = found?;
        let metered = Metered {
            user: by_user.then(|| client.user.to_owned()),
            client_id: by_client_id.then(|| client.id.to_owned()),
        };
        Some((metered, limit))
    }
}

impl ClientIds {
    /// The limit, and whether it is for the client id alone.
    fn of(&self, id: &str) -> Option<(bool, QuotaLimit)> {
        let of_id = self.named.get(id).copied().or(self.default);
        match of_id {
            Some(limit) => Some((true, limit)),
            None => Some((false, self.whatever?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use metadata::{QuotaEntity, Quotas};

    use super::*;

    const KEY: QuotaKey = QuotaKey::ProducerByteRate;

    fn entity(user: Option<&str>, client_id: Option<&str>) -> QuotaEntity {
        let name = |name: &str| match name {
            "*" => EntityName::Default,
            name => EntityName::Named(name.to_owned()),
        };
        QuotaEntity {
            user: user.map(name),
            client_id: client_id.map(name),
        }
    }

    fn quotas(limit: f64) -> Quotas {
        BTreeMap::from([(KEY, QuotaLimit::new(limit).unwrap())])
    }

    fn found(quotas: &ClientQuotas, user: &str, id: &str) -> Option<(f64, Metered)> {
        let limits = QuotaLimits::new(quotas);
        let (metered, limit) = limits.of(KEY, Client { user, id })?;
        Some((limit.get(), metered))
    }

    /// All entities that apply to a client, the one that counts first; `*` is the default.
    const PRECEDENCE: [(Option<&str>, Option<&str>); 8] = [
        (Some("u"), Some("c")),
        (Some("u"), Some("*")),
        (Some("u"), None),
        (Some("*"), Some("c")),
        (Some("*"), Some("*")),
        (Some("*"), None),
        (None, Some("c")),
        (None, Some("*")),
    ];

    #[test]
    fn the_first_quota_counts() {
        let all = PRECEDENCE.iter().zip(1..);
        let mut all: ClientQuotas = all
            .map(|((user, id), limit)| (entity(*user, *id), quotas(f64::from(limit))))
            .collect();
        // Quotas of others, and of another kind.
        for (user, id) in [(Some("x"), None), (None, Some("x")), (Some("u"), Some("x"))] {
            all.insert(entity(user, id), quotas(99.0));
        }
        for ((user, id), limit) in PRECEDENCE.into_iter().zip(1..) {
            let metered = Metered {
                user: user.map(|_| "u".to_owned()),
                client_id: id.map(|_| "c".to_owned()),
            };
            let expected = Some((f64::from(limit), metered));
            assert_eq!(found(&all, "u", "c"), expected, "{user:?} {id:?}");
            let other =
                BTreeMap::from([(QuotaKey::ConsumerByteRate, QuotaLimit::new(98.0).unwrap())]);
            all.insert(entity(user, id), other);
        }
        assert_eq!(found(&all, "u", "c"), None);
    }

    #[test]
    fn a_default_is_for_each_client_apart() {
        let all = ClientQuotas::from([(entity(None, Some("*")), quotas(1.0))]);
        let (_, a) = found(&all, "u", "a").unwrap();
        assert_eq!(found(&all, "v", "a").unwrap().1, a, "whoever the user is");
        assert_ne!(found(&all, "u", "b").unwrap().1, a);
        assert_ne!(found(&all, "u", "").unwrap().1, a, "no name is a name too");
        let all = ClientQuotas::from([(entity(Some("*"), None), quotas(1.0))]);
        let (_, u) = found(&all, "u", "a").unwrap();
        assert_eq!(
            found(&all, "u", "b").unwrap().1,
            u,
            "whatever the client id"
        );
        assert_ne!(found(&all, "v", "a").unwrap().1, u);
    }
}
