//! One volume once more: lost, and made by itself, out of what other volumes know and what the sources hold.
use super::{
    Created, Packer,
    packer::{Course, Filled},
};
use crate::BundleError;

impl Packer<'_> {
    /// Writes one volume again, byte for byte as it was.
    ///
    /// # Errors
    /// As [`Self::pack`]; and a volume that the bundle does not have. Other volumes stay as they are.
    pub async fn again(&self, number: u32) -> Result<Created, BundleError> {
        if !(1..=self.plan.volumes).contains(&number) {
            let what = format!("the bundle has {} volumes, and no volume {number}", self.plan.volumes);
            return Err(BundleError::usage(what, "see `transship bundle show`"));
        }
        let path = self.ledger.path(&self.plan, number);
        let mut course = self.catch_up(number).await?;
        let written = self.write(&path, number, &mut course, true).await?;
        Ok(self.tell(vec![written]))
    }

    /// What a volume says of those before it: the digests of their ranges. Those that nobody knows any more are found
    /// by reading their blobs; the last of them may go on in this volume.
    async fn catch_up(&self, number: u32) -> Result<Course, BundleError> {
        let before = self.plan.ranges_up_to(number.saturating_sub(1));
        let mut course = Course::default();
        course.ranges.extend(self.ranges.iter().take(before).cloned());
        let known = course.ranges.len();
        let unknown = |range: Option<usize>| range.is_some_and(|range| (known..before).contains(&range));
        for piece in self.plan.pieces().filter(|piece| unknown(piece.range)) {
            let begun = course.flow.take_if(|flow| flow.leads_to(&piece));
            let Filled { range, flow } = self.pour(&piece, None, begun, &[], false).await?;
            course.ranges.extend(range);
            course.flow = flow;
        }
        Ok(course)
    }
}
