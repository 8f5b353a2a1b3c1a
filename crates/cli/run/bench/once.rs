//! One run of a benchmark: a process that does nothing else. What to do comes in one line on stdin; when that ends,
//! nobody wants the figures any more.
use std::{
    io::{self, BufRead as _},
    sync::Arc,
    thread,
};

use auth::{Found, Given};
use bench::{Counter, Sides, Spot, measure};
use copier::{Engine, Ranges, Side, Silent};
use futures::channel::oneshot;
use pace::{Level, Traffic};
use reference::{Registry, RepositoryName};
use registry::{Farewells, Repository};

use super::handed::{Handed, Login};
use crate::{
    args::Access,
    failure::{Failure, Signal},
    render::Finished,
    run::places::{Keys, Places},
    usage::Usage,
};

/// Makes the run that stdin asks for.
pub(in crate::run) async fn run(farewells: &Farewells) -> Result<Finished, Failure> {
    let (line, gone) = listen().map_err(unread)?;
    let line = line.await.unwrap_or_else(|_| Err(io::ErrorKind::UnexpectedEof.into())).map_err(unread)?;
    let handed = serde_json::from_str(&line).map_err(|why| unread(why.into()))?;
    tokio::select! {
        biased;
        _ = gone => Err(Failure::Interrupted(Signal::Terminate)),
        finished = make(handed, farewells) => finished,
    }
}

async fn make(handed: Handed, farewells: &Farewells) -> Result<Finished, Failure> {
    let Handed { errand, access, source, target } = handed;
    let counters = Sides { source: Arc::<Counter>::default(), target: Arc::default() };
    let traffic = Traffic::new(Level::exactly(errand.jobs));
    let reached = |side, spot, login, counter: &Arc<Counter>| {
        let tune = Tune { counter: Arc::clone(counter), traffic: traffic.clone() };
        reach(side, spot, login, &access, tune, farewells)
    };
    let sides = Sides {
        source: reached(Side::Source, &errand.source, source, &counters.source).await?,
        target: reached(Side::Target, &errand.target, target, &counters.target).await?,
    };
    let ranges = Ranges { most: errand.ranges, ..Ranges::default() };
    let engine = Engine::new(Arc::new(Silent), traffic).with_ranges(ranges);
    Ok(Finished::Ran(Box::new(measure(&errand, &engine, sides, &counters).await)))
}

/// Who counts what goes over the wire, and how much may at a time.
struct Tune {
    counter: Arc<Counter>,
    traffic: Traffic,
}

/// A repository, counted; who we are there is looked up before the clock starts.
async fn reach(
    side: Side,
    spot: &Spot,
    login: Login,
    access: &Access,
    tune: Tune,
    farewells: &Farewells,
) -> Result<Repository, Failure> {
    let registry: Registry = spot.registry.parse().map_err(|why| Usage::parse("registry", &why))?;
    let name: RepositoryName = spot.repository.parse().map_err(|why| Usage::parse("repository", &why))?;
    let via = spot.via.map(|via| (registry.clone(), via));
    let places = Places::tuned(access, [], farewells, |options| {
        options.meter = Some(tune.counter);
        options.traffic = tune.traffic;
        options.via.extend(via);
    })?;
    let found: Option<Found> = match login {
        Login::Nobody => None,
        known => places.keys(known.words(), &registry)?.find(side, &registry, &name).await?,
    };
    let keys = Keys { given: found.is_some(), source: Arc::new(Given(found)) };
    Ok(places.repository(&registry, &name, &keys))
}

/// The first line of stdin, and its end. A thread of its own: a read from a pipe cannot be cancelled.
#[allow(clippy::type_complexity, reason = "two channels")]
fn listen() -> io::Result<(oneshot::Receiver<io::Result<String>>, oneshot::Receiver<()>)> {
    let ((tell, told), (stay, gone)) = (oneshot::channel(), oneshot::channel());
    thread::Builder::new().spawn(move || {
        let (mut stdin, mut line) = (io::stdin().lock(), String::new());
        let read = stdin.read_line(&mut line).map(|_| line);
        // Nobody listens where a signal was faster.
        drop(tell.send(read));
        drop(io::copy(&mut stdin, &mut io::sink()));
        drop(stay);
    })?;
    Ok((told, gone))
}

fn unread(why: io::Error) -> Failure {
    Failure::File { path: "what this run is to do".to_owned(), why }
}
