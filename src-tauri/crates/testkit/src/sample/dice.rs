//! Chance that is the same every time: one seed, one clinic.

/// A small generator of our own (SplitMix64): a library's may change its sequence with its version, and a sample that
/// changes with it can be compared with nothing.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A sequence for one purpose: adding a throw to one part of the clinic leaves the others as they were.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let named = purpose.bytes().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |state, byte| mix(state ^ u64::from(byte)));
        Self(mix(named))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// 0 up to, not including, `bound`; 0 for an empty range.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as usize) as i64
    }

    /// 0.0 up to, not including, 1.0.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// One of a list that is not empty, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, of: &[(u32, T)]) -> T {
        let total: u64 = of.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.next() % total.max(1);
        for (weight, value) in of {
            if left < u64::from(*weight) {
                return *value;
            }
            left -= u64::from(*weight);
        }
        of[of.len() - 1].1
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

/// The finalizer of SplitMix64: every bit of the input moves half of the output.
pub(crate) fn mix(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
