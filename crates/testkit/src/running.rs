//! The program under test while it runs: tests look at what it has asked for so far, and send it signals.
use std::{
    io::Read,
    process::{Child, Command, Output},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{Run, program::high_water, run};

/// How long a test waits for something that must happen: it is for tests that hang, and no promise.
const PATIENCE: Duration = Duration::from_secs(600);

/// A program that has not ended yet; dropping it ends it.
#[derive(Debug)]
pub struct Running {
    id: u32,
    /// What it has said on its standard error so far, and on its standard output.
    said: Heard,
    printed: Heard,
    output: Receiver<Output>,
    reader: JoinHandle<()>,
    ended: bool,
}

impl Running {
    /// What it prints is read from now on, so that it never waits for a reader.
    pub(crate) fn new(mut child: Child) -> Self {
        let (tell, output) = channel();
        let id = child.id();
        let (said, hears_errors) = listen(child.stderr.take().expect("a standard error"));
        let (printed, hears_output) = listen(child.stdout.take().expect("a standard output"));
        let all = (Arc::clone(&said), Arc::clone(&printed));
        let reader = thread::spawn(move || {
            let status = child.wait().expect("a program that ends");
            hears_errors.join().expect("a thread that reads");
            hears_output.join().expect("a thread that reads");
            // A test that failed meanwhile does not listen.
            drop(tell.send(Output { status, stdout: heard(&all.1), stderr: heard(&all.0) }));
        });
        Self { id, said, printed, output, reader, ended: false }
    }

    /// Waits for the first line that it prints on its standard output.
    #[track_caller]
    pub fn first_line(&self) -> String {
        let line = || {
            let text = String::from_utf8_lossy(&heard(&self.printed)).into_owned();
            text.split_once('\n').map(|(line, _)| line.to_owned())
        };
        until("a line on its standard output", || line().is_some() || self.is_over());
        line().unwrap_or_else(|| panic!("it ended: {}", String::from_utf8_lossy(&heard(&self.said))))
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn says(&self, text: &str) {
        until(text, || String::from_utf8_lossy(&heard(&self.said)).contains(text));
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The most memory that it has held so far, in KiB.
    pub fn peak(&self) -> u64 {
        let place = format!("/proc/{}", self.id);
        let program = |place: &str| std::fs::read_link(format!("{place}/exe")).ok();
        // A child that is not another program yet shows what we have held ourselves.
        if program(&place) == program("/proc/self") {
            return 0;
        }
        high_water(&format!("{place}/status")).unwrap_or(0)
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
        Run::from_output(output)
    }
}

/// Whether whoever runs the tests has hangups ignored, as `nohup` does: all that it starts ignores them too.
pub fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1)
}

/// What has come so far.
type Heard = Arc<Mutex<Vec<u8>>>;

fn heard(heard: &Heard) -> Vec<u8> {
    heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn listen(mut stream: impl Read + Send + 'static) -> (Heard, JoinHandle<()>) {
    let heard = Heard::default();
    let all = Arc::clone(&heard);
    let listener = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            all.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
        }
    });
    (heard, listener)
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
