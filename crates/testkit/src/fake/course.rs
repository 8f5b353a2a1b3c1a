//! Courses: what the mishaps that strike one request come to, taken together.
use std::time::Duration;

use bytes::Bytes;

use super::{
    answer::Answer,
    mishap::{Effect, End, Misrange, Trickle},
};
use crate::Byte;

/// How one exchange goes. Of two mishaps of one kind, the later counts.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub(super) delay: Option<Duration>,
    pub(super) delay_body: Option<Duration>,
    pub(super) reading: Option<Trickle>,
    pub(super) sending: Option<Trickle>,
    pub(super) cut_request: Option<(u64, End)>,
    pub(super) cut_head: Option<(u64, End)>,
    pub(super) cut_body: Option<(u64, End)>,
    pub(super) early: Option<u64>,
    pub(super) corrupt: Option<Byte>,
    pub(super) chunked: bool,
    pub(super) unended: bool,
    pub(super) off_by: Option<i64>,
    pub(super) misrange: Option<Misrange>,
    /// Status and body of an answer that takes the registry's place.
    pub(super) answer: Option<(u16, Bytes)>,
    /// The origin to go to instead.
    pub(super) redirect: Option<String>,
    /// What a HEAD says to be there.
    pub(super) present: Option<u64>,
    twists: Vec<Effect>,
}

impl Course {
    pub(super) fn of(effects: Vec<Effect>) -> Self {
        let mut course = Self::default();
        for effect in effects {
            course.take(effect);
        }
        course
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::Delay(wait) => self.delay = Some(wait),
            Effect::DelayBody(wait) => self.delay_body = Some(wait),
            Effect::Read(pace) => self.reading = Some(pace),
            Effect::Send(pace) => self.sending = Some(pace),
            Effect::CutRequest { after, end } => self.cut_request = Some((after, end)),
            Effect::CutHead { after, end } => self.cut_head = Some((after, end)),
            Effect::CutBody { after, end } => self.cut_body = Some((after, end)),
            Effect::Early { after } => self.early = Some(after),
            Effect::Corrupt(byte) => self.corrupt = Some(byte),
            Effect::Chunked => self.chunked = true,
            Effect::Unended => (self.chunked, self.unended) = (true, true),
            Effect::Length(off_by) => self.off_by = Some(off_by),
            Effect::Misrange(how) => self.misrange = Some(how),
            Effect::Answer { status, body } => self.answer = Some((status, body)),
            Effect::Redirect(origin) => self.redirect = Some(origin),
            Effect::SayPresent { size } => self.present = Some(size),
            Effect::With(..) | Effect::Without(_) | Effect::ShiftRange(_) | Effect::Relocate(_) => {
                self.twists.push(effect);
            }
            // These happen to the registry, not to the exchange.
            Effect::LoseSession | Effect::ExpireTokens | Effect::MoveTag { .. } | Effect::Forget(_) => {}
        }
    }

    /// Twists what an answer says, in the order of the mishaps.
    pub(super) fn twist(&self, answer: &mut Answer) {
        for effect in &self.twists {
            match effect {
                Effect::With(name, value) => answer.set(name, value.clone()),
                Effect::Without(name) => answer.remove(name),
                Effect::ShiftRange(by) => answer.shift_range(*by),
                Effect::Relocate(origin) => answer.relocate(origin),
                _ => {}
            }
        }
    }

    /// Turns over the byte that is to be wrong.
    pub(super) fn spoil(&self, body: Bytes) -> Bytes {
        let at = match self.corrupt {
            None => return body,
            Some(Byte::At(at)) => usize::try_from(at).unwrap_or(usize::MAX),
            Some(Byte::Last) => body.len().saturating_sub(1),
        };
        let mut bytes = body.to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0x01;
        }
        bytes.into()
    }
}
