//! AMD's GPUs without one: Mesa's RADV compiles for a family on "null hardware" and tells what came of it.

use crate::report::Error;
use crate::translate::Translated;
use ash::{Device, Entry, Instance, vk};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use zkwatt::device::wgpu::ShaderText;

/// The families: RDNA 2 and GCN 5, desktop cards of 2020 and 2019.
pub const FAMILIES: [&str; 2] = ["NAVI21", "VEGA20"];

/// The argument that makes a process a child of this module.
pub const CHILD: &str = "--radv-child";

/// What the compiler says of a shader.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    pub vgprs: u64,
    pub sgprs: u64,
    /// Registers of both kinds that are kept in memory.
    pub spills: u64,
    /// Bytes of memory that an invocation has for spills and arrays.
    pub scratch_bytes: u64,
    /// Bytes of workgroup memory.
    pub lds_bytes: u64,
    /// Subgroups that a SIMD can hold at a time.
    pub occupancy: u64,
    pub instructions: u64,
    /// Modelled, in cycles of an invocation's way through the shader; loops count some times.
    pub latency: u64,
    /// Modelled, in cycles.
    pub inverse_throughput: u64,
}

/// What a family's process prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compiled {
    /// `Mesa 22.3.6-1`
    pub driver: String,
    /// By the name of the shader.
    pub shaders: BTreeMap<String, Statistics>,
}

/// All shaders with these texts in their names, for every family: one process each, at the same time.
pub fn compiled(wanted: &[String]) -> Result<BTreeMap<&'static str, Compiled>, Error> {
    let icd = icd().ok_or_else(|| Error::NoRadv("no radeon_icd*.json in /usr/share/vulkan/icd.d".into()))?;
    let program = std::env::current_exe().map_err(Error::Io)?;
    let start = |family| {
        let mut command = Command::new(&program);
        command.arg(CHILD).args(wanted).env("VK_ICD_FILENAMES", &icd).env("RADV_FORCE_FAMILY", family);
        command.env("MESA_SHADER_CACHE_DISABLE", "true").stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok((family, command.spawn().map_err(Error::Io)?))
    };
    let children = FAMILIES.into_iter().map(start).collect::<Result<Vec<_>, Error>>()?;
    children.into_iter().map(|(family, child)| Ok((family, finished(family, child)?))).collect()
}

fn finished(family: &str, child: Child) -> Result<Compiled, Error> {
    let output = child.wait_with_output().map_err(Error::Io)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(Error::NoRadv(format!("{family}: {}", message.trim())));
    }
    serde_json::from_slice(&output.stdout).map_err(Error::Json)
}

fn icd() -> Option<PathBuf> {
    let named = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("radeon_icd"))
    };
    let folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    folders
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .flatten()
        .map(|file| file.path())
        .find(named)
}

/// A child: compiles and prints [`Compiled`] as JSON.
pub fn child(wanted: &[String]) -> ExitCode {
    let outcome = Gpu::open().and_then(|gpu| {
        let shaders = crate::report::wanted_shaders(wanted);
        let compile = |shader: &ShaderText| {
            let statistics = gpu.compile(shader).map_err(|error| format!("{}: {error}", shader.name()))?;
            Ok((shader.name(), statistics))
        };
        let shaders = shaders.iter().map(compile).collect::<Result<_, String>>()?;
        serde_json::to_string(&Compiled { driver: gpu.driver.clone(), shaders })
            .map_err(|error| error.to_string())
    });
    match outcome {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// RADV on null hardware.
struct Gpu {
    driver: String,
    statistics: ash::khr::pipeline_executable_properties::Device,
    device: Device,
    instance: Instance,
    /// Keeps the loader in memory.
    _entry: Entry,
}

impl Gpu {
    fn open() -> Result<Self, String> {
        // SAFETY: Vulkan's loader is sound to load and unload; `_entry` outlives all that comes from it.
        let entry = unsafe { Entry::load() }.map_err(|error| format!("no Vulkan loader: {error}"))?;
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_2);
        let create = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: what the structure points to lives until the end of the call.
        let instance =
            unsafe { entry.create_instance(&create, None) }.map_err(|e| format!("no instance: {e}"))?;
        // SAFETY: the instance is alive, as in all calls below.
        let gpus = unsafe { instance.enumerate_physical_devices() }.map_err(|e| format!("no GPU: {e}"))?;
        let gpu = *gpus.first().ok_or("no GPU")?;
        let driver = driver(&instance, gpu)?;
        let device = device(&instance, gpu).map_err(|error| format!("no device: {error}"))?;
        let statistics = ash::khr::pipeline_executable_properties::Device::new(&instance, &device);
        Ok(Self { driver, statistics, device, instance, _entry: entry })
    }

    fn compile(&self, shader: &ShaderText) -> Result<Statistics, String> {
        let translated = Translated::new(shader).map_err(|error| error.to_string())?;
        let words = translated.spir_v().map_err(|error| error.to_string())?;
        let entry = CString::new(shader.entry).map_err(|error| error.to_string())?;
        let storage =
            (0..shader.bindings.len() as u32).map(|binding| (binding, vk::DescriptorType::STORAGE_BUFFER));
        let groups = [storage.collect::<Vec<_>>(), vec![(0, vk::DescriptorType::UNIFORM_BUFFER)]];
        let found = self.pipeline_statistics(&words, &entry, &groups).map_err(|error| format!("{error}"))?;
        statistics(&found).ok_or_else(|| format!("the driver does not tell what is asked: {found:?}"))
    }

    /// Every statistic that the driver has. Objects are not destroyed after an error: the process ends.
    fn pipeline_statistics(
        &self,
        words: &[u32],
        entry: &CStr,
        groups: &[Vec<(u32, vk::DescriptorType)>],
    ) -> Result<BTreeMap<String, u64>, vk::Result> {
        let device = &self.device;
        let create = vk::ShaderModuleCreateInfo::default().code(words);
        // SAFETY: the words are naga's SPIR-V of a validated module.
        let module = unsafe { device.create_shader_module(&create, None) }?;
        let mut sets = Vec::new();
        for group in groups {
            let binding = |&(binding, kind): &(u32, vk::DescriptorType)| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(binding)
                    .descriptor_type(kind)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::COMPUTE)
            };
            let bindings: Vec<_> = group.iter().map(binding).collect();
            let create = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            // SAFETY: `bindings` lives until the end of the call.
            sets.push(unsafe { device.create_descriptor_set_layout(&create, None) }?);
        }
        let create = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
        // SAFETY: the layouts of the sets are alive.
        let layout = unsafe { device.create_pipeline_layout(&create, None) }?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(entry);
        let create = vk::ComputePipelineCreateInfo::default()
            .stage(stage)
            .layout(layout)
            .flags(vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR);
        // SAFETY: module, layout and name are alive, and the layout has what the shader binds.
        let made = unsafe { device.create_compute_pipelines(vk::PipelineCache::null(), &[create], None) };
        let pipeline = made.map_err(|(_, error)| error)?[0];
        let executable = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline).executable_index(0);
        // SAFETY: the pipeline was made to have statistics, and has one executable.
        let found = unsafe { self.statistics.get_pipeline_executable_statistics(&executable) }?;
        // SAFETY: nothing uses these any more, and nothing was submitted.
        unsafe {
            device.destroy_pipeline(pipeline, None);
            device.destroy_pipeline_layout(layout, None);
            sets.into_iter().for_each(|set| device.destroy_descriptor_set_layout(set, None));
            device.destroy_shader_module(module, None);
        }
        Ok(found.iter().map(|statistic| (text(&statistic.name), value(statistic))).collect())
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // SAFETY: all that was made of them is destroyed or never used again.
        unsafe {
            self.device.destroy_device(None);
            self.instance.destroy_instance(None);
        }
    }
}

fn driver(instance: &Instance, gpu: vk::PhysicalDevice) -> Result<String, String> {
    let mut driver = vk::PhysicalDeviceDriverProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
    // SAFETY: the chain lives until the end of the call; Vulkan 1.2 has both structures.
    unsafe { instance.get_physical_device_properties2(gpu, &mut properties) };
    let found = text(&driver.driver_name);
    if driver.driver_id != vk::DriverId::MESA_RADV {
        return Err(format!("the driver is {found}, not RADV"));
    }
    Ok(text(&driver.driver_info))
}

fn device(instance: &Instance, gpu: vk::PhysicalDevice) -> Result<Device, vk::Result> {
    let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(0).queue_priorities(&[1.0])];
    let extensions = [ash::khr::pipeline_executable_properties::NAME.as_ptr()];
    let mut executables =
        vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
    let mut memory_model = vk::PhysicalDeviceVulkanMemoryModelFeatures::default().vulkan_memory_model(true);
    let features = vk::PhysicalDeviceFeatures::default().shader_int64(true);
    let create = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_extension_names(&extensions)
        .enabled_features(&features)
        .push_next(&mut executables)
        .push_next(&mut memory_model);
    // SAFETY: what the structure points to lives until the end of the call; RADV has the extension and the features.
    unsafe { instance.create_device(gpu, &create, None) }
}

fn statistics(found: &BTreeMap<String, u64>) -> Option<Statistics> {
    let get = |name: &str| found.get(name).copied();
    Some(Statistics {
        vgprs: get("VGPRs")?,
        sgprs: get("SGPRs")?,
        spills: get("Spilled SGPRs")? + get("Spilled VGPRs")?,
        scratch_bytes: get("Scratch size")?,
        lds_bytes: get("LDS size")?,
        occupancy: get("Subgroups per SIMD")?,
        instructions: get("Instructions")?,
        latency: get("Latency")?,
        inverse_throughput: get("Inverse Throughput")?,
    })
}

fn value(statistic: &vk::PipelineExecutableStatisticKHR<'_>) -> u64 {
    // SAFETY: all forms of the union are 8 bytes or, for booleans, the first 4 of the zeroed 8.
    unsafe { statistic.value.u64 }
}

/// A fixed array of C's characters up to its first zero.
fn text(characters: &[c_char]) -> String {
    let bytes: Vec<u8> = characters.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
