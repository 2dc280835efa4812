//! The joules of runs on a device and on the host beside it.

use crate::sensor::{Sampler, Scope, Sensor, Window};
use std::thread;

/// Whose the joules of a run are; `None` where there is no sensor or it failed.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// The device's.
    pub device: Option<f64>,
    /// The host's; where its sensor is of the whole machine ([`Scope::Machine`]), the device's are among them.
    pub host: Option<f64>,
}

/// The sensor of a device, that of its host, or both at once.
pub struct Meters {
    device: Option<Part>,
    host: Part,
    needs_both: bool,
    on_device: bool,
    parts: Parts,
}

/// A sensor, or why there is none.
struct Part {
    sampler: Result<Sampler, String>,
    idle_watts: Option<f64>,
    failure: Option<String>,
}

impl Part {
    fn new(sensor: Result<Sensor, String>) -> Self {
        Self { sampler: sensor.map(Sampler::new), idle_watts: None, failure: None }
    }

    fn begin(&mut self) {
        self.failure = None;
        if let Ok(sampler) = &mut self.sampler {
            sampler.begin();
        }
    }

    fn end(&mut self) -> Option<f64> {
        let joules = self.sampler.as_mut().ok()?.end();
        joules.map_err(|reason| self.failure = Some(reason)).ok()
    }

    /// Takes what was counted last for idleness.
    fn was_idle(&mut self) {
        let sampler = self.sampler.as_ref().ok().filter(|_| self.failure.is_none());
        self.idle_watts = sampler.and_then(|sampler| sampler.sensor().watts());
    }

    fn window(&self) -> Option<Window> {
        Some(self.sampler.as_ref().ok()?.sensor().window())
    }

    /// Whether it sees all of the machine.
    fn is_of_machine(&self) -> bool {
        self.sampler.as_ref().is_ok_and(|sampler| sampler.sensor().scope() == Scope::Machine)
    }

    /// Why it has no joules: it failed, or was never there.
    fn absence(&self) -> Option<&str> {
        self.failure.as_deref().or(self.sampler.as_ref().err().map(String::as_str))
    }

    /// Its kind and what it counts.
    fn names(&self) -> Option<(&'static str, String)> {
        let sensor = self.sampler.as_ref().ok()?.sensor();
        Some((sensor.kind(), sensor.detail().to_owned()))
    }
}

impl Meters {
    /// Of a host alone.
    pub fn of_host(host: Result<Sensor, String>) -> Self {
        Self::with(None, host, false)
    }

    /// Of a device and, where it has a sensor, its host. One of the whole machine sees the device too, and is all that counts.
    pub fn of_device(device: Result<Sensor, String>, host: Result<Sensor, String>) -> Self {
        Self::with(Some(device), host, false)
    }

    /// Of a device and a host that share the work: without both there are no joules.
    pub fn of_both(device: Result<Sensor, String>, host: Result<Sensor, String>) -> Self {
        Self::with(Some(device), host, true)
    }

    fn with(device: Option<Result<Sensor, String>>, host: Result<Sensor, String>, needs_both: bool) -> Self {
        let on_device = device.is_some();
        let (device, host) = (device.map(Part::new), Part::new(host));
        Self { device, host, needs_both, on_device, parts: Parts::default() }
    }

    /// Whether the runs that follow use the device, if there is one; else the host's joules are all that count.
    pub fn choose(&mut self, on_device: bool) {
        self.on_device = on_device && self.device.is_some();
        self.parts = Parts::default();
        self.host.failure = None;
        self.device.iter_mut().for_each(|device| device.failure = None);
    }

    /// Looks at the sensors for their windows while nothing runs, for [`Meters::idle_watts`].
    pub fn look_at_idle(&mut self) {
        let Some(window) = self.window() else { return };
        thread::sleep(window.settle);
        self.begin();
        thread::sleep(window.measure);
        self.end();
        self.host.was_idle();
        self.device.iter_mut().for_each(Part::was_idle);
        self.choose(self.on_device);
    }

    /// What was seen by somebody else's [`Meters::look_at_idle`], in watts.
    pub fn set_idle(&mut self, idle: Parts) {
        self.host.idle_watts = idle.host;
        if let Some(device) = &mut self.device {
            device.idle_watts = idle.device;
        }
    }

    /// What [`Meters::look_at_idle`] saw, in watts.
    pub fn idle(&self) -> Parts {
        Parts {
            device: self.device.as_ref().and_then(|device| device.idle_watts),
            host: self.host.idle_watts,
        }
    }

    /// The idle power of the sensors whose joules count.
    pub fn idle_watts(&self) -> Option<f64> {
        self.total(self.idle())
    }

    /// How long to look at runs before joules mean something. `None` if no sensor is there.
    pub fn window(&self) -> Option<Window> {
        let windows = [self.device.as_ref().and_then(Part::window), self.host.window()];
        windows.into_iter().flatten().reduce(Window::max)
    }

    /// Runs begin.
    pub fn begin(&mut self) {
        self.host.begin();
        self.device.iter_mut().for_each(Part::begin);
    }

    /// Runs have ended: what the sensors counted.
    pub fn end(&mut self) -> Parts {
        let device = self.device.as_mut().and_then(Part::end);
        self.parts = Parts { device: device.filter(|_| self.on_device), host: self.host.end() };
        Parts { device, ..self.parts }
    }

    /// What [`Meters::end`] said last, of the sensors that count.
    pub fn parts(&self) -> Parts {
        self.parts
    }

    /// The joules of what [`Meters::end`] said last; `None` if [`Meters::source`] says why.
    pub fn joules(&self) -> Option<f64> {
        self.total(self.parts)
    }

    fn total(&self, parts: Parts) -> Option<f64> {
        if self.failure().is_some() {
            return None;
        }
        // A sensor of the whole machine has seen the device too.
        if !self.on_device || self.host.is_of_machine() {
            return parts.host;
        }
        // A host without a sensor adds nothing; one whose sensor says nothing is missing.
        match self.host.sampler {
            Ok(_) => Some(parts.device? + parts.host?),
            Err(_) => parts.device,
        }
    }

    /// Why there are no joules.
    fn failure(&self) -> Option<String> {
        let host = self.host.absence();
        let Some(device) = self.device.as_ref().filter(|_| self.on_device) else {
            return host.map(Into::into);
        };
        if self.host.is_of_machine() {
            return host.map(Into::into);
        }
        if let Some(reason) = device.absence() {
            return Some(reason.into());
        }
        if self.needs_both
            && let Some(reason) = host
        {
            return Some(format!("the CPU shares the work: {reason}"));
        }
        self.host.failure.clone()
    }

    /// Where the joules come from, or `none: <reason>`.
    pub fn source(&self) -> String {
        if let Some(reason) = self.failure() {
            return format!("none: {reason}");
        }
        let device = self.device.as_ref().filter(|device| self.on_device && device.absence().is_none());
        let device = device.and_then(Part::names);
        match (device, self.host.names()) {
            (Some((gpu, counter)), Some((host, counters))) if self.host.is_of_machine() => {
                format!("{host}: {counters}; {gpu} within it: {counter}")
            }
            (Some((gpu, counter)), Some((host, counters))) => format!("{gpu}+{host}: {counter}; {counters}"),
            (Some((gpu, counter)), None) => format!("{gpu}: {counter}, of the GPU alone"),
            (None, Some((host, counters))) => format!("{host}: {counters}"),
            (None, None) => "none: there is no sensor".into(),
        }
    }

    /// Why the host is not counted beside a device that is.
    pub fn host_is_missing(&self) -> Option<&str> {
        self.host.sampler.as_ref().err().map(String::as_str).filter(|_| self.on_device)
    }
}
