//! A mirror that keeps running: one run after the other, and a board that tells how they went.
use std::time::Duration;

use mirror::receipt;
use registry::Farewells;
use status::{Board, End, Round, answer};
use tokio::time::Instant;
use tokio::{net::TcpListener, time::sleep};

use super::round;
use crate::{
    args::MirrorArgs,
    failure::Failure,
    render::{Console, Finished},
};

/// Runs again and again, until a signal comes. A first run that makes no sense is the last.
pub(super) async fn watch(
    args: &MirrorArgs,
    period: Duration,
    console: &Console,
    farewells: &Farewells,
) -> Result<Finished, Failure> {
    let board = Board::default();
    listen(args, &board).await?;
    let mut first = true;
    loop {
        let begun = Instant::now();
        board.begin();
        // Everything is made anew: credentials may have changed, and what a run remembers ends with it.
        let done = Box::pin(round(args, console, farewells, &board)).await;
        board.end(&told(&done, begun.elapsed()));
        match done {
            Ok(finished) => drop(console.succeed(&finished)),
            Err(failure @ Failure::Usage(_)) if first => return Err(failure),
            Err(failure) => console.fail(&failure),
        }
        console.forget();
        first = false;
        sleep(pause(period, begun.elapsed(), fastrand::f64())).await;
    }
}

/// Answers whoever asks how it goes, where that was asked for.
pub(super) async fn listen(args: &MirrorArgs, board: &Board) -> Result<(), Failure> {
    let Some(address) = args.watching.listen else { return Ok(()) };
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|why| Failure::File { path: format!("requests at {address}"), why })?;
    tokio::spawn(answer(listener, board.clone()));
    Ok(())
}

/// How long to wait after a run: the period, give or take a tenth, is from one start to the next.
fn pause(period: Duration, took: Duration, chance: f64) -> Duration {
    period.mul_f64(0.9 + chance / 5.0).saturating_sub(took)
}

/// What watchers are told of a run.
fn told(done: &Result<Finished, Failure>, took: Duration) -> Round {
    let (mirrored, well) = match done {
        Ok(Finished::Mirrored(mirrored)) => (Some(mirrored), true),
        Err(Failure::Mirrored(mirrored)) => (Some(mirrored), false),
        _ => (None, false),
    };
    let Some(mirrored) = mirrored else { return Round { took, end: End::Failed, ..Round::default() } };
    let end = &mirrored.end;
    Round { source: end.requests.source, target: end.requests.target, took, end: how(well, end) }
}

/// How a run ended that went well, or did not.
pub(super) fn how(well: bool, end: &receipt::End) -> End {
    match (well, end.failed < end.images) {
        (true, _) => End::Done,
        (false, true) => End::Partly,
        (false, false) => End::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_begins_a_period_after_the_one_before_give_or_take_a_tenth() {
        let (period, took) = (Duration::from_secs(600), Duration::from_secs(60));
        assert_eq!(pause(period, took, 0.0), Duration::from_secs(480));
        assert_eq!(pause(period, took, 0.5), Duration::from_secs(540));
        assert!(pause(period, took, 0.999_999) < Duration::from_secs(601));
    }

    #[test]
    fn a_run_that_took_longer_than_the_period_is_followed_at_once() {
        assert_eq!(pause(Duration::from_secs(60), Duration::from_secs(67), 1.0), Duration::ZERO);
    }
}
