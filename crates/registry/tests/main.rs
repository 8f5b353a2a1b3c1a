//! The registry client against servers that say, byte by byte, what they are told to.
mod integrity;
mod manifests;
mod publishing;
mod script;
mod uploads;
