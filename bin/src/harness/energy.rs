//! Energy of a run.

use crate::{conditions, progress};
use std::sync::{Mutex, PoisonError};
use zkwatt::device::cuda::CudaDevice;
use zkwatt::device::wgpu::WgpuDevice;
use zkwatt::device::{Backend, Device};
use zkwatt_energy::{Clock, Sensor, Tree, host, hwmon, system_clock};
pub use zkwatt_energy::{Meters, Parts, Window};

/// Something that can say how much energy passed between two moments.
pub trait Meter: Send {
    /// `user`, the sensor's name, or `none: <reason>`, as records carry it.
    fn source(&self) -> String;

    /// Whether the runs that follow use the meter's device, or the host alone.
    fn choose(&mut self, _on_device: bool) {}

    /// A run begins.
    fn begin(&mut self) {}

    /// The run that began last took `wall_s` seconds; its joules, if this meter can tell.
    fn end(&mut self, wall_s: f64) -> Option<f64>;

    /// Of what [`Meter::end`] said last, whose joules they are; nobody's if it said none.
    fn parts(&self) -> Parts {
        Parts::default()
    }

    /// Power that the sensors showed before, with nothing running.
    fn idle_watts(&self) -> Option<f64> {
        None
    }

    /// What a reader must know of the joules beside their source.
    fn note(&self) -> Option<String> {
        None
    }

    /// For a sensor, how long it must look at runs that follow each other. `None` for what can tell of every run.
    fn window(&self) -> Option<Window> {
        None
    }
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

impl Meter for Meters {
    fn source(&self) -> String {
        Self::source(self)
    }

    fn choose(&mut self, on_device: bool) {
        Self::choose(self, on_device);
    }

    fn begin(&mut self) {
        Self::begin(self);
    }

    fn end(&mut self, _wall_s: f64) -> Option<f64> {
        Self::end(self);
        self.joules()
    }

    fn parts(&self) -> Parts {
        // What one sensor saw while another failed is no part of anything.
        self.joules().map_or_else(Parts::default, |_| Self::parts(self))
    }

    fn idle_watts(&self) -> Option<f64> {
        Self::idle_watts(self)
    }

    fn note(&self) -> Option<String> {
        Some(format!("the host is not counted beside the GPU: {}", self.host_is_missing()?))
    }

    fn window(&self) -> Option<Window> {
        Self::window(self)
    }
}

/// The meter for `--watts`, or else for the sensors of a device and of the host beside it; without a device, of the host.
/// A host's sensor that sees the whole machine is all that counts.
pub fn meter(watts: Option<f64>, device: Option<&Device>) -> Box<dyn Meter> {
    if let Some(watts) = watts {
        return Box::new(UserWatts(watts));
    }
    let (tree, clock) = (conditions::tree(), system_clock());
    let mut meters = sensors(device, &tree, &clock);
    look_at_idle(&mut meters);
    Box::new(meters)
}

fn sensors(device: Option<&Device>, tree: &Tree, clock: &Clock) -> Meters {
    let host = host::sensor(tree, clock);
    match device {
        Some(Device::Cpu(_)) | None => Meters::of_host(host),
        Some(Device::Cuda(gpu)) => Meters::of_device(of_cuda(gpu, clock), host),
        Some(Device::HybridCuda(both)) => Meters::of_both(of_cuda(both.device(), clock), host),
        // Software computes on the host.
        Some(device) if device.info().software => Meters::of_host(host),
        Some(Device::Wgpu(gpu)) => Meters::of_device(of_wgpu(gpu, tree, clock), host),
        Some(Device::HybridWgpu(both)) => Meters::of_both(of_wgpu(both.device(), tree, clock), host),
        Some(device) => {
            let name = device.info().kind.name();
            Meters::of_both(Err(format!("`{name}` does not say which GPU it computes on")), host)
        }
    }
}

fn of_cuda(gpu: &CudaDevice, clock: &Clock) -> Result<Sensor, String> {
    if gpu.info().software {
        return Err("an emulated GPU takes no power".into());
    }
    conditions::nvml(gpu)?.sensor(clock)
}

/// By the driver that the adapter's name tells of.
fn of_wgpu(gpu: &WgpuDevice, tree: &Tree, clock: &Clock) -> Result<Sensor, String> {
    let adapter = gpu.adapter();
    let name = format!("{} {}", adapter.name, adapter.driver).to_lowercase();
    if name.contains("nvidia") || name.contains("geforce") {
        return Err("WGPU does not say which of NVIDIA's GPUs computes; --device cuda does".into());
    }
    let drivers: &[&str] = if name.contains("radv") || name.contains("amd") {
        &["amdgpu"]
    } else if name.contains("intel") {
        &["xe", "i915"]
    } else {
        return Err(format!("no sensor is known for `{}`", adapter.name));
    };
    let mut reasons = Vec::new();
    for driver in drivers {
        match hwmon::gpu(tree, clock, driver) {
            Ok(sensor) => return Ok(sensor),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}

/// Looks at the sensors while nothing runs, once in a process for the same ones.
fn look_at_idle(meters: &mut Meters) {
    static SEEN: Mutex<Vec<(String, Parts)>> = Mutex::new(Vec::new());
    let Some(window) = meters.window() else { return };
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let source = meters.source();
    if let Some((_, idle)) = seen.iter().find(|(other, _)| *other == source) {
        return meters.set_idle(*idle);
    }
    let seconds = (window.settle + window.measure).as_secs_f64();
    let spinner = progress::spinner(format!("idle power, for {seconds:.1} s"));
    meters.look_at_idle();
    spinner.finish_and_clear();
    seen.push((source, meters.idle()));
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
    fn without_joules_nobody_has_a_part() {
        let folder = tempfile::tempdir().unwrap();
        let counter = folder.path().join("class/powercap/intel-rapl:0/energy_uj");
        for (file, text) in [
            ("powercap/intel-rapl:0/name", "package-0"),
            ("powercap/intel-rapl:0/max_energy_range_uj", "262143328850"),
            ("powercap/intel-rapl:0/energy_uj", "1"),
            ("hwmon/hwmon0/name", "amdgpu"),
            ("hwmon/hwmon0/power1_average", "200000000"),
        ] {
            let path = folder.path().join("class").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let (tree, clock) = (Tree::at(folder.path()), system_clock());
        let mut meters = Meters::of_device(hwmon::gpu(&tree, &clock, "amdgpu"), host::sensor(&tree, &clock));
        Meter::begin(&mut meters);
        std::thread::sleep(std::time::Duration::from_millis(5));
        std::fs::remove_file(counter).unwrap();
        assert_eq!(Meter::end(&mut meters, 1.0), None);
        assert!(Meters::parts(&meters).device.is_some());
        assert_eq!(Meter::parts(&meters), Parts::default());
    }

    #[test]
    fn missing_meter_says_why() {
        let nothing = tempfile::tempdir().unwrap();
        let mut meters = sensors(None, &Tree::at(nothing.path()), &system_clock());
        let source = Meter::source(&meters);
        assert!(source.starts_with("none: the host has no sensor: no "), "{source}");
        assert!(source.contains("class/powercap/intel-rapl:*"), "{source}");
        look_at_idle(&mut meters);
        assert_eq!((Meter::window(&meters), Meter::end(&mut meters, 2.0)), (None, None));
    }
}
