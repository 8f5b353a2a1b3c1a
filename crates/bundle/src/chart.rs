//! Charts: where a content of a plan is, found without going through all of them.
use std::sync::Arc;

use reference::Digest;

use crate::{
    Plan,
    plan::{Content, Piece},
};

/// A plan, and what finds its contents.
#[derive(Debug)]
pub(crate) struct Chart {
    plan: Arc<Plan>,
    /// Positions of contents, by their digests.
    sorted: Vec<usize>,
    /// How many ranges there are before each content.
    ranges: Vec<usize>,
}

impl Chart {
    /// The chart of a plan.
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let mut sorted: Vec<usize> = (0..plan.contents.len()).collect();
        sorted.sort_by_key(|position| plan.contents.get(*position).map(|content| &content.digest));
        let ranges = plan.contents.iter().scan(0_usize, |before, content| {
            let here = *before;
            *before = before.saturating_add(content.ranges());
            Some(here)
        });
        Self { ranges: ranges.collect(), sorted, plan }
    }

    /// The plan.
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// A content, and its position.
    pub(crate) fn find(&self, digest: &Digest) -> Option<(usize, &Content)> {
        let digest_at = |position: &usize| self.plan.contents.get(*position).map(|content| &content.digest);
        let found = self.sorted.binary_search_by_key(&Some(digest), digest_at).ok()?;
        let position = *self.sorted.get(found)?;
        Some((position, self.plan.contents.get(position)?))
    }

    /// The parts of the content at a position, in order.
    pub(crate) fn pieces(&self, position: usize) -> Vec<Piece> {
        let content = self.plan.contents.get(position).zip(self.ranges.get(position));
        content.map(|(content, ranges)| content.pieces(position, *ranges).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples_tests::{digest, some};

    #[test]
    fn every_content_is_found_with_its_parts_and_no_other_is() {
        let chart = Chart::new(Arc::new(some()));
        for (position, content) in some().contents.iter().enumerate() {
            assert_eq!(chart.find(&content.digest), Some((position, content)));
            let pieces: Vec<Piece> = some().pieces().filter(|piece| piece.content == position).collect();
            assert_eq!(chart.pieces(position), pieces);
        }
        assert_eq!(chart.find(&digest(9)), None);
        assert_eq!(chart.pieces(3), []);
    }
}
