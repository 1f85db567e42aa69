//! Who is here, who is on the way in, and whether there is room for another.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{Guest, Limits};

/// The places of a front.
pub(super) struct Places {
    limits: Limits,
    taken: Mutex<Taken>,
    number: watch::Sender<usize>,
}

#[derive(Default)]
struct Taken {
    arriving: Count,
    /// With those that have a place and are still proving who they are.
    inside: Count,
    guests: BTreeMap<u64, Guest>,
    next: u64,
}

/// How many, from each address and in all.
#[derive(Default)]
struct Count {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

impl Count {
    fn enter(&mut self, address: IpAddr, most: usize, most_each: usize) -> bool {
        let here = self.each.get(&address).copied().unwrap_or(0);
        if self.all >= most || here >= most_each {
            return false;
        }
        self.all += 1;
        self.each.insert(address, here + 1);
        true
    }

    fn leave(&mut self, address: IpAddr) {
        self.all = self.all.saturating_sub(1);
        if let Some(here) = self.each.get_mut(&address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                self.each.remove(&address);
            }
        }
    }
}

impl Places {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, taken: Mutex::default(), number: watch::Sender::new(0) }
    }

    pub(super) fn guests(&self) -> Vec<Guest> {
        self.taken().guests.values().copied().collect()
    }

    pub(super) fn changed(&self) -> watch::Receiver<usize> {
        self.number.subscribe()
    }

    /// Someone comes; `None` when too many are on their way in.
    pub(super) fn arrive(self: &Arc<Self>, address: IpAddr) -> Option<Arrival> {
        let Limits { arriving, arriving_each, .. } = self.limits;
        let fits = self.taken().arriving.enter(address, arriving, arriving_each);
        fits.then(|| Arrival { places: self.clone(), address })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Counting does not panic half-way.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Someone on the way in.
pub(super) struct Arrival {
    places: Arc<Places>,
    address: IpAddr,
}

impl Arrival {
    /// A place, if one is free; whoever has it may still be sent away while proving who they are.
    pub(super) fn take_place(&self) -> Option<Place> {
        let Limits { connections, connections_each, .. } = self.places.limits;
        let fits = self.places.taken().inside.enter(self.address, connections, connections_each);
        fits.then(|| Place { places: self.places.clone(), address: self.address, guest: None })
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.places.taken().arriving.leave(self.address);
    }
}

/// A place that is taken.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
    guest: Option<u64>,
}

impl Place {
    /// From now on whoever has this place is shown among the guests.
    pub(super) fn settle(&mut self, since: DateTime<Utc>) {
        let mut taken = self.places.taken();
        let id = taken.next;
        taken.next += 1;
        taken.guests.insert(id, Guest { address: self.address, since });
        self.guest = Some(id);
        self.places.number.send_replace(taken.guests.len());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.inside.leave(self.address);
        if let Some(id) = self.guest {
            taken.guests.remove(&id);
            self.places.number.send_replace(taken.guests.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Arc<Places> {
        let limits = Limits { connections: 3, connections_each: 2, arriving: 3, arriving_each: 2, ..Limits::default() };
        Arc::new(Places::new(limits))
    }

    fn at(last: u8) -> IpAddr {
        IpAddr::from([192, 168, 0, last])
    }

    #[test]
    fn one_address_cannot_take_the_way_in_of_all_others() {
        let places = places();
        let _first = places.arrive(at(1)).unwrap();
        let second = places.arrive(at(1)).unwrap();
        assert!(places.arrive(at(1)).is_none(), "two from one address");
        let _other = places.arrive(at(2)).unwrap();
        assert!(places.arrive(at(3)).is_none(), "three in all");
        drop(second);
        assert!(places.arrive(at(1)).is_some());
    }

    #[test]
    fn places_are_counted_apart_from_those_on_the_way_and_given_back() {
        let places = places();
        let take = |last| places.arrive(at(last)).unwrap().take_place();
        let (first, second) = (take(1), take(1));
        assert!(first.is_some() && second.is_some());
        assert!(take(1).is_none(), "two for one address");
        let third = take(2);
        assert!(third.is_some() && take(3).is_none(), "three in all");
        drop(first);
        assert!(take(3).is_some());
    }

    #[test]
    fn only_who_has_settled_is_shown() {
        let places = places();
        let changed = places.changed();
        let mut place = places.arrive(at(1)).unwrap().take_place().unwrap();
        assert_eq!(places.guests(), []);
        let since = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        place.settle(since);
        assert_eq!(places.guests(), [Guest { address: at(1), since }]);
        assert_eq!(*changed.borrow(), 1);
        drop(place);
        assert_eq!((places.guests().len(), *changed.borrow()), (0, 0));
    }
}
