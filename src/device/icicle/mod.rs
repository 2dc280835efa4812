//! An installed ICICLE v4 as a device: sums and transforms by its libraries, which are found at run time.
//!
//! ICICLE (Ingonyama; <https://github.com/ingonyama-zk/icicle>) has no BN254 crate in the registry. Its libraries are
//! looked for below [`IcicleOptions::folder`], or else where `ICICLE_INSTALL_DIR`, `ICICLE_FRONTEND_INSTALL_DIR` and
//! `ICICLE_BACKEND_INSTALL_DIR` point, in /opt/icicle, and where the system's loader looks; libraries that serve GPUs in
//! `ICICLE_BACKEND_INSTALL_DIR`, or else in `backend` beside the others. Those need a licence, and may ask a server for it.
//!
//! Buffers are in host memory, and bases in the device's: every sum moves its scalars, every transform its data.
//! Operations that ICICLE is not asked for are [`Error::Unsupported`]; a [`Hybrid`](super::Hybrid) with
//! [`IcicleDevice::costs`] leaves them to the CPU.

mod api;
mod foreign;
mod incomplete;
mod msm;
mod ntt;
mod search;
mod session;

use super::backend::{Backend, DeviceInfo, DeviceKind, Elem};
use super::costs::{Costs, Operation};
use super::counters::DeviceCounters;
use super::cpu::{CpuBuffer, CpuDevice, CpuOptions};
use crate::error::{Error, Result};
use api::{Api, absent};
pub use msm::IcicleBases;
use search::DeviceName;
use session::Session;
use std::path::PathBuf;
use std::sync::Arc;
use zkwatt_kernels::CpuPath;

/// Which ICICLE, and which of its devices.
#[derive(Clone, Debug, Default)]
pub struct IcicleOptions {
    /// The folder of an installation, or the one that its libraries are in; if `None`, the places that the module names.
    pub folder: Option<PathBuf>,
    /// `TYPE` or `TYPE:INDEX` in ICICLE's spelling, such as `CUDA:1`; if `None`, what the variable
    /// `ZKWATT_ICICLE_DEVICE` says, or else the first GPU, or else ICICLE's CPU.
    pub device: Option<String>,
}

/// One of the devices of an installed ICICLE.
pub struct IcicleDevice {
    info: DeviceInfo,
    session: Arc<Session>,
    /// Owner of the buffers.
    host: CpuDevice,
}

impl IcicleDevice {
    /// Opens a device, and computes sums and a transform of which the results are known.
    ///
    /// # Errors
    /// [`Error::NoSuchDevice`] says what is missing or of which version it is, and what to install or set;
    /// [`Error::SelfCheck`] if a result is wrong.
    pub fn new(options: IcicleOptions) -> Result<Self> {
        let api = Api::load(options.folder.as_deref())?;
        api.load_backends(options.folder.as_deref())?;
        let name = choose(options.device, &api.device_types()?)?;
        let session = Arc::new(Session::open(api, name)?);
        let info = DeviceInfo {
            kind: DeviceKind::Icicle,
            name: format!("ICICLE 4 on {}", session.name()),
            cpu_path: None,
            threads: 0,
            memory_bytes: session.free_bytes().unwrap_or(u64::MAX),
            software: session.name().kind == "CPU",
        };
        let device = Self { info, session, host: CpuDevice::new(CpuOptions::default())? };
        device.check_known_answers()?;
        Ok(device)
    }

    /// What it has moved and computed since it was opened.
    pub fn counters(&self) -> DeviceCounters {
        self.session.counters()
    }

    /// Free memory of the device, where it says how much.
    pub fn free_bytes(&self) -> Option<u64> {
        self.session.free_bytes()
    }

    /// Costs with which a [`Hybrid`](super::Hybrid) gives all sums and transforms to ICICLE and the rest to the CPU.
    pub fn costs() -> Costs {
        Costs::fixed(&[Operation::MsmG1, Operation::MsmG2, Operation::Ntt])
    }

    fn path(&self) -> CpuPath {
        self.host.path()
    }
}

/// Whether ICICLE is installed. Its devices are not looked at: that may ask a licence server.
pub fn probe(options: &IcicleOptions) -> Result<DeviceInfo> {
    let api = Api::load(options.folder.as_deref())?;
    let place =
        api.folder.as_ref().map_or("the system's libraries".into(), |folder| folder.display().to_string());
    Ok(DeviceInfo {
        kind: DeviceKind::Icicle,
        name: format!("ICICLE 4 in {place}; its devices are opened by --device icicle only"),
        cpu_path: None,
        threads: 0,
        memory_bytes: u64::MAX,
        software: false,
    })
}

/// What is asked for, which must be of a type that there is: ICICLE ends the process for others.
fn choose(asked: Option<String>, types: &[String]) -> Result<DeviceName> {
    let variable = || std::env::var(search::DEVICE_VARIABLE).ok().filter(|text| !text.is_empty());
    let there = types.join(", ");
    let Some(text) = asked.or_else(variable) else {
        return DeviceName::preferred(types).ok_or_else(|| {
            absent("ICICLE has no device; set ICICLE_BACKEND_INSTALL_DIR to its backends, or use `cpu`")
        });
    };
    match DeviceName::parse(&text) {
        Some(name) if types.contains(&name.kind) => Ok(name),
        Some(_) => Err(absent(format!(
            "ICICLE has no device `{text}`, only {there}; set ICICLE_BACKEND_INSTALL_DIR to the folder of its backends, \
             or use `cpu`"
        ))),
        None => Err(Error::invalid(
            "ICICLE's device",
            format!("`{text}` is not TYPE or TYPE:INDEX; ICICLE has {there}"),
        )),
    }
}

impl Backend for IcicleDevice {
    type Buf<T: Elem> = CpuBuffer<T>;

    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn alloc<T: Elem>(&self, len: usize) -> Result<CpuBuffer<T>> {
        self.host.alloc(len)
    }

    fn upload<T: Elem>(&self, data: &[T]) -> Result<CpuBuffer<T>> {
        self.host.upload(data)
    }

    fn write<T: Elem>(&self, buffer: &mut CpuBuffer<T>, start: usize, data: &[T]) -> Result<()> {
        self.host.write(buffer, start, data)
    }

    async fn download<T: Elem>(&self, buffer: &CpuBuffer<T>) -> Result<Vec<T>> {
        self.host.download(buffer).await
    }

    fn download_blocking<T: Elem>(&self, buffer: &CpuBuffer<T>) -> Result<Vec<T>> {
        self.host.download_blocking(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_chosen_among_those_that_are_there() {
        let types = ["CPU".to_string(), "CUDA".to_string()];
        let chosen = |asked: &str| choose(Some(asked.into()), &types).map(|name| name.to_string());
        assert_eq!(chosen("CUDA:1").unwrap(), "CUDA:1");
        assert_eq!(chosen("cpu").unwrap(), "CPU:0");
        assert!(matches!(chosen("METAL"), Err(Error::NoSuchDevice { .. })));
        assert!(matches!(chosen("CUDA:x"), Err(Error::InvalidArgument { .. })));
        assert!(matches!(choose(Some("CPU".into()), &[]), Err(Error::NoSuchDevice { .. })));
    }
}
