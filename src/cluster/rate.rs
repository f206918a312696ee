//! A limit on how fast requests follow each other, where the user asks for one.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The most requests a second, beyond a first burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    per_second: f64,
    burst: u32,
}

impl Rate {
    /// None where `per_second` sets no limit: 0, less, or no number. A burst of 0 counts as 1.
    pub fn new(per_second: f64, burst: u32) -> Option<Rate> {
        let limits = per_second.is_finite() && per_second > 0.0;
        limits.then(|| Rate {
            per_second,
            burst: burst.max(1),
        })
    }
}

/// A bucket of tokens, one for each request.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Rate,
    /// Tokens that are left, below 0 those that are promised already; and when that was.
    state: Mutex<(f64, Instant)>,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Limiter {
        Limiter {
            rate,
            state: Mutex::new((f64::from(rate.burst), Instant::now())),
        }
    }

    /// Takes a token, and waits until it is there.
    pub(super) async fn wait(&self) {
        let pause = self.reserve(Instant::now());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Takes a token; how long it takes until it is there.
    fn reserve(&self, now: Instant) -> Duration {
        // A panic elsewhere leaves numbers that are still numbers.
        let mut state = match self.state.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        };
        let (tokens, since) = *state;
        let gained = now.saturating_duration_since(since).as_secs_f64() * self.rate.per_second;
        let tokens = (tokens + gained).min(f64::from(self.rate.burst)) - 1.0;
        *state = (tokens, now.max(since));
        Duration::try_from_secs_f64(-tokens / self.rate.per_second).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_in_steps() {
        let limiter = Limiter::new(Rate::new(4.0, 2).unwrap());
        let start = limiter.state.lock().unwrap().1;
        let at = |ms: u64| {
            limiter
                .reserve(start + Duration::from_millis(ms))
                .as_millis()
        };
        assert_eq!([at(0), at(0), at(0), at(0)], [0, 0, 250, 500]);
        // A second later two of four are used up, and no more than a burst is saved.
        assert_eq!([at(1000), at(1000), at(1000)], [0, 0, 250]);
        assert_eq!([at(9000), at(9000), at(9000)], [0, 0, 250]);
    }

    #[test]
    fn what_sets_no_limit() {
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Rate::new(none, 100), None);
        }
    }
}
