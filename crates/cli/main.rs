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

use args::Cli;
use clap::Parser;
use render::{Console, log};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(why) => return ExitCode::from(render::misread(why)),
    };
    let show = cli.command.show();
    let console = Console::new(show.output, show.quiet);
    log::start(show, cli.command.is_daemon(), console.progress());
    match run::start(&cli.command, &console) {
        Ok(finished) => ExitCode::from(console.succeed(&finished)),
        Err(failure) => {
            console.fail(&failure);
            ExitCode::from(exit::code(&failure))
        }
    }
}
