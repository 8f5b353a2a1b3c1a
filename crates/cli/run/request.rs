//! The request of an import, from flags, a file or stdin.
use std::{
    fs::File,
    io::{self, Read},
};

use super::apart::apart;
use crate::{
    args::ImportArgs,
    failure::Failure,
    import::{Request, body},
    usage::Usage,
};

/// The request, by flags or by a body.
pub(super) async fn read(args: &ImportArgs) -> Result<Request, Failure> {
    let suffix = args.target.acr_suffix();
    let Some(path) = &args.what.request else { return Ok(Request::read(&args.what.texts(), suffix)?) };
    let stdin = path.as_os_str() == "-";
    if stdin && args.common.source_login.password_stdin {
        return Err(Usage::new("--request - and --password-stdin both read stdin").into());
    }
    let bytes = if stdin {
        apart(|| whole(io::stdin().lock()))
            .await
            .map_err(|why| Failure::File { path: "the request on stdin".to_owned(), why })?
    } else {
        let file = path.clone();
        let read = apart(move || File::open(file).and_then(whole)).await;
        read.map_err(|why| Failure::file(path, why))?
    };
    if bytes.len() > body::MAX_BODY {
        return Err(
            Usage::about("--request", format!("more than {} bytes are no request", body::MAX_BODY)).into()
        );
    }
    Ok(body::read(&bytes, suffix)?)
}

fn whole(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take((body::MAX_BODY as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
