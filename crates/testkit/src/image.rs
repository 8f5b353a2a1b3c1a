//! The simplest image: one layer, and all that a test asks about it.
use content::Descriptor;

use crate::Content;

/// An image of one layer.
#[derive(Debug, Clone)]
pub struct Image {
    /// All its pieces.
    pub content: Content,
    /// Its manifest.
    pub root: Descriptor,
    /// Its layer.
    pub layer: Descriptor,
}

impl Image {
    /// With a layer of `size` bytes.
    pub fn of(size: usize) -> Self {
        let mut content = Content::new();
        let layer = content.layer(1, size);
        let root = content.image(1, std::slice::from_ref(&layer));
        Self { content, root, layer }
    }

    /// How the path of its layer ends, at every registry.
    pub fn blob(&self) -> String {
        format!("/blobs/{}", self.layer.digest)
    }
}
