//! Serves a layout: `serve ADDRESS DIRECTORY [sparse]`, for the conformance suite and for tests with other clients.
//! With `sparse`, manifests are taken whose parts are missing. Prints the bound address; ends when its standard input
//! is closed or it is interrupted.
#![allow(clippy::print_stdout, reason = "the address is this program's output")]
use std::{error::Error, io::Read as _, path::Path};

use layout::Layout;
use server::{Options, Server};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: serve ADDRESS DIRECTORY [sparse], as in: serve 127.0.0.1:0 images".into());
    };
    let sparse = arguments.next().is_some_and(|word| word == "sparse");
    let layout = Layout::create_or_open(Path::new(&dir))?;
    let listener = TcpListener::bind(&address).await?;
    println!("{}", listener.local_addr()?);
    let (closed, wait) = tokio::sync::oneshot::channel();
    // A thread of its own: a read from standard input cannot be cancelled.
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        drop(std::io::stdin().read_to_end(&mut rest));
        // Nobody waits any more when the server has ended by itself.
        let _ = closed.send(());
    });
    let shutdown = async {
        drop(wait.await);
    };
    Server::new(layout, Options { sparse, ..Options::default() }).serve(listener, shutdown).await?;
    Ok(())
}
