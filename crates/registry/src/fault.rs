//! Faults of the wire, in the words of content: which kind, what to do next, and whether another try can help.
use auth::{AuthError, AuthErrorKind, Refusal};
use content::{Fault, FaultKind, Step};
use reference::Registry;

use crate::wire::{Broken, Why};

/// The failure that a broken request stands for.
pub(crate) fn broken(registry: &Registry, step: Step, broken: &Broken) -> Fault {
    let text = &broken.text;
    let (kind, what) = match broken.why {
        Why::Name => (FaultKind::Unreachable, format!("the name of the host does not resolve: {text}")),
        Why::Connect => (FaultKind::Unreachable, format!("no connection: {text}")),
        Why::TimedOut => (FaultKind::Unreachable, text.clone()),
        Why::Cut => (FaultKind::Unreachable, format!("the connection broke: {text}")),
        Why::Certificate => {
            (FaultKind::Authentication, format!("the certificate of {registry} is not trusted: {text}"))
        }
        Why::PeerIsPlain => (FaultKind::Unreachable, format!("{registry} does not speak TLS: {text}")),
        Why::PeerIsNot => (FaultKind::Unreachable, format!("{registry} does not speak plain HTTP: {text}")),
        Why::Proxy => (FaultKind::Authentication, text.clone()),
        Why::Address => (FaultKind::Address, text.clone()),
        Why::Setup => (FaultKind::Local, text.clone()),
    };
    let fault = Fault::new(kind, step, what);
    match broken.why {
        Why::Name => fault.hint("check the registry's name and the network"),
        Why::Connect | Why::TimedOut | Why::Cut => fault.momentary(),
        Why::Certificate => {
            fault.hint("if a private authority signed it, name its certificate with --ca-file")
        }
        Why::PeerIsPlain if registry.is_loopback() => fault
            .hint(format!("loopback speaks plain HTTP unless --tls {registry} says otherwise: leave it out")),
        Why::PeerIsPlain => fault.hint(format!("if this is meant, pass --plain-http {registry}")),
        Why::PeerIsNot => fault.hint(format!("if it speaks TLS, pass --tls {registry}")),
        Why::Proxy => fault.hint("put user name and password into the proxy's URL"),
        Why::Address | Why::Setup => fault,
    }
}

/// Whether the same request may be sent again.
pub(crate) fn may_pass(broken: &Broken) -> bool {
    matches!(broken.why, Why::Name | Why::Connect | Why::TimedOut | Why::Cut)
}

/// The failure that a URL stands for to which we do not go.
pub(crate) fn refused_url(step: Step, refusal: &Refusal) -> Fault {
    let fault = Fault::new(FaultKind::Address, step, refusal.to_string());
    match refusal.hint() {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}

/// The failure that a missing authorization stands for.
pub(crate) fn unauthorised(step: Step, error: AuthError) -> Fault {
    let kind = match error.kind() {
        AuthErrorKind::Address => FaultKind::Address,
        AuthErrorKind::Unreachable => FaultKind::Unreachable,
        AuthErrorKind::Protocol => FaultKind::Protocol,
        AuthErrorKind::Local => FaultKind::Local,
        _ => FaultKind::Authentication,
    };
    let mut fault = Fault::new(kind, step, error.to_string());
    if let Some(hint) = error.hint() {
        fault = fault.hint(hint);
    }
    if error.is_momentary() {
        fault = fault.momentary();
    }
    fault.because(error)
}
