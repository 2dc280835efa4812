//! The measuring side of zkwatt's command line: records, samples, meters, peers, inputs and tables.
//!
//! A bench binary parses [`args`], opens a [`device`], makes [`inputs`], wraps ours and the [`peers`] into
//! [`measure::Contestant`]s, lets [`measure::interleave`] sample them, and hands each outcome to a [`report::Report`],
//! which writes JSON Lines and prints the environment, the table and the notes.

pub mod args;
pub mod circuit_args;
pub mod conditions;
pub mod device;
pub mod energy;
pub mod environment;
pub mod exit;
pub mod inputs;
pub mod interrupt;
pub mod json_lines;
pub mod lookup_circuit;
pub mod measure;
pub mod memory;
pub mod models;
pub mod multiplier;
pub mod peers;
pub mod phases;
pub mod plan_args;
pub mod progress;
pub mod report;
pub mod table;

pub use zkwatt_records::{record, statistics};
