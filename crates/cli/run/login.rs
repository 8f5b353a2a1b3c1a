//! Passwords from where flags point to, and the credentials of both sides.
use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
};

use auth::Secret;

use super::apart::apart;
use crate::{
    args::{SourceLogin, TargetLogin},
    credential::{Password, Side, Words, of_environment, of_flags},
    failure::Failure,
    render::Console,
    usage::Usage,
};

/// The largest password that is read, in bytes: tokens have a few thousand.
const MAX_PASSWORD: u64 = 64 * 1024;

/// What the flags give for the source.
pub(crate) async fn source(login: &SourceLogin, console: &Console) -> Result<Option<Words>, Failure> {
    let password = if let Some(hidden) = &login.password {
        console.warn("others on this machine can see the password of --password; --password-stdin hides it");
        Some(filled("--password", hidden.0.clone())?)
    } else if login.password_stdin {
        let secret = apart(|| secret(io::stdin().lock())).await;
        let secret = secret.map_err(|why| Failure::File { path: "the password on stdin".to_owned(), why })?;
        Some(filled("--password-stdin", secret)?)
    } else {
        of_file("--password-file", login.password_file.as_deref()).await?
    };
    Ok(of_flags(Side::Source, login.username.clone(), password, &variable))
}

/// What the flags give for the target.
pub(crate) async fn target(login: &TargetLogin) -> Result<Option<Words>, Failure> {
    let password = of_file("--target-password-file", login.target_password_file.as_deref()).await?;
    Ok(of_flags(Side::Target, login.target_username.clone(), password, &variable))
}

/// What the environment gives for a side.
pub(crate) fn environment(side: Side) -> Option<Words> {
    of_environment(side, &variable)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn of_file(flag: &'static str, path: Option<&Path>) -> Result<Option<Password>, Failure> {
    let Some(path) = path.map(Path::to_owned) else { return Ok(None) };
    let file = path.clone();
    let secret = apart(move || File::open(file).and_then(secret)).await;
    Ok(Some(filled(flag, secret.map_err(|why| Failure::file(&path, why))?)?))
}

/// An empty password is a mistake, most often a variable that is not set: it would be sent as it is.
fn filled(flag: &'static str, secret: Secret) -> Result<Password, Usage> {
    if secret.is_empty() {
        return Err(Usage::about(flag, "the password is empty"));
    }
    Ok(Password { flag, secret })
}

/// The text without the line end that editors and `echo` leave.
fn secret(from: impl Read) -> io::Result<Secret> {
    let mut text = String::new();
    from.take(MAX_PASSWORD + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_PASSWORD {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is too long for a password"));
    }
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_ends_before_the_line_end() {
        assert_eq!(secret("hunter 2\r\n".as_bytes()).unwrap().expose(), "hunter 2");
        assert_eq!(secret(" x ".as_bytes()).unwrap().expose(), " x ");
    }

    #[test]
    fn a_password_without_end_is_refused() {
        assert!(secret(io::repeat(b'x')).is_err());
    }
}
