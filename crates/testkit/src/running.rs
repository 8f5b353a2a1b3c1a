//! The program under test while it runs: tests look at what it has asked for so far, and send it signals.
use std::{
    io::Read as _,
    process::{Child, Command, Output},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{Run, run};

/// How long a test waits for something that must happen: it is for tests that hang, and no promise.
const PATIENCE: Duration = Duration::from_secs(600);

/// A program that has not ended yet; dropping it ends it.
#[derive(Debug)]
pub struct Running {
    id: u32,
    /// What it has said on its standard error so far.
    said: Arc<Mutex<Vec<u8>>>,
    output: Receiver<Output>,
    reader: JoinHandle<()>,
    ended: bool,
}

impl Running {
    /// What it prints is read from now on, so that it never waits for a reader.
    pub(crate) fn new(mut child: Child) -> Self {
        let (tell, output) = channel();
        let (id, said) = (child.id(), Arc::new(Mutex::new(Vec::new())));
        let (mut stderr, hears) = (child.stderr.take().expect("a standard error"), Arc::clone(&said));
        let listener = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                hears.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
            }
        });
        let all = Arc::clone(&said);
        let reader = thread::spawn(move || {
            let mut output = child.wait_with_output().expect("a program that ends");
            listener.join().expect("a thread that reads");
            output.stderr.clone_from(&all.lock().unwrap_or_else(PoisonError::into_inner));
            // A test that failed meanwhile does not listen.
            drop(tell.send(output));
        });
        Self { id, said, output, reader, ended: false }
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        until(text, || {
            let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8_lossy(&said).contains(text)
        });
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Sends it a signal: `INT`, `TERM`, `KILL`.
    pub fn signal(&self, name: &str) {
        run(Command::new("kill").arg(format!("-{name}")).arg(self.id.to_string()));
    }

    /// Whether it has ended by itself.
    pub fn is_over(&self) -> bool {
        self.reader.is_finished()
    }

    /// Ends it at once, as `kill -9` does, unless it was quicker. What it was killed with is no code of its own: -1.
    #[track_caller]
    pub fn kill(self) -> Run {
        if !self.is_over() {
            // It may end by itself at this very moment.
            drop(Command::new("kill").arg("-KILL").arg(self.id.to_string()).output());
        }
        self.wait()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Run {
        let output = self.output.recv_timeout(PATIENCE).expect("a program that ends");
        self.ended = true;
        Run::from_output(output, 0)
    }
}

/// Waits for something that is to happen elsewhere.
#[track_caller]
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < PATIENCE, "never came: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended && self.output.try_recv().is_err() {
            // It may end by itself at this very moment.
            drop(Command::new("kill").arg("-KILL").arg(self.id.to_string()).status());
        }
    }
}
