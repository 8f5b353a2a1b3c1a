//! A certificate that is renewed while a registry runs: its files are read again and again.
use std::{convert::Infallible, time::Duration};

use content::Hasher;
use reference::{Algorithm, Digest};
use server::Tls;
use tokio::time::sleep;

use super::door::{self, Pair};
use crate::{
    args::ServeArgs,
    failure::Failure,
    render::{Console, error::headline},
    run::apart::apart,
};

/// How often the files are read.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate that a registry has, and whoever looks whether there is another.
pub(super) struct Renewal<'a> {
    args: &'a ServeArgs,
    console: &'a Console,
    tls: Tls,
    /// What stood in the files that it is made of.
    seen: Digest,
    /// What was wrong with the files when they were read last, and whether that was told.
    doubt: Option<(String, bool)>,
}

impl<'a> Renewal<'a> {
    pub(super) fn of(args: &'a ServeArgs, console: &'a Console, tls: Tls, pair: &Pair) -> Self {
        Self { args, console, tls, seen: digest(pair), doubt: None }
    }

    /// Looks, as long as anybody waits for that.
    pub(super) async fn goes_on(mut self) -> Infallible {
        loop {
            sleep(LOOK).await;
            match self.look().await {
                Ok(()) => self.doubt = None,
                Err(why) => self.doubts(headline(&why)),
            }
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let Some((certificate, key)) = door::files(self.args) else { return Ok(()) };
        let read = apart(move || Ok(door::read_pair(&certificate, &key))).await;
        let pair = read.map_err(|why| Failure::File { path: "the certificate".to_owned(), why })??;
        if digest(&pair) == self.seen {
            return Ok(());
        }
        let renewed = self.tls.renew(&pair.certificate, &pair.key);
        renewed.map_err(|why| door::misfit(self.args, &why))?;
        self.seen = digest(&pair);
        self.console.note("the certificate was renewed; connections from now on have it");
        Ok(())
    }

    /// Tells of it when it is so twice: files that are replaced one after the other do not fit for a moment.
    fn doubts(&mut self, why: String) {
        let (before, told) = self.doubt.take().unwrap_or_default();
        let again = before == why;
        if again && !told {
            self.console.warn(&format!("{why}; the old certificate stays"));
        }
        self.doubt = Some((why, again));
    }
}

fn digest(pair: &Pair) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(&(pair.certificate.len() as u64).to_be_bytes());
    hasher.update(&pair.certificate);
    hasher.update(&pair.key);
    hasher.finish()
}
