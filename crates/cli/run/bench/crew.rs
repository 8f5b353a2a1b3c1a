//! The crew: runs are processes of this program, which do nothing else, so that what they take is the copy's alone.
use std::{
    process::{Output, Stdio},
    time::Duration,
};

use bench::{Crew, Errand, Measured};
use content::{Fault, FaultKind, Step};
use futures::{FutureExt, future::BoxFuture};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    sync::watch,
    time::timeout,
};

use super::handed::{Login, line};
use crate::{args::Access, render::Console};

/// Makes runs.
pub(super) struct Runs<'a> {
    console: &'a Console,
    access: Access,
    source: Login,
    target: Login,
    verbose: u8,
    under_way: watch::Sender<bool>,
}

impl<'a> Runs<'a> {
    /// Runs that reach registries like this, as these users.
    pub(super) fn new(console: &'a Console, access: Access, logins: [Login; 2], verbose: u8) -> Self {
        let [source, target] = logins;
        Self { console, access, source, target, verbose, under_way: watch::Sender::new(false) }
    }

    /// Waits until no run is under way any more, for `limit` at most. One that nobody waits for ends by itself.
    pub(super) async fn over(&self, limit: Duration) {
        let mut under_way = self.under_way.subscribe();
        // One that takes longer is left to itself.
        let _ = timeout(limit, under_way.wait_for(|under_way| !under_way)).await;
    }

    async fn one(&self, errand: Errand) -> Result<Measured, Fault> {
        let mut child = self.start()?;
        let Some(mut stdin) = child.stdin.take() else { return Err(broken("it has no standard input")) };
        let output = self.wait_for(child);
        let handed = line(&errand, &self.access, &self.source, &self.target);
        // It may have ended without reading: then it says why.
        drop(stdin.write_all(handed.expose().as_bytes()).await);
        // The run ends when its standard input does: so it lasts as long as this.
        let output = output.await;
        drop(stdin);
        read(&output?)
    }

    fn start(&self) -> Result<Child, Fault> {
        let program =
            std::env::current_exe().map_err(|why| broken(&format!("where is this program? {why}")))?;
        let mut command = Command::new(program);
        command.args(["bench-run", "--quiet"]).args(vec!["--verbose"; usize::from(self.verbose)]);
        let listened = self.verbose > 0 || std::env::var_os("RUST_LOG").is_some();
        let stderr = if listened { Stdio::inherit() } else { Stdio::piped() };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        command.spawn().map_err(|why| broken(&why.to_string()))
    }

    /// Waits on a task of its own, which goes on when nobody wants the output any more.
    fn wait_for(&self, child: Child) -> impl Future<Output = Result<Output, Fault>> + Send + use<> {
        self.under_way.send_replace(true);
        let under_way = self.under_way.clone();
        let waiting = tokio::spawn(async move {
            let output = child.wait_with_output().await;
            under_way.send_replace(false);
            output
        });
        waiting.map(|output| match output {
            Ok(output) => output.map_err(|why| broken(&why.to_string())),
            Err(why) => Err(broken(&why.to_string())),
        })
    }
}

impl Crew for Runs<'_> {
    fn run(&self, errand: Errand) -> BoxFuture<'_, Result<Measured, Fault>> {
        self.one(errand).boxed()
    }

    fn note(&self, text: &str) {
        self.console.note(text);
    }

    fn warn(&self, text: &str) {
        self.console.warn(text);
    }
}

/// What a run says.
fn read(output: &Output) -> Result<Measured, Fault> {
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("error: ");
        broken(&format!("it ended with {}, and without figures: {said}", output.status))
    })
}

fn broken(why: &str) -> Fault {
    Fault::new(FaultKind::Local, Step::SendBlob, format!("a run could not be made: {why}"))
}
