//! Bundles: what a destination lacks, packed into volumes, and applied in any order.
