//! The command line: words in; words and an exit code out. The only room that prints.
//!
//! Reading order: [`args`] is what was typed; [`import`], [`landing`], [`limits`] and [`credential`] say what it
//! means, without input or output; [`run`] turns names into places and starts the engine; [`render`] prints;
//! [`exit`] is the table of exit codes.
mod args;
mod credential;
mod exit;
mod failure;
mod import;
mod landing;
mod limits;
mod render;
mod run;
mod signal;
mod usage;

use std::process::ExitCode;

use args::{Cli, Command};
use clap::Parser;
use failure::Failure;
use render::{Console, Done, log};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(why) => return ExitCode::from(render::misread(&why)),
    };
    let show = cli.command.show();
    let console = Console::new(show.output, show.quiet);
    log::start(show.verbose, console.progress());
    match start(&cli.command, &console) {
        Ok(done) => {
            console.succeed(&done);
            ExitCode::from(exit::DONE)
        }
        Err(failure) => {
            console.fail(&failure);
            ExitCode::from(exit::code(&failure))
        }
    }
}

fn start(command: &Command, console: &Console) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::File { path: "the network".to_owned(), why })?;
    runtime.block_on(async {
        tokio::select! {
            done = perform(command, console) => done,
            signal = signal::caught() => Err(Failure::Interrupted(signal)),
        }
    })
}

async fn perform(command: &Command, console: &Console) -> Result<Done, Failure> {
    match command {
        Command::Import(args) => run::import(args, console).await,
        Command::Copy(args) => run::copy(args, console).await,
    }
}
