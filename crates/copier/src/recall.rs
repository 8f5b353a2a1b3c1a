//! Recalling: what earlier runs made of indexes of which not all platforms are copied.
use content::Descriptor;
use reference::Digest;

use crate::Platforms;

/// Knows what was made of indexes before. A hint: it saves a run that has nothing to do the reading of the index. What
/// a target has decides, and whatever is written is made anew of what the source has.
pub trait Recall: Send + Sync {
    /// What became of the manifest `from` when these platforms were chosen of it; itself, if nothing was left out.
    fn made_of(&self, from: &Digest, chosen: &Platforms) -> Option<Descriptor>;

    /// Takes down what became of it.
    fn made(&self, from: &Digest, chosen: &Platforms, made: &Descriptor);
}
