//! A link for programs of any make: `link LISTEN UPSTREAM [--rtt-ms MS] [--rate BYTES]`, as in
//! `link 127.0.0.1:6001 127.0.0.1:5001 --rtt-ms 50 --rate 5MiB`. Prints the bound address. When its standard input is
//! closed or it is interrupted, it prints what has passed and ends.
#![allow(clippy::print_stdout, reason = "the address is this program's output")]
use std::{error::Error, io::Read as _, num::NonZeroU64, time::Duration};

use link::{Conditions, Counts, Link};

const USAGE: &str = "usage: link LISTEN UPSTREAM [--rtt-ms MS] [--rate BYTES[KiB|MiB|GiB]]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(upstream)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.into());
    };
    let mut conditions = Conditions::default();
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match &*flag {
            "--rtt-ms" => conditions.rtt = Duration::from_millis(value.parse()?),
            "--rate" => conditions.rate = Some(rate(&value).ok_or(USAGE)?),
            _ => return Err(USAGE.into()),
        }
    }
    let link = Link::listen(listen.parse()?, upstream.parse()?, conditions).await?;
    println!("listening on {}", link.address());
    tokio::select! {
        () = closed() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    let Counts { connections, up, down } = link.counts();
    println!("{connections} connections, {up} bytes up, {down} bytes down");
    Ok(())
}

/// Bytes in a second: a number, or one with a binary unit.
fn rate(text: &str) -> Option<NonZeroU64> {
    let units = [("KiB", 1_u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)];
    let (number, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    NonZeroU64::new(number.parse::<u64>().ok()?.checked_mul(*unit)?)
}

/// Waits until standard input ends, on a thread of its own: a read from it cannot be cancelled.
async fn closed() {
    let (over, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        drop(std::io::stdin().read_to_end(&mut Vec::new()));
        // Nobody waits any more when the link has been interrupted.
        let _ = over.send(());
    });
    drop(wait.await);
}
