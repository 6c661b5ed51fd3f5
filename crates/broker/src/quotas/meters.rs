//! The meters of all clients that have a quota.

use std::collections::HashMap;
use std::time::Duration;

use env::Monotonic;

use super::limits::Metered;

/// When there are fewer meters than this, none is looked at to see whether it can go.
const METERS_KEPT_MIN: usize = 1024;

/// Most meters. Clients beyond that share one: names are free, memory is not.
const METERS_MAX: usize = 100_000;

/// How often it is looked which can go.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Counts what a client uses.
pub(super) trait Meter: Default {
    /// Whether a new one in its place would count the same from now on.
    fn is_as_new(&self, now: Monotonic) -> bool;
}

/// A meter for each of those that are counted apart.
#[derive(Debug, Default)]
pub(super) struct Meters<M> {
    meters: HashMap<Metered, M>,
    looked_at: Monotonic,
}

impl<M: Meter> Meters<M> {
    /// The meter for this client.
    pub(super) fn of(&mut self, metered: Metered, now: Monotonic) -> &mut M {
        if self.meters.len() >= METERS_KEPT_MIN && now.since(self.looked_at) >= LOOK_INTERVAL {
            self.meters.retain(|_, meter| !meter.is_as_new(now));
            self.looked_at = now;
        }
        let metered = match self.meters.len() < METERS_MAX || self.meters.contains_key(&metered) {
            true => metered,
            false => Metered::default(),
        };
        self.meters.entry(metered).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Used once or not at all; as new after a minute.
    #[derive(Default)]
    struct Used(Option<Monotonic>);

    impl Meter for Used {
        fn is_as_new(&self, now: Monotonic) -> bool {
            self.0
                .is_none_or(|at| now.since(at) >= Duration::from_secs(60))
        }
    }

    fn client(number: usize) -> Metered {
        Metered {
            user: None,
            client_id: Some(number.to_string()),
        }
    }

    fn at(seconds: u64) -> Monotonic {
        Monotonic(Duration::from_secs(seconds))
    }

    #[test]
    fn each_client_has_a_meter_of_its_own_as_long_as_it_counts() {
        let mut meters = Meters::<Used>::default();
        for number in 0..5_000 {
            let Used(used) = meters.of(client(number), at(100));
            assert_eq!(used.replace(at(100)), None);
        }
        assert_eq!(meters.meters.len(), 5_000);
        assert_eq!(meters.of(client(17), at(159)).0, Some(at(100)));
        assert_eq!(meters.of(client(17), at(160)).0, None);
        assert_eq!(meters.meters.len(), 1);
    }

    #[test]
    fn clients_beyond_a_number_share_one() {
        let mut meters = Meters::<Used>::default();
        for number in 0..METERS_MAX + 10 {
            meters.of(client(number), at(100)).0 = Some(at(100));
        }
        assert_eq!(meters.meters.len(), METERS_MAX + 1);
        meters.of(client(METERS_MAX + 50), at(120)).0 = Some(at(120));
        assert_eq!(meters.of(client(METERS_MAX + 60), at(121)).0, Some(at(120)));
        assert_eq!(meters.of(client(7), at(121)).0, Some(at(100)));
        // There is room again.
        meters.of(client(METERS_MAX + 50), at(165)).0 = Some(at(165));
        assert_eq!(meters.of(client(METERS_MAX + 60), at(165)).0, None);
    }
}
