//! Sampling of contestants on the same input, in turns.

use crate::conditions::{self, Conditions};
use crate::energy::{Meter, NoMeter, Parts, Window};
use crate::environment;
use crate::memory::PeakRss;
use crate::record::{FIELD_BITS, Record};
use crate::statistics::{mad, median, paired_ratio};
use crate::{multiplier, progress, statistics};
use std::hint::black_box;
use std::time::{Duration, Instant};
use zkwatt::device::{Device, DeviceCounters};
use zkwatt::{Error, Result};

/// Samples below which a median deserves a note.
pub const FEW_SAMPLES: usize = 7;

/// A contestant's run: times its work through the stopwatch and returns the result if the stopwatch wants it.
pub type Run<'a, R> = Box<dyn FnMut(&mut Stopwatch<'_>) -> Result<Option<R>> + 'a>;

/// Where a contestant computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the device that was opened, which the records of the bench begin with.
    Opened,
    /// On the CPU of this process, whatever device was opened.
    Host,
    /// On a device of its own: its kind and its name.
    Own(&'static str, String),
}

/// One implementation on one input.
pub struct Contestant<'a, R> {
    /// `zkwatt` or a peer's name.
    pub implementation: String,
    /// Its version.
    pub version: String,
    /// What distinguishes it from other contestants of the same implementation.
    pub variant: Option<String>,
    /// The curve, if it is not BN254: then it is a reference, whose result is its own affair.
    pub other_curve: Option<&'static str>,
    /// The form of our CPU kernels, where it runs those.
    pub cpu_path: Option<String>,
    /// Where it computes.
    pub place: Place,
    /// The device that its runs use, if it is not the CPU.
    pub device: Option<Device>,
    /// Modular products of one run, where they are known or estimated.
    pub modmul: Option<f64>,
    /// Time that these products alone would take.
    pub predicted_s: Option<f64>,
    /// Wall time of preparing what every run reuses.
    pub preparation_s: f64,
    /// One run.
    pub run: Run<'a, R>,
}

impl<'a, R> Contestant<'a, R> {
    /// A contestant without variant and preparation.
    pub fn new(
        implementation: impl Into<String>,
        version: impl Into<String>,
        run: impl FnMut(&mut Stopwatch<'_>) -> Result<Option<R>> + 'a,
    ) -> Self {
        let (implementation, version) = (implementation.into(), version.into());
        Self {
            implementation,
            version,
            variant: None,
            other_curve: None,
            cpu_path: None,
            place: Place::Host,
            device: None,
            modmul: None,
            predicted_s: None,
            preparation_s: 0.0,
            run: Box::new(run),
        }
    }

    /// Ours.
    pub fn zkwatt(run: impl FnMut(&mut Stopwatch<'_>) -> Result<Option<R>> + 'a) -> Self {
        Self { place: Place::Opened, ..Self::new("zkwatt", env!("CARGO_PKG_VERSION"), run) }
    }

    /// Sets the device of its own that it computes on.
    pub fn on_its_own(self, kind: &'static str, name: impl Into<String>) -> Self {
        Self { place: Place::Own(kind, name.into()), ..self }
    }

    /// Sets the variant.
    pub fn variant(self, variant: impl Into<String>) -> Self {
        Self { variant: Some(variant.into()), ..self }
    }

    /// Says that it computes on another curve than BN254. Its result is compared with none: its run fails where it is wrong.
    pub fn of_another_curve(self, curve: &'static str) -> Self {
        Self { other_curve: Some(curve), ..self }
    }

    /// Sets the form of our CPU kernels.
    pub fn cpu_path(self, path: Option<&str>) -> Self {
        Self { cpu_path: path.map(Into::into), ..self }
    }

    /// Sets the device that runs use: the form of its kernels, and what it moves.
    pub fn on(self, device: &Device) -> Self {
        let cpu_path = device.info().cpu_path.map(Into::into);
        Self { cpu_path, device: device.counters().map(|_| device.clone()), ..self }
    }

    /// Sets the modular products of one run.
    pub fn modmul(self, products: f64) -> Self {
        Self { modmul: Some(products), ..self }
    }

    /// Sets the time that the modular products alone would take: each is `field_products` of F_r at the speed of `device`.
    pub fn bounded_by(self, device: &Device, field_products: f64) -> Self {
        let speed = self.modmul.and_then(|_| multiplier::products_per_second(device));
        let predicted_s = self.modmul.zip(speed).map(|(products, speed)| field_products * products / speed);
        Self { predicted_s, ..self }
    }

    /// Sets the preparation time.
    pub fn prepared_in(self, preparation: Duration) -> Self {
        Self { preparation_s: preparation.as_secs_f64(), ..self }
    }

    fn label(&self) -> String {
        match &self.variant {
            Some(variant) => format!("{} ({variant})", self.implementation),
            None => self.implementation.clone(),
        }
    }
}

/// What another process measured of its own work.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Elsewhere {
    /// Wall time.
    pub wall_s: f64,
    /// User and system time of all of its threads.
    pub cpu_s: Option<f64>,
    /// Its peak resident memory.
    pub peak_rss_bytes: Option<u64>,
}

/// Shorter runs follow each other until they last as long, and a sample is their mean: else it would tell more of caches that
/// others have used since and of a processor's clock than of the work.
const SAMPLE: Duration = Duration::from_millis(5);

/// A first run that takes as long is not followed by another one before the rounds.
const FEW_RUNS: Duration = Duration::from_millis(200);

/// Runs that make a sample when one takes so long.
fn runs_of_a_sample(wall_s: f64) -> u32 {
    (SAMPLE.as_secs_f64() / wall_s).ceil().clamp(1.0, 1000.0) as u32
}

/// The mean of what a device did in so many runs; its peak is that of all.
fn of_one_run(all: &DeviceCounters, runs: u32) -> DeviceCounters {
    let mean = |sum: u64| sum / u64::from(runs.max(1));
    DeviceCounters {
        uploaded_bytes: mean(all.uploaded_bytes),
        downloaded_bytes: mean(all.downloaded_bytes),
        dispatches: mean(all.dispatches),
        submits: mean(all.submits),
        pipelines: mean(all.pipelines),
        pipeline_ns: mean(all.pipeline_ns),
        transfer_ns: mean(all.transfer_ns),
        wait_ns: mean(all.wait_ns),
        compute_ns: mean(all.compute_ns),
        peak_bytes: all.peak_bytes,
    }
}

/// Times the part of a run that counts; the sums over runs that follow each other.
pub struct Stopwatch<'a> {
    meter: &'a mut dyn Meter,
    wants_result: bool,
    runs: u32,
    wall_s: f64,
    cpu_s: Option<f64>,
    joules: Option<f64>,
    peak_rss_bytes: Result<u64, &'static str>,
}

impl<'a> Stopwatch<'a> {
    fn new(meter: &'a mut dyn Meter, wants_result: bool) -> Self {
        let peak_rss_bytes = Err("nothing was measured");
        Self {
            meter,
            wants_result,
            runs: 0,
            wall_s: 0.0,
            cpu_s: Some(0.0),
            joules: Some(0.0),
            peak_rss_bytes,
        }
    }

    fn add(&mut self, wall_s: f64, cpu_s: Option<f64>) {
        self.runs += 1;
        self.wall_s += wall_s;
        self.cpu_s = self.cpu_s.zip(cpu_s).map(|(sum, run)| sum + run);
        self.joules = self.joules.zip(self.meter.end(wall_s)).map(|(sum, run)| sum + run);
    }

    /// Means over the runs: wall time, user and system time, joules.
    fn means(&self) -> (f64, Option<f64>, Option<f64>) {
        let mean = |sum: f64| sum / f64::from(self.runs.max(1));
        (mean(self.wall_s), self.cpu_s.map(mean), self.joules.map(mean))
    }

    /// Does the work and takes its time; what happens outside of this call does not count. Once a run.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        // Of runs that follow each other the first one tells.
        let memory = (self.runs == 0).then(PeakRss::begin);
        self.meter.begin();
        let cpu = process_cpu_s();
        let start = Instant::now();
        let value = black_box(work());
        let wall_s = start.elapsed().as_secs_f64();
        self.add(wall_s, process_cpu_s().zip(cpu).map(|(after, before)| after - before));
        if let Some(memory) = memory {
            self.peak_rss_bytes = memory.and_then(|m| m.bytes().ok_or("/proc/self/status has no VmHWM"));
        }
        value
    }

    /// As [`Stopwatch::time`], for work that another process does and measures itself. Energy is that of this call.
    ///
    /// # Errors
    /// What the work fails with.
    pub fn time_elsewhere<T>(&mut self, work: impl FnOnce() -> Result<(T, Elsewhere)>) -> Result<T> {
        self.meter.begin();
        let (value, measured) = work()?;
        self.add(measured.wall_s, measured.cpu_s);
        let peak = measured.peak_rss_bytes.ok_or("the other process does not say");
        self.peak_rss_bytes = match (self.runs > 1, self.peak_rss_bytes) {
            (true, Ok(before)) => peak.map(|now| now.max(before)),
            _ => peak,
        };
        Ok(value)
    }

    /// The result of the run, made only if it is going to be compared.
    pub fn result<R>(&self, make: impl FnOnce() -> R) -> Option<R> {
        self.wants_result.then(make)
    }
}

/// User and system time of all threads of this process so far.
pub fn process_cpu_s() -> Option<f64> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }
    #[cfg(not(unix))]
    None
}

/// How long to sample.
#[derive(Copy, Clone, Debug)]
pub struct Plan {
    /// Timed rounds.
    pub samples: usize,
    /// No round starts after this, except to reach three (or `samples`, if that is less).
    pub budget: Option<Duration>,
}

/// Whether results are compared.
#[derive(Clone, Debug)]
pub enum Check<R> {
    /// Not at all; outcomes are not verified.
    Skip,
    /// With this one, which an independent implementation computed.
    Equal(R),
}

/// What was measured of one contestant.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// From the contestant.
    pub implementation: String,
    /// From the contestant.
    pub version: String,
    /// From the contestant.
    pub variant: Option<String>,
    /// The curve, if it is not BN254.
    pub other_curve: Option<&'static str>,
    /// From the contestant.
    pub cpu_path: Option<String>,
    /// From the contestant.
    pub place: Place,
    /// From the contestant.
    pub modmul: Option<f64>,
    /// From the contestant.
    pub predicted_s: Option<f64>,
    /// Wall time of a run in each round.
    pub samples_s: Vec<f64>,
    /// Median wall time.
    pub median_s: f64,
    /// Median absolute deviation of the wall time.
    pub mad_s: f64,
    /// Median of user and system time.
    pub cpu_s: Option<f64>,
    /// Preparation and the first run.
    pub first_use_s: f64,
    /// Median energy of a run.
    pub joules: Option<f64>,
    /// Where the energy comes from.
    pub energy_source: String,
    /// Of the joules, whose they are.
    pub energy_parts: Parts,
    /// Power of the same sensors with nothing running.
    pub idle_watts: Option<f64>,
    /// The device's clock and temperature after the runs.
    pub conditions: Conditions,
    /// Driver of the device, if it is not the CPU.
    pub driver: Option<String>,
    /// When the runs ended.
    pub measured_at: String,
    /// What readers of the figures must know.
    pub notes: Vec<String>,
    /// Highest peak over the runs, or why there is none.
    pub peak_rss_bytes: Result<u64, &'static str>,
    /// What a device did in a run of the last round, the mean of those of the sample, where it is not the CPU.
    pub traffic: Option<DeviceCounters>,
    /// Whether the result was compared and equal.
    pub verified: bool,
    /// Median over that of the first contestant.
    pub ratio: f64,
    /// Median over rounds of the time over the first contestant's in the same round.
    pub paired_ratio: f64,
}

impl Outcome {
    /// Writes everything that a record holds of this outcome.
    pub fn fill(&self, record: &mut Record) {
        record.implementation.clone_from(&self.implementation);
        record.version.clone_from(&self.version);
        if self.variant.is_some() {
            record.variant.clone_from(&self.variant);
        }
        if let Some(curve) = self.other_curve {
            record.curve = curve.into();
        }
        record.cpu_path.clone_from(&self.cpu_path);
        match &self.place {
            Place::Opened => {}
            Place::Host if record.device == "cpu" => {}
            Place::Host => {
                record.device = "cpu".into();
                record.device_name = environment::machine().cpu.clone().unwrap_or_else(|| "cpu".into());
            }
            Place::Own(kind, name) => {
                record.device = (*kind).into();
                record.device_name.clone_from(name);
            }
        }
        record.modmul = self.modmul;
        record.predicted_s = self.predicted_s;
        record.samples = self.samples_s.len();
        record.median_s = self.median_s;
        record.mad_s = self.mad_s;
        record.cpu_s = self.cpu_s;
        record.first_use_s = Some(self.first_use_s);
        record.joules = self.joules;
        record.energy_source.clone_from(&self.energy_source);
        record.device_joules = self.energy_parts.device;
        record.host_joules = self.energy_parts.host;
        record.idle_watts = self.idle_watts;
        // Products over G2 are in F_q².
        let field_bits = if record.op == "msm_g2" { 2 * FIELD_BITS } else { FIELD_BITS };
        record.field_bits = self.modmul.map(|_| field_bits);
        let score = self.modmul.zip(self.joules.filter(|joules| *joules > 0.0));
        record.modmul_per_joule = score.map(|(products, joules)| products / joules);
        record.samples_s = Some(self.samples_s.clone());
        record.measured_at = Some(self.measured_at.clone());
        record.clock_mhz = self.conditions.clock_mhz;
        record.temperature_c = self.conditions.temperature_c;
        record.driver.clone_from(&self.driver);
        record.peak_rss_bytes = self.peak_rss_bytes.ok();
        record.verified = self.verified;
        if let Some(traffic) = &self.traffic {
            record.transfer_s = Some(traffic.transfer_ns as f64 * 1e-9);
            record.compute_s = (traffic.compute_ns > 0).then_some(traffic.compute_ns as f64 * 1e-9);
            record.uploaded_bytes = Some(traffic.uploaded_bytes);
            record.downloaded_bytes = Some(traffic.downloaded_bytes);
            record.peak_device_bytes = Some(traffic.peak_bytes);
        }
    }
}

#[derive(Default)]
struct Series {
    wall: Vec<f64>,
    cpu: Vec<Option<f64>>,
    joules: Vec<Option<f64>>,
    peak: Option<Result<u64, &'static str>>,
    first_use_s: f64,
    /// Runs of a sample.
    runs: u32,
    traffic: Option<DeviceCounters>,
    before: Conditions,
    after: Conditions,
    energy: Energy,
}

impl Series {
    fn push(&mut self, watch: &Stopwatch<'_>) {
        let (wall_s, cpu_s, joules) = watch.means();
        self.wall.push(wall_s);
        self.cpu.push(cpu_s);
        self.joules.push(joules);
        self.peak = Some(match (self.peak, watch.peak_rss_bytes) {
            (Some(Ok(before)), Ok(now)) => Ok(before.max(now)),
            (Some(Err(reason)), _) => Err(reason),
            (_, now) => now,
        });
    }
}

/// Runs the contestants in rounds A B C A B C …, after one round that is not counted and whose results are checked. Runs of less
/// than 5 ms follow each other within a round, and their mean counts.
///
/// The first contestant is the one to which ratios refer. Outcomes come in the order of the contestants.
///
/// # Errors
/// What a run fails with; [`Error::SelfCheck`] if a result differs from the expected one; invalid if `samples` is 0
/// or there is no contestant.
pub fn interleave<R: PartialEq>(
    label: &str,
    contestants: &mut [Contestant<'_, R>],
    plan: Plan,
    check: &Check<R>,
    meter: &mut dyn Meter,
) -> Result<Vec<Outcome>> {
    if plan.samples == 0 || contestants.is_empty() {
        return Err(Error::invalid("samples", "there is nothing to measure; ask for at least 1 sample"));
    }
    // A sensor that needs longer than a run is read after the rounds.
    let window = meter.window();
    let mut idle = NoMeter(String::new());
    let in_rounds: &mut dyn Meter = if window.is_some() { &mut idle } else { &mut *meter };
    let bar = progress::bar(label, plan.samples + 1);
    let start = Instant::now();
    let mut series: Vec<Series> = contestants.iter().map(|_| Series::default()).collect();

    for (contestant, series) in contestants.iter_mut().zip(&mut series) {
        let mut watch = Stopwatch::new(in_rounds, matches!(check, Check::Equal(_)));
        let result = (contestant.run)(&mut watch)?;
        series.first_use_s = contestant.preparation_s + watch.wall_s;
        series.runs = runs_of_a_sample(watch.wall_s);
        if let Check::Equal(expected) = check
            && contestant.other_curve.is_none()
            && result.as_ref() != Some(expected)
        {
            bar.finish_and_clear();
            let name = contestant.label();
            return Err(Error::SelfCheck(format!("{label}: {name} differs from the reference")));
        }
    }
    // The first run makes what later ones find: how many make a sample, the second tells.
    for (contestant, series) in contestants.iter_mut().zip(&mut series) {
        if series.first_use_s - contestant.preparation_s < FEW_RUNS.as_secs_f64() {
            let mut watch = Stopwatch::new(in_rounds, false);
            (contestant.run)(&mut watch)?;
            series.runs = series.runs.max(runs_of_a_sample(watch.wall_s));
        }
    }
    bar.inc(1);
    let conditions = |contestants: &[Contestant<'_, R>]| -> Vec<Conditions> {
        let of_host = conditions::read(None);
        let of = |c: &Contestant<'_, R>| {
            c.device.as_ref().map_or(of_host, |device| conditions::read(Some(device)))
        };
        contestants.iter().map(of).collect()
    };
    for (series, before) in series.iter_mut().zip(conditions(contestants)) {
        series.before = before;
    }

    for round in 0..plan.samples {
        let over = plan.budget.is_some_and(|budget| start.elapsed() > budget);
        if over && round >= plan.samples.min(3) {
            break;
        }
        for (contestant, series) in contestants.iter_mut().zip(&mut series) {
            let mut watch = Stopwatch::new(in_rounds, false);
            let before = contestant.device.as_ref().and_then(Device::counters);
            for _ in 0..series.runs {
                (contestant.run)(&mut watch)?;
            }
            let after = contestant.device.as_ref().and_then(Device::counters);
            series.traffic =
                after.zip(before).map(|(after, before)| of_one_run(&after.since(&before), series.runs));
            series.push(&watch);
        }
        bar.inc(1);
    }
    let (after, measured_at) = (conditions(contestants), environment::now());
    for ((contestant, series), after) in contestants.iter_mut().zip(&mut series).zip(after) {
        series.after = after;
        series.energy = match window {
            Some(window) => energy_in(window, contestant, median(&series.wall), meter)?,
            None => {
                let joules = all(&series.joules).and_then(|values| median(&values));
                Energy { joules, source: meter.source(), ..Energy::default() }
            }
        };
    }
    bar.finish_and_clear();

    let ours = series[0].wall.clone();
    let outcome = |(contestant, series): (&Contestant<'_, R>, Series)| {
        let median_s = median(&series.wall).unwrap_or(f64::NAN);
        let mut notes = conditions::held_back(label, series.before, series.after);
        notes.extend(series.energy.note);
        Outcome {
            implementation: contestant.implementation.clone(),
            version: contestant.version.clone(),
            variant: contestant.variant.clone(),
            other_curve: contestant.other_curve,
            cpu_path: contestant.cpu_path.clone(),
            place: contestant.place.clone(),
            modmul: contestant.modmul,
            predicted_s: contestant.predicted_s,
            median_s,
            mad_s: mad(&series.wall).unwrap_or(f64::NAN),
            cpu_s: all(&series.cpu).and_then(|values| statistics::median(&values)),
            first_use_s: series.first_use_s,
            joules: series.energy.joules,
            energy_source: series.energy.source,
            energy_parts: series.energy.parts,
            idle_watts: series.energy.idle_watts,
            conditions: series.after,
            driver: contestant.device.as_ref().and_then(conditions::driver),
            measured_at: measured_at.clone(),
            notes,
            traffic: series.traffic,
            peak_rss_bytes: series.peak.unwrap_or(Err("nothing was measured")),
            verified: matches!(check, Check::Equal(_)),
            ratio: median_s / median(&ours).unwrap_or(f64::NAN),
            paired_ratio: paired_ratio(&series.wall, &ours).unwrap_or(f64::NAN),
            samples_s: series.wall,
        }
    };
    Ok(contestants.iter().zip(series).map(outcome).collect())
}

/// What a meter says of a run.
#[derive(Default)]
struct Energy {
    joules: Option<f64>,
    parts: Parts,
    idle_watts: Option<f64>,
    source: String,
    note: Option<String>,
}

/// Share of a window that the timed part of runs must fill for joules to be called those of the runs.
const MOSTLY_RUNS: f64 = 0.9;

/// Joules of a run, the mean over runs that follow each other for the window.
fn energy_in<R>(
    window: Window,
    contestant: &mut Contestant<'_, R>,
    median_s: Option<f64>,
    meter: &mut dyn Meter,
) -> Result<Energy> {
    if let Place::Own(kind, _) = contestant.place {
        let source = format!("none: {kind} does not say which GPU it computes on");
        return Ok(Energy { source, ..Energy::default() });
    }
    meter.choose(contestant.device.is_some());
    if meter.source().starts_with("none: ") {
        return Ok(Energy { source: meter.source(), ..Energy::default() });
    }
    let name = contestant.label();
    // Runs, their wall time, and what of it they timed themselves.
    let mut runs_for = |time: Duration| -> Result<(f64, f64, f64)> {
        let (start, mut runs, mut timed_s) = (Instant::now(), 0, 0.0);
        while runs == 0 || start.elapsed() < time {
            let mut nothing = NoMeter(String::new());
            let mut watch = Stopwatch::new(&mut nothing, false);
            (contestant.run)(&mut watch)?;
            timed_s += watch.wall_s;
            runs += 1;
        }
        Ok((f64::from(runs), start.elapsed().as_secs_f64(), timed_s))
    };
    // A sensor that is late by little beside a long run needs no run more.
    if median_s.is_none_or(|run_s| window.settle.as_secs_f64() > 0.05 * run_s) {
        runs_for(window.settle)?;
    }
    meter.begin();
    let (runs, wall_s, timed_s) = runs_for(window.measure)?;
    let joules = meter.end(wall_s).map(|joules| joules / runs);
    // Parts are of a whole: where one sensor failed, there is none.
    let part = |part: Option<f64>| part.filter(|_| joules.is_some()).map(|joules| joules / runs);
    let (device, host) = (part(meter.parts().device), part(meter.parts().host));
    let mostly_else = joules.is_some() && timed_s < MOSTLY_RUNS * wall_s;
    let between = mostly_else.then(|| {
        let share = 100.0 * (1.0 - MOSTLY_RUNS);
        format!("{name}: energy is also of work between runs, more than {share:.0} % of the time")
    });
    Ok(Energy {
        joules,
        parts: Parts { device, host },
        idle_watts: meter.idle_watts(),
        source: meter.source(),
        note: between.or_else(|| meter.note()),
    })
}

fn all(values: &[Option<f64>]) -> Option<Vec<f64>> {
    values.iter().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::UserWatts;
    use std::cell::RefCell;

    fn plan(samples: usize) -> Plan {
        Plan { samples, budget: None }
    }

    #[test]
    fn rounds_interleave_after_a_warm_up() {
        let log = RefCell::new(String::new());
        let contestant = |name: &'static str| {
            let log = &log;
            Contestant::new(name, "1", move |watch| {
                watch.time(|| {
                    log.borrow_mut().push_str(name);
                    std::thread::sleep(2 * SAMPLE);
                });
                Ok(watch.result(|| 5))
            })
        };
        let mut contestants = [contestant("a"), contestant("b")];
        let outcomes =
            interleave("x", &mut contestants, plan(3), &Check::Equal(5), &mut UserWatts(1.0)).unwrap();
        // Checked, tried, and three rounds.
        assert_eq!(*log.borrow(), "ababababab");
        assert_eq!(outcomes.len(), 2);
        assert!(outcomes.iter().all(|o| o.verified && o.samples_s.len() == 3 && o.joules.is_some()));
        assert_eq!(outcomes[0].ratio, 1.0);
        assert_eq!(outcomes[0].paired_ratio, 1.0);
    }

    #[test]
    fn short_runs_make_a_sample_together() {
        let runs = std::cell::Cell::new(0);
        let mut contestants = [Contestant::new("peer", "1", |watch| {
            runs.set(runs.get() + 1);
            // The first one is slow, as what fills tables is.
            let time = if runs.get() == 1 { 2 * SAMPLE } else { SAMPLE / 10 };
            Ok(watch.time(|| {
                std::thread::sleep(time);
                None::<()>
            }))
        })];
        let outcomes =
            interleave("x", &mut contestants, plan(3), &Check::Skip, &mut UserWatts(10.0)).unwrap();
        assert!((5..=2 + 3 * 10).contains(&runs.get()), "{}", runs.get());
        let outcome = &outcomes[0];
        assert_eq!(outcome.samples_s.len(), 3);
        assert!(outcome.median_s >= (SAMPLE / 10).as_secs_f64(), "{}", outcome.median_s);
        assert!((outcome.joules.unwrap() / outcome.median_s - 10.0).abs() < 5.0);
    }

    #[test]
    fn who_computes_on_the_host_is_not_called_the_gpu() {
        let run = |watch: &mut Stopwatch<'_>| Ok(watch.time(|| None::<()>));
        let own = Contestant::new("icicle", "1", run).on_its_own("icicle", "A");
        let mut contestants = [Contestant::zkwatt(run), Contestant::new("peer", "1", run), own];
        let outcomes = interleave("x", &mut contestants, plan(1), &Check::Skip, &mut UserWatts(1.0)).unwrap();
        let devices = outcomes.iter().map(|outcome| {
            let mut record = Record::new("ntt");
            (record.device, record.device_name) = ("cuda".into(), "A GPU".into());
            outcome.fill(&mut record);
            (record.device, record.device_name == "A GPU")
        });
        let expected = [("cuda", true), ("cpu", false), ("icicle", false)];
        assert!(devices.eq(expected.map(|(device, named)| (device.to_owned(), named))));
    }

    #[test]
    fn what_another_process_measured_is_taken() {
        let measured = Elsewhere { wall_s: 2.0, cpu_s: Some(3.0), peak_rss_bytes: Some(4) };
        let run = |watch: &mut Stopwatch<'_>| {
            let value = watch.time_elsewhere(|| Ok((5, measured)))?;
            Ok(watch.result(|| value))
        };
        let mut contestants = [Contestant::new("peer", "1", run)];
        let outcomes =
            interleave("x", &mut contestants, plan(3), &Check::Equal(5), &mut UserWatts(10.0)).unwrap();
        assert_eq!(
            (outcomes[0].median_s, outcomes[0].cpu_s, outcomes[0].joules),
            (2.0, Some(3.0), Some(20.0))
        );
        assert_eq!(outcomes[0].peak_rss_bytes, Ok(4));
        let failing = |watch: &mut Stopwatch<'_>| {
            watch.time_elsewhere(|| Err::<(Option<()>, _), _>(Error::ProofRejected))
        };
        let mut contestants = [Contestant::new("peer", "1", failing)];
        assert!(interleave("x", &mut contestants, plan(1), &Check::Skip, &mut UserWatts(1.0)).is_err());
    }

    #[test]
    fn a_wrong_result_is_an_error() {
        let run = |watch: &mut Stopwatch<'_>| {
            let value = watch.time(|| 4);
            Ok(watch.result(|| value))
        };
        let mut contestants = [Contestant::zkwatt(run)];
        let error = interleave("x", &mut contestants, plan(1), &Check::Equal(5), &mut UserWatts(1.0));
        assert!(matches!(error, Err(Error::SelfCheck(_))));
        let skipped = interleave("x", &mut contestants, plan(1), &Check::Skip, &mut UserWatts(1.0)).unwrap();
        assert!(!skipped[0].verified);
    }

    #[test]
    fn a_budget_ends_sampling_but_not_before_three_rounds() {
        let mut contestants = [Contestant::zkwatt(|watch| {
            watch.time(|| std::thread::sleep(Duration::from_millis(2)));
            Ok(None::<()>)
        })];
        let budget = Some(Duration::from_millis(1));
        let plan = Plan { samples: 1000, budget };
        let outcomes = interleave("x", &mut contestants, plan, &Check::Skip, &mut UserWatts(1.0)).unwrap();
        assert_eq!(outcomes[0].samples_s.len(), 3);
        assert!(outcomes[0].median_s >= 0.002);
    }

    /// A sensor that a run is too short for: 30 J, whatever happens meanwhile.
    struct Slow {
        began: u32,
        on_device: bool,
    }

    impl Meter for Slow {
        fn source(&self) -> String {
            if self.on_device { "slow" } else { "none: it sees the GPU alone" }.into()
        }

        fn choose(&mut self, on_device: bool) {
            self.on_device = on_device;
        }

        fn begin(&mut self) {
            self.began += 1;
        }

        fn end(&mut self, wall_s: f64) -> Option<f64> {
            assert!(wall_s >= 0.01);
            Some(30.0)
        }

        fn parts(&self) -> Parts {
            Parts { device: Some(20.0), host: Some(10.0) }
        }

        fn idle_watts(&self) -> Option<f64> {
            Some(7.0)
        }

        fn window(&self) -> Option<Window> {
            Some(Window { settle: Duration::from_millis(1), measure: Duration::from_millis(10) })
        }
    }

    #[test]
    fn a_slow_sensor_looks_at_many_runs_on_its_gpu() {
        let runs = std::cell::Cell::new(0);
        let mut on_gpu = Contestant::zkwatt(|watch| {
            watch.time(|| std::thread::sleep(Duration::from_millis(4)));
            runs.set(runs.get() + 1);
            Ok(None::<()>)
        });
        on_gpu.device = Some(Device::cpu(Default::default()).unwrap());
        let peer = Contestant::new("peer", "1", |watch| Ok(watch.time(|| None)));
        let mut meter = Slow { began: 0, on_device: false };
        let outcomes = interleave("x", &mut [on_gpu, peer], plan(1), &Check::Skip, &mut meter).unwrap();
        assert_eq!(meter.began, 1);
        let [ours, peer] = &outcomes[..] else { panic!("two outcomes") };
        // The warm-up, the round and the settling come before the runs that share the joules.
        let shared = 30.0 / ours.joules.unwrap();
        assert!((1.0..=f64::from(runs.get() - 3)).contains(&shared), "{shared} of {}", runs.get());
        assert_eq!((ours.energy_source.as_str(), ours.idle_watts), ("slow", Some(7.0)));
        assert!((ours.energy_parts.device.unwrap() * shared - 20.0).abs() < 1e-9);
        assert!((ours.energy_parts.host.unwrap() * shared - 10.0).abs() < 1e-9);
        assert!(peer.joules.is_none() && peer.energy_source.starts_with("none: "));
    }

    #[test]
    fn records_hold_the_samples_and_the_score() {
        let run = |watch: &mut Stopwatch<'_>| {
            watch.time(|| std::thread::sleep(Duration::from_millis(1)));
            Ok(None::<()>)
        };
        let mut contestants = [Contestant::zkwatt(run).modmul(500.0), Contestant::new("peer", "1", run)];
        let outcomes =
            interleave("x", &mut contestants, plan(3), &Check::Skip, &mut UserWatts(10.0)).unwrap();
        let records: Vec<_> = outcomes
            .iter()
            .map(|outcome| {
                let mut record = Record::new("x");
                outcome.fill(&mut record);
                record
            })
            .collect();
        let [ours, peer] = &records[..] else { panic!("two records") };
        assert_eq!(ours.samples_s.as_ref().map(Vec::len), Some(3));
        assert_eq!(ours.field_bits, Some(254));
        let mut in_the_extension = Record::new("msm_g2");
        outcomes[0].fill(&mut in_the_extension);
        assert_eq!(in_the_extension.field_bits, Some(508));
        assert!((ours.modmul_per_joule.unwrap() * ours.joules.unwrap() - 500.0).abs() < 1e-6);
        assert_eq!((peer.field_bits, peer.modmul_per_joule), (None, None));
        assert!(ours.measured_at.as_ref().is_some_and(|time| time.ends_with('Z')));
    }

    #[test]
    fn no_samples_is_an_error() {
        let mut none: [Contestant<'_, ()>; 0] = [];
        assert!(interleave("x", &mut none, plan(1), &Check::Skip, &mut UserWatts(1.0)).is_err());
    }
}
