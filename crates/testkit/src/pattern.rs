//! Patterns: which requests of a server something happens to, and which of them.
use http::Method;

/// Requests by method and path, and which of those, counted as they come.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// `None` is any.
    method: Option<Method>,
    /// Parts of path and query, which stand there in this order.
    path: Vec<String>,
    first: usize,
    times: usize,
    seen: usize,
}

impl Pattern {
    /// Every request of `method` whose path and query hold `path`; a `*` in it stands for anything.
    pub(crate) fn on(method: Option<Method>, path: &str) -> Self {
        let path = path.split('*').map(str::to_owned).collect();
        Self { method, path, first: 0, times: usize::MAX, seen: 0 }
    }

    /// Only the `nth` such request, counted from 1.
    pub(crate) fn nth(&mut self, nth: usize) {
        (self.first, self.times) = (nth.saturating_sub(1), 1);
    }

    /// Only the first `times` such requests; after a [`Self::nth`], as many from there on.
    pub(crate) fn times(&mut self, times: usize) {
        self.times = times;
    }

    /// Whether a request is meant, whichever of them it is.
    pub(crate) fn matches(&self, method: &Method, path: &str) -> bool {
        let mut rest = path;
        self.method.as_ref().is_none_or(|own| own == method)
            && self.path.iter().all(|part| match rest.split_once(part.as_str()) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
    }

    /// Whether a request that has just come is one of those; counts it.
    pub(crate) fn hits(&mut self, method: &Method, path: &str) -> bool {
        if !self.matches(method, path) {
            return false;
        }
        let hit = self.seen >= self.first && self.seen - self.first < self.times;
        self.seen += 1;
        hit
    }
}
