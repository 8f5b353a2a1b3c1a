//! A queue of work for many processes.
