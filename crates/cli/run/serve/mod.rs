//! `transship serve`, from what was typed to a registry that listens until a signal comes.
mod door;
mod open;
mod renew;

use std::{future::pending, io, time::Duration};

use content::{Fault, FaultKind, Step};
use server::{Options, Server};
use tokio::{net::TcpListener, sync::oneshot, task::spawn_blocking, time::timeout};

use super::until;
use crate::{
    args::ServeArgs,
    failure::Failure,
    render::{Console, Finished, Opening},
    signal::Signals,
};
use renew::Renewal;

/// How long requests under way are waited for without a word about it.
const QUIET: Duration = Duration::from_secs(1);

/// Serves, until a signal comes.
pub(super) async fn serve(
    args: &ServeArgs,
    console: &Console,
    signals: &mut Signals,
) -> Result<Finished, Failure> {
    let (server, listener, renewal) = until(signals, ready(args, console)).await?;
    let renewing = async {
        match renewal {
            Some(renewal) => renewal.goes_on().await,
            None => pending().await,
        }
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = std::pin::pin!(server.serve(listener, async {
        drop(stopped.await);
    }));
    tokio::select! {
        ended = &mut serving => return ended.map(|()| Finished::Served).map_err(unheard),
        never = renewing => match never {},
        _ = signals.next() => drop(stop),
    }
    let leaving = async {
        if let Ok(ended) = timeout(QUIET, &mut serving).await {
            return ended;
        }
        console.note("waiting for requests under way; another signal ends this at once");
        serving.await
    };
    tokio::select! {
        biased;
        _ = signals.next() => Ok(Finished::Served),
        ended = leaving => ended.map(|()| Finished::Served).map_err(unheard),
    }
}

/// Everything that can be wrong is found before anybody is told that there is a registry.
async fn ready<'a>(
    args: &'a ServeArgs,
    console: &'a Console,
) -> Result<(Server, TcpListener, Option<Renewal<'a>>), Failure> {
    let paths = open::paths(args)?;
    door::is_address(&args.listen)?;
    let (tls, htpasswd) = (door::tls(args)?, door::htpasswd(args)?);
    let (encrypted, guarded, writable) = (tls.is_some(), htpasswd.is_some(), args.writable);
    let renewal = tls.as_ref().map(|(tls, pair)| Renewal::of(args, console, tls.clone(), pair));
    let opened = spawn_blocking(move || open::layouts(&paths, writable)).await;
    let layouts = opened.map_err(|why| unheard(why.into()))??;
    let shown = layouts.iter().map(|layout| layout.shown().to_owned()).collect();
    let repository = args.repository.clone();
    let tls = tls.map(|(tls, _)| tls);
    let max_connections = usize::try_from(args.max_connections).unwrap_or(usize::MAX);
    let options = Options { writable, repository, tls, htpasswd, max_connections, ..Options::default() };
    let server = Server::over(layouts, options);
    let survey = server.survey().await.map_err(Failure::Neither)?;
    let listener = TcpListener::bind(&args.listen).await.map_err(|why| deaf(&args.listen, why))?;
    let address = listener.local_addr().map_err(|why| deaf(&args.listen, why))?;
    survey.oddities.iter().for_each(|oddity| console.warn(&oddity.to_string()));
    if survey.unlisted > 0 {
        console.warn(&format!("{} more of such warnings are left out", survey.unlisted));
    }
    if let Some(warning) = door::ajar(address, (encrypted, guarded, writable)) {
        console.warn(&warning);
    }
    let scheme = if encrypted { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    console.serving(&Opening { address, url, writable, layouts: shown, survey });
    Ok((server, listener, renewal))
}

/// It cannot listen where it is to.
fn deaf(address: &str, why: io::Error) -> Failure {
    let taken = why.kind() == io::ErrorKind::AddrInUse;
    let fault = Fault::new(FaultKind::Local, Step::Listen, format!("cannot listen on {address}: {why}"));
    let fault = fault.because(why);
    Failure::Neither(if taken { fault.hint("--listen 127.0.0.1:0 takes a port that is free") } else { fault })
}

/// It cannot listen any more.
fn unheard(why: io::Error) -> Failure {
    let fault = Fault::new(FaultKind::Local, Step::Listen, format!("cannot serve: {why}"));
    Failure::Neither(fault.because(why))
}
