//! One device of a loaded ICICLE: its memory, its roots of unity, sums and transforms.

use super::api::{Api, absent, name_of};
use super::foreign::{Address, DeviceId, Status};
use super::search::DeviceName;
use crate::device::DeviceCounters;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use zkwatt_kernels::Fr;
use zkwatt_kernels::ntt::{Direction, Generator, MAX_LOG_N, NttPlan, Order};

/// One of ICICLE's devices, chosen anew for every call: ICICLE keeps its choice by thread. The thread's own comes back behind
/// the call.
pub(super) struct Session {
    api: &'static Api,
    name: DeviceName,
    id: DeviceId,
    domain: Arc<RwLock<Option<Domain>>>,
    uploaded: AtomicU64,
    downloaded: AtomicU64,
    calls: AtomicU64,
}

/// A device that is the thread's until this is dropped.
struct Chosen {
    api: &'static Api,
    /// The one before, if there was one.
    before: Option<DeviceId>,
}

impl Drop for Chosen {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // It was the thread's before; if it cannot be so again there is nobody to tell.
            let _ = self.api.functions.set_device(before);
        }
    }
}

/// The roots of unity that ICICLE holds: one set for each device and process.
#[derive(Copy, Clone)]
struct Domain {
    generator: Generator,
    log_n: u32,
}

impl Domain {
    fn serves(self, plan: &NttPlan) -> bool {
        self.generator == plan.generator && self.log_n >= plan.log_n
    }
}

/// Smaller domains cost as much, and would have to be made anew sooner.
const MIN_DOMAIN_LOG_N: u32 = 10;

impl Session {
    /// Opens a device of a type that there is.
    pub(super) fn open(api: &'static Api, name: DeviceName) -> Result<Self> {
        let domain = domain_of(api, &name);
        let id = DeviceId::new(&name.kind, name.index);
        let (uploaded, downloaded, calls) = Default::default();
        let session = Self { api, name, id, domain, uploaded, downloaded, calls };
        match session.choose().map(drop) {
            Ok(()) => Ok(session),
            Err(status) => Err(absent(format!(
                "ICICLE refuses device {}: {}; or use `cpu`",
                session.name,
                name_of(status)
            ))),
        }
    }

    /// Makes the device the thread's until the answer is dropped.
    fn choose(&self) -> Result<Chosen, Status> {
        let chosen = Chosen { api: self.api, before: self.api.functions.active_device() };
        self.api.functions.set_device(&self.id).map(|()| chosen)
    }

    fn enter(&self) -> Result<Chosen> {
        self.choose().map_err(|status| self.failure(status, "choosing the device", 0))
    }

    /// The error behind a status of work on so many bytes.
    fn failure(&self, status: Status, what: &'static str, bytes: usize) -> Error {
        let device = format!("icicle ({})", self.name);
        match status {
            // Out of memory, allocation failed.
            2 | 4 => {
                let available = self.free_bytes().unwrap_or(0);
                Error::OutOfMemory { what, requested: bytes as u64, available }
            }
            10 => Error::Unsupported {
                what: format!("{what} on {device}"),
                reason: "ICICLE does not have it for this device; choose another one".into(),
            },
            _ => {
                let reason = format!("{what}: {}; the result is withheld", name_of(status));
                Error::DeviceFailed { device, reason }
            }
        }
    }

    /// Free memory, where the device says.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let _chosen = self.choose().ok()?;
        self.api.functions.free_bytes().ok()
    }

    /// Type and index.
    pub(super) fn name(&self) -> &DeviceName {
        &self.name
    }

    pub(super) fn counters(&self) -> DeviceCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DeviceCounters {
            uploaded_bytes: read(&self.uploaded),
            downloaded_bytes: read(&self.downloaded),
            dispatches: read(&self.calls),
            submits: read(&self.calls),
            ..DeviceCounters::default()
        }
    }

    fn count(&self, calls: u64, up: usize, down: usize) {
        self.calls.fetch_add(calls, Ordering::Relaxed);
        self.uploaded.fetch_add(up as u64, Ordering::Relaxed);
        self.downloaded.fetch_add(down as u64, Ordering::Relaxed);
    }

    /// A copy of words, at least one, on the device.
    pub(super) fn upload(self: &Arc<Self>, words: &[u64]) -> Result<DeviceMemory> {
        let bytes = size_of_val(words);
        let _chosen = self.enter()?;
        let address =
            self.api.functions.upload(words).map_err(|status| self.failure(status, "bases", bytes))?;
        self.count(0, bytes, 0);
        Ok(DeviceMemory { session: Arc::clone(self), address, words: words.len() })
    }

    /// Sums over the first n ≥ 1 canonical bases of a group whose coordinates have `degree` elements of F_q: n scalars for
    /// each sum, one sum after the other. X, Y, Z of each sum, canonical.
    pub(super) fn msm(
        &self,
        degree: usize,
        scalars: &[Fr],
        bases: &DeviceMemory,
        n: usize,
    ) -> Result<Vec<u64>> {
        let there = bases.words / (8 * degree);
        if n > there {
            let (left, right) = ("bases", "scalars");
            return Err(Error::LengthMismatch { left, left_len: there, right, right_len: n });
        }
        let bytes = size_of_val(scalars);
        let _chosen = self.enter()?;
        let sums = self.api.functions.msm(degree, scalars, &bases.address, n);
        let sums = sums.map_err(|status| self.failure(status, "multi-scalar multiplication", bytes))?;
        self.count(1, bytes, size_of_val(sums.as_slice()));
        Ok(sums)
    }

    /// Transforms whole columns as the plan says, but for its coset.
    pub(super) fn ntt(&self, data: &mut [Fr], plan: &NttPlan) -> Result<()> {
        let _chosen = self.enter()?;
        {
            let domain = self.domain.read().unwrap_or_else(PoisonError::into_inner);
            if domain.is_some_and(|domain| domain.serves(plan)) {
                return self.transform(data, plan);
            }
        }
        let mut domain = self.domain.write().unwrap_or_else(PoisonError::into_inner);
        if !domain.is_some_and(|domain| domain.serves(plan)) {
            self.renew(&mut domain, plan)?;
        }
        self.transform(data, plan)
    }

    /// Makes a domain that serves the plan. It is locked: no transform is running.
    fn renew(&self, domain: &mut Option<Domain>, plan: &NttPlan) -> Result<()> {
        let before = domain.take().filter(|domain| domain.generator == plan.generator);
        let log_n = before.map_or(MIN_DOMAIN_LOG_N, |domain| domain.log_n).max(plan.log_n);
        let root_of = |log_n| {
            let root = plan.generator.root_of_unity(log_n).map(Fr::to_canonical);
            root.ok_or(Error::DomainTooLarge { log_n, max: MAX_LOG_N })
        };
        let failure = |status| self.failure(status, "roots of unity", size_of::<Fr>() << log_n);
        self.api.functions.renew_domain(&root_of(log_n)?).map_err(failure)?;
        let held = self.api.functions.domain_root(plan.log_n).map_err(failure)?;
        if held != root_of(plan.log_n)? {
            let reason =
                "another user of ICICLE in this process holds other roots of unity; use another device";
            return Err(Error::DeviceFailed {
                device: format!("icicle ({})", self.name),
                reason: reason.into(),
            });
        }
        *domain = Some(Domain { generator: plan.generator, log_n });
        Ok(())
    }

    /// The domain serves the plan and is locked.
    fn transform(&self, data: &mut [Fr], plan: &NttPlan) -> Result<()> {
        let direction = match plan.direction {
            Direction::Forward => 0,
            Direction::Inverse => 1,
        };
        let ordering = match plan.order {
            Order::NN => 0,
            Order::NR => 1,
            Order::RN => 2,
            Order::RR => 3,
        };
        let bytes = size_of_val(data);
        // A transform is linear: of Montgomery forms it makes Montgomery forms.
        let done = self.api.functions.ntt(data, plan.n(), direction, ordering);
        done.map_err(|status| self.failure(status, "transform", bytes))?;
        self.count(1, bytes, bytes);
        if data.iter().any(|value| Fr::from_montgomery(value.to_montgomery()).is_none()) {
            return Err(Error::SelfCheck("ICICLE's transform left elements that are not reduced".into()));
        }
        Ok(())
    }
}

/// The domain of a device, which all who opened it share.
fn domain_of(api: &'static Api, name: &DeviceName) -> Arc<RwLock<Option<Domain>>> {
    type Domains = BTreeMap<(usize, DeviceName), Arc<RwLock<Option<Domain>>>>;
    static DOMAINS: Mutex<Domains> = Mutex::new(BTreeMap::new());
    let key = (std::ptr::from_ref(api).addr(), name.clone());
    let mut domains = DOMAINS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(domains.entry(key).or_default())
}

/// Memory of a device; freed when it is dropped.
pub(super) struct DeviceMemory {
    session: Arc<Session>,
    address: Address,
    words: usize,
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        // What cannot be freed is lost; there is nobody to tell.
        if let Ok(_chosen) = self.session.enter() {
            let _ = self.session.api.functions.free(&mut self.address);
        }
    }
}
