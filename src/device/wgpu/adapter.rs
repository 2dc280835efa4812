//! Which adapters are here, and which of them will do.

use super::options::WgpuOptions;
use super::shader::LimbForm;
use crate::error::{Error, Result};
use std::fmt;

/// Storage bindings that every adapter must allow: the default of WebGPU.
pub(super) const MIN_BINDING_BYTES: u64 = 128 << 20;

/// An adapter, as the system reports it.
#[derive(Clone, Debug)]
pub struct AdapterReport {
    /// Its name.
    pub name: String,
    /// The interface it is reached by: `vulkan`, `metal`, `dx12`, `webgpu`.
    pub interface: &'static str,
    /// Its driver and the version.
    pub driver: String,
    /// Whether it computes on the CPU: its times are not those of a GPU.
    pub software: bool,
    /// Whether shaders may use 64-bit integers.
    pub int64: bool,
    /// The form of products that suits it.
    pub form: LimbForm,
    /// Whether it has a clock that shaders' times can be taken by.
    pub timestamps: bool,
    /// Bytes that a stage can see of one buffer.
    pub max_binding_bytes: u64,
    /// Bytes of a buffer.
    pub max_buffer_bytes: u64,
    /// Why it cannot be used.
    pub rejected: Option<String>,
}

impl AdapterReport {
    fn of(adapter: &wgpu::Adapter) -> Self {
        let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
        Self {
            name: info.name.clone(),
            interface: info.backend.to_str(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().into(),
            software: info.device_type == wgpu::DeviceType::Cpu,
            int64: features.contains(wgpu::Features::SHADER_INT64),
            form: best_form(&info, features.contains(wgpu::Features::SHADER_INT64)),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            max_buffer_bytes: limits.max_buffer_size,
            rejected: rejection(&limits, adapter.get_downlevel_capabilities().flags),
        }
    }

    /// Discrete GPUs before integrated ones, software last.
    fn rank(adapter: &wgpu::Adapter) -> u32 {
        match adapter.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        }
    }
}

impl fmt::Display for AdapterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let software = if self.software { ", software on the CPU" } else { "" };
        let int64 = if self.int64 { "with" } else { "without" };
        write!(
            f,
            "{} ({}, {}{software}): {int64} 64-bit integers, bindings of {} MiB",
            self.name,
            self.interface,
            self.driver,
            self.max_binding_bytes >> 20
        )?;
        match &self.rejected {
            None => Ok(()),
            Some(reason) => write!(f, "; cannot be used: {reason}"),
        }
    }
}

/// The form of products that an adapter is taken to do fastest.
///
/// NVIDIA multiplies 32 by 32 bits to 64 in one instruction, and processors that do as GPUs have vectors of that, so there the
/// 64-bit form has a fifth of the products. AMD has full-rate products of 24 bits: its compiler models 1.7 times the throughput
/// for the 32-bit form (tools/shader-report). Apple's and Intel's GPUs make 64-bit products of several 32-bit ones.
fn best_form(info: &wgpu::AdapterInfo, int64: bool) -> LimbForm {
    const NVIDIA: u32 = 0x10de;
    let widening = info.vendor == NVIDIA || info.device_type == wgpu::DeviceType::Cpu;
    if int64 && widening { LimbForm::Int64 } else { LimbForm::Int32 }
}

/// What an adapter lacks.
fn rejection(limits: &wgpu::Limits, flags: wgpu::DownlevelFlags) -> Option<String> {
    if !flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        return Some("it has no compute shaders".into());
    }
    let needs = needs();
    let table = [
        (
            "bytes in a storage binding",
            limits.max_storage_buffer_binding_size,
            needs.max_storage_buffer_binding_size,
        ),
        ("bytes in a buffer", limits.max_buffer_size, needs.max_buffer_size),
        (
            "storage buffers in a stage",
            limits.max_storage_buffers_per_shader_stage.into(),
            needs.max_storage_buffers_per_shader_stage.into(),
        ),
        (
            "bytes of workgroup memory",
            limits.max_compute_workgroup_storage_size.into(),
            needs.max_compute_workgroup_storage_size.into(),
        ),
        (
            "invocations in a workgroup",
            limits.max_compute_invocations_per_workgroup.into(),
            needs.max_compute_invocations_per_workgroup.into(),
        ),
    ];
    let (what, has, needed) = table.into_iter().find(|(_, has, needed): &(_, u64, u64)| has < needed)?;
    Some(format!("it allows {has} {what}; {needed} are needed"))
}

/// The limits that suffice: the defaults of WebGPU.
pub(super) fn needs() -> wgpu::Limits {
    wgpu::Limits { max_storage_buffer_binding_size: MIN_BINDING_BYTES, ..wgpu::Limits::default() }
}

pub(super) fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    // No validation layers of the system's: they print, and slow down.
    descriptor.flags = wgpu::InstanceFlags::empty();
    wgpu::Instance::new(descriptor)
}

/// All adapters, best first, each with its limits and why it cannot be used if so.
pub async fn adapters() -> Vec<AdapterReport> {
    sorted(&instance()).await.iter().map(AdapterReport::of).collect()
}

async fn sorted(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    let mut adapters = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
    adapters.sort_by_key(AdapterReport::rank);
    adapters
}

/// The best adapter whose name has the wanted text in it.
pub(super) async fn choose(options: &WgpuOptions) -> Result<(wgpu::Adapter, AdapterReport)> {
    let none = |reason: String| Error::NoSuchDevice { device: "wgpu".into(), reason };
    let all = sorted(&instance()).await;
    let reports: Vec<_> = all.iter().map(AdapterReport::of).collect();
    let wanted = options.adapter.as_deref().unwrap_or_default().to_lowercase();
    let fits = |report: &AdapterReport| report.name.to_lowercase().contains(&wanted);
    let usable = |report: &AdapterReport| report.rejected.is_none() && fits(report);
    if let Some(index) = reports.iter().position(usable) {
        let (adapter, report) = (all[index].clone(), reports[index].clone());
        if options.form == Some(LimbForm::Int64) && !report.int64 {
            return Err(none(format!("{} has no 64-bit integers; use the int32 form", report.name)));
        }
        return Ok((adapter, report));
    }
    if reports.is_empty() {
        return Err(none(
            "no adapter was found; install a Vulkan driver (on Debian, mesa-vulkan-drivers), or use --device cpu".into(),
        ));
    }
    let list: Vec<_> = reports.iter().map(ToString::to_string).collect();
    Err(none(format!("no adapter that can be used has `{wanted}` in its name; found: {}", list.join("; "))))
}
