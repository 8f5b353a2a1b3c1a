//! Many images at once: a configuration, what it selects, where that goes, and what came of it.
