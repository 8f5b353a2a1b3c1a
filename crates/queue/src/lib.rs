//! A queue of work for many processes, on NATS `JetStream`. One plans and collects, any number work; what an item of
//! work is, and what came of it, are bytes to this room.
//!
//! A queue has a name and two streams. One holds what is still to be done: a message is in it until a worker has said
//! that it is done, and goes to another worker when the one that has it is not heard of for a while. The other is a
//! log: which run is open, and one note for each item of it.
//!
//! ```text
//! transship-NAME      transship.NAME.work.RUN.ITEM     what is still to be done
//! transship-NAME-run  transship.NAME.plan              which run is open, for which configuration
//!                     transship.NAME.done.RUN.ITEM     what came of each item
//! ```
//!
//! A worker writes its note before it lets go of the item, so an item without a note is always somebody's to do. The
//! note may be written twice, by a worker that died between the two: the planner takes the first.
//!
//! Reading order: [`Access`] and [`Queue`], [`Planner`], [`Worker`].
mod access;
mod book;
mod error;
mod name;
mod office;
mod patience;
mod plan;
mod streams;
mod work;

pub use access::{Access, Queue};
pub use book::{Run, Terms};
pub use error::{QueueError, QueueErrorKind};
pub use name::{Item, Name};
pub use plan::{Note, Planner};
pub use work::{Next, Task, Worker};
