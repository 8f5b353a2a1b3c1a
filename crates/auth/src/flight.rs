//! Flights: one value that many tasks want and one of them fetches.
//!
//! Whoever holds the turn fetches; the others wait for the turn and look again, so that an owner which fails or is
//! dropped hands over to the next. A definite refusal is shared: asking again would only lock the account.
use std::{
    future::Future,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::AuthError;

/// A value with an end.
pub(crate) trait Lasting: Clone + Send {
    /// From when on another one is fetched while this one still serves.
    fn renew(&self) -> Instant;
    /// From when on it does not serve.
    fn end(&self) -> Instant;
}

/// The moment `life` from now; now, when that is beyond the end of time.
pub(crate) fn after(life: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(life).unwrap_or(now)
}

/// A value that is fetched once, however many tasks ask.
#[derive(Debug)]
pub(crate) struct Flight<T> {
    state: Mutex<State<T>>,
    /// Held across the fetch, and by nothing else.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    /// Which value it is, among all flights; zero before the first.
    serial: u64,
    /// Counts the failures since the last value.
    failures: u64,
    last: Option<(AuthError, Instant)>,
}

enum Look<T> {
    Fresh(T, u64),
    Ageing(T, u64),
    Missing,
}

impl<T> Default for Flight<T> {
    fn default() -> Self {
        let state = State { value: None, serial: 0, failures: 0, last: None };
        Self { state: Mutex::new(state), turn: tokio::sync::Mutex::new(()) }
    }
}

impl<T: Lasting> Flight<T> {
    /// The value and its serial number; `fetch` runs only when there is no value beside the one numbered `but`, or when
    /// it is time to renew it.
    ///
    /// Every request comes by here, and few of them fetch: what fetches has memory of its own, and is no part of them.
    pub(crate) async fn get<Fetching>(
        &self,
        but: Option<u64>,
        fetch: impl FnOnce() -> Fetching + Send,
    ) -> Result<(T, u64), AuthError>
    where
        Fetching: Future<Output = Result<T, AuthError>> + Send,
    {
        let arrived = self.state().failures;
        match self.look(but) {
            Look::Fresh(value, serial) => Ok((value, serial)),
            Look::Ageing(value, serial) => self.renew(value, serial, fetch).await,
            Look::Missing => {
                let _turn = self.turn.lock().await;
                if let Look::Fresh(value, serial) | Look::Ageing(value, serial) = self.look(but) {
                    return Ok((value, serial));
                }
                match self.shared_failure(arrived) {
                    Some(error) => Err(error),
                    None => self.keep(Box::pin(fetch()).await),
                }
            }
        }
    }

    /// The serial number of the value; zero before the first.
    pub(crate) fn serial(&self) -> u64 {
        self.state().serial
    }

    /// Whether nothing is worth keeping here.
    pub(crate) fn is_over(&self) -> bool {
        self.turn.try_lock().is_ok() && matches!(self.look(None), Look::Missing)
    }

    /// One task renews; whoever comes meanwhile makes do with the old value, and so does the task itself when it
    /// fails: the value still serves.
    async fn renew<Fetching>(
        &self,
        value: T,
        serial: u64,
        fetch: impl FnOnce() -> Fetching + Send,
    ) -> Result<(T, u64), AuthError>
    where
        Fetching: Future<Output = Result<T, AuthError>> + Send,
    {
        let Ok(_turn) = self.turn.try_lock() else { return Ok((value, serial)) };
        if self.state().last.as_ref().is_some_and(|(_, when)| when.elapsed() < REMEMBERED) {
            return Ok((value, serial));
        }
        if let Look::Fresh(value, serial) = self.look(None) {
            return Ok((value, serial));
        }
        Ok(self.keep(Box::pin(fetch()).await).unwrap_or((value, serial)))
    }

    fn look(&self, but: Option<u64>) -> Look<T> {
        let (state, now) = (self.state(), Instant::now());
        match &state.value {
            Some(value) if but != Some(state.serial) && now < value.end() => {
                if now < value.renew() {
                    Look::Fresh(value.clone(), state.serial)
                } else {
                    Look::Ageing(value.clone(), state.serial)
                }
            }
            _ => Look::Missing,
        }
    }

    fn keep(&self, outcome: Result<T, AuthError>) -> Result<(T, u64), AuthError> {
        let mut state = self.state();
        match outcome {
            Ok(value) => {
                state.value = Some(value.clone());
                state.serial = SERIAL.fetch_add(1, Ordering::Relaxed);
                state.last = None;
                Ok((value, state.serial))
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                state.last = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    /// The last failure, where another try would be no better: a refusal while we waited or a moment ago, or the
    /// second "later" since we came.
    fn shared_failure(&self, arrived: u64) -> Option<AuthError> {
        let state = self.state();
        let (error, when) = state.last.as_ref()?;
        let since = state.failures.saturating_sub(arrived);
        let shared =
            if error.is_momentary() { since >= 2 } else { since >= 1 || when.elapsed() < REMEMBERED };
        shared.then(|| error.clone())
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static SERIAL: AtomicU64 = AtomicU64::new(1);
/// How long a refusal stands before the same question is asked again.
const REMEMBERED: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicUsize};

    use super::*;

    #[derive(Clone, Debug)]
    struct Value(Instant);

    impl Lasting for Value {
        fn renew(&self) -> Instant {
            self.0 + Duration::from_secs(8)
        }
        fn end(&self) -> Instant {
            self.0 + Duration::from_secs(10)
        }
    }

    fn later() -> AuthError {
        AuthError::Unreachable { realm: "a".to_owned(), what: "b".to_owned() }
    }

    fn no() -> AuthError {
        AuthError::NotAcr { registry: "a".to_owned() }
    }

    /// Runs `tasks` at once; each fetch yields, then gives the next of `outcomes`. How many fetches, and successes.
    async fn run(tasks: usize, outcomes: Vec<Result<(), AuthError>>) -> (usize, usize) {
        let flight = Arc::new(Flight::<Value>::default());
        let (fetches, outcomes) = (Arc::new(AtomicUsize::new(0)), Arc::new(outcomes));
        let one = |_| {
            let (flight, fetches, outcomes) =
                (Arc::clone(&flight), Arc::clone(&fetches), Arc::clone(&outcomes));
            async move {
                let fetch = || async {
                    let count = fetches.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    outcomes[count].clone().map(|()| Value(Instant::now()))
                };
                flight.get(None, fetch).await.is_ok()
            }
        };
        let results = futures::future::join_all((0..tasks).map(one)).await;
        (fetches.load(Ordering::SeqCst), results.into_iter().filter(|ok| *ok).count())
    }

    #[tokio::test(start_paused = true)]
    async fn sixteen_tasks_fetch_once() {
        assert_eq!(run(16, vec![Ok(())]).await, (1, 16));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_shared() {
        assert_eq!(run(16, vec![Err(no())]).await, (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_momentary_failure_hands_over_to_one_waiter() {
        assert_eq!(run(16, vec![Err(later()), Ok(())]).await, (2, 15));
        assert_eq!(run(16, vec![Err(later()), Err(later())]).await, (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_that_is_dropped_hands_over() {
        let flight = Flight::<Value>::default();
        let mut owner = Box::pin(flight.get(None, std::future::pending));
        assert!(futures::poll!(owner.as_mut()).is_pending());
        let mut waiter = Box::pin(flight.get(None, || async { Ok(Value(Instant::now())) }));
        assert!(futures::poll!(waiter.as_mut()).is_pending());
        drop(owner);
        assert!(waiter.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_renewed_by_one_while_the_others_use_it() {
        let flight = Flight::<Value>::default();
        let fresh = || async { Ok(Value(Instant::now())) };
        let (_, first) = flight.get(None, fresh).await.unwrap();
        tokio::time::advance(Duration::from_secs(8)).await;
        let mut owner = Box::pin(flight.get(None, std::future::pending));
        assert!(futures::poll!(owner.as_mut()).is_pending());
        assert_eq!(flight.get(None, fresh).await.unwrap().1, first);
        drop(owner);
        assert_ne!(flight.get(None, fresh).await.unwrap().1, first);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_serves_to_its_end_when_it_cannot_be_renewed() {
        let flight = Flight::<Value>::default();
        let (_, first) = flight.get(None, || async { Ok(Value(Instant::now())) }).await.unwrap();
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(flight.get(None, || async { Err(no()) }).await.unwrap().1, first);
        assert_eq!(flight.get(None, || async { panic!("asked again at once") }).await.unwrap().1, first);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(flight.get(None, || async { Err(later()) }).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_value_is_replaced_once() {
        let flight = Flight::<Value>::default();
        let fresh = || async { Ok(Value(Instant::now())) };
        let (_, first) = flight.get(None, fresh).await.unwrap();
        let (_, second) = flight.get(Some(first), fresh).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(flight.get(Some(first), fresh).await.unwrap().1, second);
    }
}
