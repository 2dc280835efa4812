//! Energy of a run.

pub mod nvml;

use crate::device;
use nvml::NvmlMeter;
use std::time::Duration;
use zkwatt::device::Device;

/// Something that can say how much energy passed between two moments.
pub trait Meter {
    /// `user`, the sensor's name, or `none: <reason>`, as records carry it.
    fn source(&self) -> String;

    /// A run begins.
    fn begin(&mut self) {}

    /// The run that began last took `wall_s` seconds; its joules, if this meter can tell.
    fn end(&mut self, wall_s: f64) -> Option<f64>;

    /// For a sensor of a GPU, how long it must look: only then can it tell, and only of runs on that GPU. `None` for what
    /// can tell of every run.
    fn window(&self) -> Option<Window> {
        None
    }
}

/// For how long runs follow each other before a GPU's sensor tells what one takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Before the sensor is read first: it is late by as much.
    pub settle: Duration,
    /// From the first to the last reading.
    pub measure: Duration,
}

/// A constant power that the user vouches for.
#[derive(Copy, Clone, Debug)]
pub struct UserWatts(pub f64);

impl Meter for UserWatts {
    fn source(&self) -> String {
        "user".into()
    }

    fn end(&mut self, wall_s: f64) -> Option<f64> {
        Some(self.0 * wall_s)
    }
}

/// No meter, and why.
#[derive(Clone, Debug)]
pub struct NoMeter(pub String);

impl Meter for NoMeter {
    fn source(&self) -> String {
        format!("none: {}", self.0)
    }

    fn end(&mut self, _wall_s: f64) -> Option<f64> {
        None
    }
}

/// The meter for `--watts` or else for the sensor of a device, where there is one that sees all of it.
pub fn meter(watts: Option<f64>, device: Option<&Device>) -> Box<dyn Meter> {
    if let Some(watts) = watts {
        return Box::new(UserWatts(watts));
    }
    let sensor = match device {
        Some(Device::Cuda(gpu)) => NvmlMeter::of(gpu),
        Some(device) if device::cpu_beside(device).is_some() => {
            Err("the CPU shares the work, and no sensor sees both; pass --watts".into())
        }
        _ => Err("this version reads power sensors only with --device cuda; pass --watts".into()),
    };
    match sensor {
        Ok(sensor) => Box::new(sensor),
        Err(reason) => Box::new(NoMeter(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_watts_are_labelled() {
        let mut meter = meter(Some(250.0), None);
        assert_eq!((meter.source().as_str(), meter.end(2.0)), ("user", Some(500.0)));
    }

    #[test]
    fn missing_meter_says_why() {
        let mut meter = meter(None, None);
        assert!(meter.source().starts_with("none: "));
        assert_eq!(meter.end(2.0), None);
    }
}
