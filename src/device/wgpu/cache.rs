//! Drivers' caches of pipelines, kept from run to run.

use super::context::Context;
use crate::files;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// A cache of a driver, and the file that it came from and goes to.
pub(super) struct DiskCache {
    pub(super) cache: wgpu::PipelineCache,
    file: PathBuf,
}

/// Far more than the pipelines of all stages take.
const MAX_BYTES: u64 = 64 << 20;

impl DiskCache {
    /// The cache of an adapter; `None` where its driver has none, or there is no place for it.
    pub(super) fn open(device: &wgpu::Device, info: &wgpu::AdapterInfo) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let file = folder()?.join(wgpu::util::pipeline_cache_key(info)?);
        let data = read(&file);
        let descriptor =
            wgpu::PipelineCacheDescriptor { label: Some("zkwatt"), data: data.as_deref(), fallback: true };
        // SAFETY: the data are what a cache of this adapter gave: the file's name is made from the adapter and its driver,
        // and its digest is that of what was written. The folder is the user's own.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        Some(Self { cache, file })
    }

    /// Keeps what the driver has, if pipelines were made. A cache that cannot be kept costs time only.
    pub(super) fn keep(&self, context: &Context) {
        if context.counters.pipelines.load(Ordering::Relaxed) == 0 || context.check().is_err() {
            return;
        }
        if let (Some(data), Some(folder)) = (self.cache.get_data(), self.file.parent()) {
            let mut framed = Sha256::digest(&data).to_vec();
            framed.extend_from_slice(&data);
            let _ = std::fs::create_dir_all(folder).map(|()| files::write_atomic(&self.file, &framed));
        }
    }
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let framed = files::read_at_most(file, MAX_BYTES).ok()?;
    let (digest, data) = framed.split_at_checked(32)?;
    (Sha256::digest(data).as_slice() == digest).then(|| data.to_vec())
}

/// `ZKWATT_CACHE`, or `zkwatt` where the user's caches are; `ZKWATT_CACHE=` (empty) keeps nothing.
fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ZKWATT_CACHE") {
        return Some(PathBuf::from(named)).filter(|path| !path.as_os_str().is_empty());
    }
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || named("HOME").map(|home| home.join(".cache"));
    Some(named("XDG_CACHE_HOME").or_else(|| named("LOCALAPPDATA")).or_else(home)?.join("zkwatt"))
}
