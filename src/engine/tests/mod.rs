//! Scenarios in words, and random runs against invariants.

mod scenario;
mod simulation;
