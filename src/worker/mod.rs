//! The worker. Its shim starts tasks and outlives it.

pub mod shim;
