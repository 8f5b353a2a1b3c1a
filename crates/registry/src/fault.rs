//! Faults of the wire, in the words of content: which kind, what to do next, and whether another try can help.
use auth::{AuthError, AuthErrorKind, Refusal};
use content::{Fault, FaultKind, Step};
use reference::Registry;

use crate::wire::{Broken, Why};

/// The failure that a broken request stands for. It names the host that broke: a registry may lead elsewhere.
pub(crate) fn broken(registry: &Registry, step: Step, broken: &Broken) -> Fault {
    let text = &broken.text;
    let host = broken.host.clone().unwrap_or_else(|| registry.to_string());
    // The registry stands in front of every message; another host does not.
    let to = broken.host.as_ref().map(|host| format!(" to {host}")).unwrap_or_default();
    let (kind, what) = match broken.why {
        Why::Name if to.is_empty() => {
            (FaultKind::Unreachable, format!("the name of the host does not resolve: {text}"))
        }
        Why::Name => (FaultKind::Unreachable, format!("the name {host} does not resolve: {text}")),
        Why::Connect => (FaultKind::Unreachable, format!("no connection{to}: {text}")),
        Why::TimedOut if to.is_empty() => (FaultKind::Unreachable, text.clone()),
        Why::TimedOut => (FaultKind::Unreachable, format!("{host}: {text}")),
        Why::Cut => (FaultKind::Unreachable, format!("the connection{to} broke: {text}")),
        Why::Certificate => {
            (FaultKind::Authentication, format!("the certificate of {host} is not trusted: {text}"))
        }
        Why::PeerIsPlain => (FaultKind::Unreachable, format!("{host} does not speak TLS: {text}")),
        Why::PeerIsNot => (FaultKind::Unreachable, format!("{host} does not speak plain HTTP: {text}")),
        Why::Proxy => (FaultKind::Authentication, text.clone()),
        Why::Address => (FaultKind::Address, text.clone()),
        Why::Setup => (FaultKind::Local, text.clone()),
    };
    let fault = Fault::new(kind, step, what);
    let fault = if may_pass(broken) && broken.why != Why::Name { fault.momentary() } else { fault };
    match (hint(registry, broken), &broken.host) {
        (Some(hint), _) => fault.hint(hint),
        (None, Some(host)) if kind == FaultKind::Unreachable => {
            fault.hint(format!("{registry} leads to {host}: check that it can be reached from here"))
        }
        _ => fault,
    }
}

/// What to do next. What would help at the registry does not where it leads elsewhere.
fn hint(registry: &Registry, broken: &Broken) -> Option<String> {
    let at_home = broken.host.is_none();
    match broken.why {
        Why::Name if at_home => Some("check the registry's name and the network".to_owned()),
        Why::Certificate if broken.text.contains("CaUsedAsEndEntity") => {
            Some("it is an authority's own: give the server one with basicConstraints=CA:FALSE".to_owned())
        }
        Why::Certificate => {
            Some("if a private authority signed it, name its certificate with --ca-file".to_owned())
        }
        Why::PeerIsPlain if at_home && registry.is_loopback() => {
            Some(format!("loopback speaks plain HTTP unless --tls {registry} says otherwise: leave it out"))
        }
        Why::PeerIsPlain if at_home => Some(format!("if this is meant, pass --plain-http {registry}")),
        Why::PeerIsNot if at_home => Some(format!("if it speaks TLS, pass --tls {registry}")),
        Why::Proxy => Some("put user name and password into the proxy's URL".to_owned()),
        _ => None,
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
