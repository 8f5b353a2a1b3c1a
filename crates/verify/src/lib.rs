//! Proves that a destination holds what it is said to hold.
