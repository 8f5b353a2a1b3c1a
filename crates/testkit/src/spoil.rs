//! Spoiling: what rules do to bodies and answers on their way.
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::BodyExt;

use crate::{
    body::{Body, Counted, Cut, Damage},
    rules::{Byte, Effect},
};

/// Changes the answer's headers, and says what is to happen to its body.
pub(crate) fn spoil(response: &mut Response<Body>, effects: &[Effect]) -> Damage {
    let length = response.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut damage = Damage::default();
    for effect in effects {
        match effect {
            Effect::Cut { after } => damage.cut = Some(*after),
            Effect::Corrupt(Byte::At(at)) => damage.corrupt = Some(*at),
            Effect::Corrupt(Byte::Last) => damage.corrupt = length.and_then(|size| size.checked_sub(1)),
            Effect::Chunked => {
                damage.chunked = true;
                response.headers_mut().remove(header::CONTENT_LENGTH);
            }
            Effect::Without(name) => drop(response.headers_mut().remove(name)),
            Effect::With(name, value) => drop(response.headers_mut().insert(name, value.clone())),
            Effect::Answer { .. }
            | Effect::Giant { .. }
            | Effect::Delay(_)
            | Effect::HangUp { .. }
            | Effect::ExpireTokens => {}
        }
    }
    damage
}

/// Says the length of a body that is known in full, as registries do.
pub(crate) fn with_length(mut response: Response<Body>) -> Response<Body> {
    let length = http_body::Body::size_hint(response.body()).exact();
    if let Some(length) = length.filter(|_| !response.headers().contains_key(header::CONTENT_LENGTH)) {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// Takes `after` bytes of a body and no more; the result cuts the connection.
pub(crate) async fn swallow(mut body: Counted, after: u64) -> Cut {
    let mut taken = 0;
    while taken < after {
        match body.frame().await {
            Some(Ok(frame)) => taken += frame.data_ref().map_or(0, Bytes::len) as u64,
            _ => break,
        }
    }
    Cut::new("hung up by rule")
}

/// Reads a body to its end, for the sake of those who first send and then listen.
pub(crate) async fn drain(mut body: Counted) -> Result<(), Cut> {
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}
