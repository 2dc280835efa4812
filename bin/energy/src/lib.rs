//! Joules from the sensors of a host and of its GPUs.
//!
//! A [`Sensor`] is one or several channels that are read together: counters of energy, or power that is sampled and
//! integrated. [`host::sensor`] finds that of the host, [`nvml::Gpu::sensor`] and [`hwmon::gpu`] those of GPUs. A [`Sampler`] reads
//! a sensor in a thread of its own, as often as the sensor needs it, and [`Meters`] counts a GPU and its host at once.
//!
//! What cannot be told for certain is an error that says why, and never a number: a counter that was reset, a sensor that
//! vanished or that nobody read for too long. Files are found below a [`Tree`], so that tests bring sensors of their own.

pub mod battery;
mod clock;
pub mod conditions;
pub mod host;
pub mod hwmon;
mod meters;
pub mod nvml;
pub mod powercap;
mod sensor;
mod tally;
mod tree;

pub use clock::{Clock, system_clock};
pub use meters::{Meters, Parts};
pub use sensor::{Channel, Sampler, Scope, Sensor, Window};
pub use tally::{MOST_WATTS, Quantity};
pub use tree::{Files, Tree};
