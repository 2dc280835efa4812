//! A sensor of one or several channels, and the thread that reads it.

use crate::clock::Clock;
use crate::tally::{Quantity, Tally, wrap_time};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// For how long runs follow each other before a sensor tells what one takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Before the sensor is read first: it is late by as much.
    pub settle: Duration,
    /// From the first to the last reading.
    pub measure: Duration,
}

impl Window {
    /// In milliseconds.
    pub const fn millis(settle: u64, measure: u64) -> Self {
        Self { settle: Duration::from_millis(settle), measure: Duration::from_millis(measure) }
    }

    /// Long enough for both.
    pub fn max(self, other: Self) -> Self {
        Self { settle: self.settle.max(other.settle), measure: self.measure.max(other.measure) }
    }
}

/// What the figures of a sensor are of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of what computes, and of nothing that another sensor sees.
    Processor,
    /// Of the whole machine, the GPUs within it included.
    Machine,
}

/// Reads the number that a channel shows. Err: why there is none.
type Read = Box<dyn FnMut() -> Result<u64, String> + Send>;

/// One counter or one gauge.
pub struct Channel {
    name: String,
    read: Read,
    tally: Tally,
    period: Duration,
    counts: bool,
}

impl Channel {
    /// A counter whose numbers are `joules` each.
    pub fn energy(
        name: impl Into<String>,
        joules: f64,
        range: Option<u64>,
        read: impl FnMut() -> Result<u64, String> + Send + 'static,
    ) -> Self {
        // Four readings while the counter goes around once, at the least.
        let wrap = range.map_or(Duration::MAX, |range| wrap_time(range, joules));
        let period = (wrap / 4).clamp(Duration::from_millis(1), Duration::from_millis(250));
        Self::new(name.into(), Quantity::Energy { range }, joules, period, Box::new(read))
    }

    /// A gauge of power whose numbers are `watts` each, read every `period`.
    pub fn power(
        name: impl Into<String>,
        watts: f64,
        period: Duration,
        read: impl FnMut() -> Result<u64, String> + Send + 'static,
    ) -> Self {
        Self::new(name.into(), Quantity::Power, watts, period, Box::new(read))
    }

    fn new(name: String, quantity: Quantity, unit: f64, period: Duration, read: Read) -> Self {
        let counts = quantity != Quantity::Power;
        Self { name, read, tally: Tally::new(quantity, unit, period), period, counts }
    }

    /// What it measures, as the system names it.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn sample(&mut self, clock: &Clock) -> Result<(), String> {
        let shown = (self.read)().map_err(|reason| format!("{}: {reason}", self.name))?;
        self.tally.add(clock(), shown).map_err(|reason| format!("{} {reason}", self.name))
    }

    fn watts(&self) -> Option<f64> {
        (self.tally.seconds() > 0.0).then(|| self.tally.joules() / self.tally.seconds())
    }

    fn joules(&self) -> Result<f64, String> {
        match self.tally.joules() {
            joules if joules > 0.0 => Ok(joules),
            _ if self.counts => Err(format!("{}: the counter stands still", self.name)),
            _ => Err(format!("{}: shows no power", self.name)),
        }
    }
}

/// Channels that are read together and added up.
pub struct Sensor {
    kind: &'static str,
    detail: String,
    channels: Vec<Channel>,
    window: Window,
    scope: Scope,
    clock: Clock,
    failure: Option<String>,
}

const IDLE: &str = "no run has begun";

impl Sensor {
    /// A sensor that can be read. `kind` names what serves it (`rapl`), `detail` what it counts.
    ///
    /// Err: why a channel cannot be read, or that there is none.
    pub(crate) fn open(
        kind: &'static str,
        detail: String,
        channels: Vec<Channel>,
        window: Window,
        clock: Clock,
    ) -> Result<Self, String> {
        let mut sensor =
            Self { kind, detail, channels, window, scope: Scope::Processor, clock, failure: None };
        if sensor.channels.is_empty() {
            return Err(format!("{kind}: there is nothing to read"));
        }
        sensor.begin();
        match sensor.failure.replace(IDLE.into()) {
            Some(reason) => Err(reason),
            None => Ok(sensor),
        }
    }

    /// What serves it: `rapl`, `hwmon`, `battery`, `nvml`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// What it counts.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The same sensor with figures of this scope; without it they are of a processor.
    pub(crate) fn of(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// What its figures are of.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// How long it must look before its joules mean something.
    pub fn window(&self) -> Window {
        self.window
    }

    /// How often it must be read.
    pub fn period(&self) -> Duration {
        self.channels.iter().map(|channel| channel.period).min().unwrap_or(Duration::from_secs(1))
    }

    /// Begins to count.
    pub fn begin(&mut self) {
        self.failure = None;
        self.channels.iter_mut().for_each(|channel| channel.tally.reset());
        self.sample();
    }

    /// Reads all channels once; to be called every [`Sensor::period`]. What fails is kept for [`Sensor::end`].
    pub fn sample(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let failed = self.channels.iter_mut().find_map(|channel| channel.sample(&self.clock).err());
        self.failure = failed.map(|reason| format!("{}: {reason}", self.kind));
    }

    /// Joules since [`Sensor::begin`]. Err: why they cannot be told.
    pub fn end(&mut self) -> Result<f64, String> {
        self.sample();
        if let Some(reason) = self.failure.replace(IDLE.into()) {
            return Err(reason);
        }
        let joules = self.channels.iter().map(Channel::joules).sum::<Result<f64, String>>();
        joules.map_err(|reason| format!("{}: {reason}", self.kind))
    }

    /// The mean power between the first reading and the last of what [`Sensor::end`] told.
    pub fn watts(&self) -> Option<f64> {
        self.channels.iter().map(Channel::watts).sum()
    }
}

/// Reads a sensor in a thread of its own, as often as it must be.
pub struct Sampler {
    sensor: Arc<Mutex<Sensor>>,
    running: Option<Running>,
}

struct Running {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Sampler {
    /// Of this sensor.
    pub fn new(sensor: Sensor) -> Self {
        Self { sensor: Arc::new(Mutex::new(sensor)), running: None }
    }

    /// The sensor.
    pub fn sensor(&self) -> MutexGuard<'_, Sensor> {
        lock(&self.sensor)
    }

    /// Begins to count.
    pub fn begin(&mut self) {
        self.stop();
        let sensor = Arc::clone(&self.sensor);
        let period = {
            let mut sensor = lock(&sensor);
            sensor.begin();
            sensor.period()
        };
        let (stop, stopped) = mpsc::channel();
        let read = move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                lock(&sensor).sample();
            }
        };
        match thread::Builder::new().name("energy".into()).spawn(read) {
            Ok(thread) => self.running = Some(Running { stop, thread }),
            Err(error) => self.sensor().failure = Some(format!("no thread to read sensors in: {error}")),
        }
    }

    /// Joules since [`Sampler::begin`]. Err: why they cannot be told.
    pub fn end(&mut self) -> Result<f64, String> {
        let joules = self.sensor().end();
        self.stop();
        joules
    }

    fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            drop(stop);
            // What it had to say is in the sensor.
            let _ = thread.join();
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(sensor: &Mutex<Sensor>) -> MutexGuard<'_, Sensor> {
    sensor.lock().unwrap_or_else(PoisonError::into_inner)
}
