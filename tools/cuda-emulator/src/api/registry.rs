//! Objects behind handles.

use super::queue::{Queues, Record};
use super::status::{
    ERROR_CONTEXT_IS_DESTROYED, ERROR_INVALID_HANDLE, ERROR_INVALID_VALUE, ERROR_OUT_OF_MEMORY, Outcome,
    Status,
};
use crate::config;
use crate::memory::{ALIGNMENT, Allocation, RED_ZONE, Snapshot};
use crate::program::{Kernel, Program};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// Locks, whatever became of other threads.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ranges of freed memory that reports can name.
const FREED: usize = 4096;

pub struct Context {
    pub device: i32,
    pub primary: bool,
    /// What every later call returns after a fault.
    pub sticky: Mutex<Option<Status>>,
    pub destroyed: AtomicBool,
    pub queues: Queues,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    allocations: BTreeMap<u64, Arc<Allocation>>,
    /// Bases of allocations that a stream is to make, and to free.
    absent: HashSet<u64>,
    doomed: HashSet<u64>,
    freed: Arc<Vec<(u64, u64)>>,
    /// Made at the first launch after a change.
    snapshot: Option<Arc<Snapshot>>,
}

pub struct Module {
    pub context: Arc<Context>,
    pub program: Arc<Program>,
    pub addresses: Vec<u64>,
    /// Handles of functions that have been asked for.
    pub functions: Mutex<HashMap<String, usize>>,
}

pub struct Function {
    pub module: Arc<Module>,
    pub kernel: usize,
    pub dynamic_shared: AtomicU32,
}

impl Function {
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.module.program.kernels[self.kernel]
    }
}

pub struct Event {
    pub context: Arc<Context>,
    pub timed: bool,
    /// Its latest record.
    pub latest: Mutex<Option<Arc<Record>>>,
}

pub struct Stream {
    pub context: Arc<Context>,
    /// Whether it synchronises with the null stream.
    pub blocking: bool,
}

#[derive(Clone)]
pub enum Object {
    Context(Arc<Context>),
    Module(Arc<Module>),
    Function(Arc<Function>),
    Event(Arc<Event>),
    Stream(Arc<Stream>),
}

impl Object {
    fn belongs_to(&self, context: &Arc<Context>) -> bool {
        match self {
            Self::Context(_) => false,
            Self::Module(module) => Arc::ptr_eq(&module.context, context),
            Self::Function(function) => Arc::ptr_eq(&function.module.context, context),
            Self::Event(event) => Arc::ptr_eq(&event.context, context),
            Self::Stream(stream) => Arc::ptr_eq(&stream.context, context),
        }
    }
}

struct Registry {
    objects: HashMap<usize, Object>,
    next: usize,
}

/// Handles begin where no small number or address of the host is.
static REGISTRY: LazyLock<Mutex<Registry>> =
    LazyLock::new(|| Mutex::new(Registry { objects: HashMap::new(), next: 0x00cd_0000_0000_0010 }));

/// Gives an object a handle.
pub fn add(object: Object) -> usize {
    let mut registry = lock(&REGISTRY);
    let handle = registry.next;
    registry.next += 0x10;
    registry.objects.insert(handle, object);
    handle
}

pub fn find(handle: usize) -> Option<Object> {
    lock(&REGISTRY).objects.get(&handle).cloned()
}

pub fn remove(handle: usize) -> Option<Object> {
    lock(&REGISTRY).objects.remove(&handle)
}

/// Removes all that belongs to a context.
pub fn remove_all(context: &Arc<Context>) {
    lock(&REGISTRY).objects.retain(|_, object| !object.belongs_to(context));
}

macro_rules! finders {
    ($($name:ident $variant:ident $ty:ty;)*) => {
        $(pub fn $name(handle: usize) -> Outcome<Arc<$ty>> {
            match find(handle) {
                Some(Object::$variant(found)) => Ok(found),
                _ => Err(ERROR_INVALID_HANDLE),
            }
        })*
    };
}

finders! {
    module Module Module;
    function Function Function;
    event Event Event;
    stream Stream Stream;
}

/// Bytes in use per device.
static USED: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];
/// Next unused device address; beyond 4 GiB, so that truncated addresses lead nowhere.
static ADDRESS: AtomicU64 = AtomicU64::new(0x7_0000_0000);

pub fn used(device: i32) -> u64 {
    USED[device as usize].load(SeqCst)
}

impl Context {
    pub fn new(device: i32, primary: bool) -> Self {
        Self {
            device,
            primary,
            sticky: Mutex::new(None),
            destroyed: AtomicBool::new(false),
            queues: Queues::default(),
            memory: Mutex::default(),
        }
    }

    pub fn check(&self) -> Outcome<()> {
        if self.destroyed.load(SeqCst) {
            return Err(ERROR_CONTEXT_IS_DESTROYED);
        }
        lock(&self.sticky).map_or(Ok(()), Err)
    }

    /// Makes the context fail from now on.
    pub fn stick(&self, status: Status) -> Status {
        *lock(&self.sticky).get_or_insert(status)
    }

    /// Allocates device memory.
    pub fn allocate(&self, len: u64, align: u64, name: Option<&str>, constant: bool) -> Outcome<u64> {
        let config = config::get();
        let counter = &USED[self.device as usize];
        let fits = |used: u64| used.checked_add(len).filter(|&sum| sum <= config.memory);
        counter.fetch_update(SeqCst, SeqCst, fits).map_err(|_| ERROR_OUT_OF_MEMORY)?;
        let align = align.max(ALIGNMENT);
        let span = len.next_multiple_of(ALIGNMENT) + RED_ZONE + align;
        let base = ADDRESS.fetch_add(span, SeqCst).next_multiple_of(align);
        let name = name
            .map_or_else(|| format!("the allocation at {base:#x}"), |name| format!("the variable {name}"));
        let mut allocation = Allocation::new(base, len, config.poison, name);
        allocation.constant = constant;
        let mut memory = lock(&self.memory);
        memory.snapshot = None;
        memory.allocations.insert(base, Arc::new(allocation));
        Ok(base)
    }

    /// Frees an allocation by its first address.
    pub fn free(&self, base: u64) -> Outcome<()> {
        let mut memory = lock(&self.memory);
        let gone = memory.allocations.remove(&base).ok_or(ERROR_INVALID_VALUE)?;
        memory.absent.remove(&base);
        memory.doomed.remove(&base);
        USED[self.device as usize].fetch_sub(gone.len, SeqCst);
        memory.snapshot = None;
        let freed = Arc::make_mut(&mut memory.freed);
        if freed.len() >= FREED {
            freed.remove(0);
        }
        freed.push((gone.base, gone.len));
        Ok(())
    }

    /// Puts off an allocation until its stream gets there.
    pub fn put_off(&self, base: u64) {
        let mut memory = lock(&self.memory);
        memory.absent.insert(base);
        memory.snapshot = None;
    }

    /// Makes an allocation that was put off.
    pub fn commit(&self, base: u64) {
        let mut memory = lock(&self.memory);
        memory.absent.remove(&base);
        memory.snapshot = None;
    }

    /// Marks an allocation as one that a stream is to free.
    pub fn doom(&self, base: u64) -> Outcome<()> {
        let mut memory = lock(&self.memory);
        let known = memory.allocations.contains_key(&base) && memory.doomed.insert(base);
        if known { Ok(()) } else { Err(ERROR_INVALID_VALUE) }
    }

    /// As [`Context::locate`], for a task that runs: None if the memory is not there.
    pub fn present(&self, address: u64, bytes: u64) -> Option<(Arc<Allocation>, u64)> {
        let found = self.locate(address, bytes).ok()?;
        (!lock(&self.memory).absent.contains(&found.0.base)).then_some(found)
    }

    /// The allocation that holds `[address, address + bytes)`, and the offset in it.
    pub fn locate(&self, address: u64, bytes: u64) -> Outcome<(Arc<Allocation>, u64)> {
        let memory = lock(&self.memory);
        let (_, found) = memory.allocations.range(..=address).next_back().ok_or(ERROR_INVALID_VALUE)?;
        let offset = address - found.base;
        if offset > found.len || bytes > found.len - offset {
            return Err(ERROR_INVALID_VALUE);
        }
        Ok((Arc::clone(found), offset))
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        let mut memory = lock(&self.memory);
        if let Some(found) = &memory.snapshot {
            return Arc::clone(found);
        }
        let there = |allocation: &&Arc<Allocation>| !memory.absent.contains(&allocation.base);
        let allocations = memory.allocations.values().filter(there).cloned().collect();
        let made = Arc::new(Snapshot { allocations, freed: Arc::clone(&memory.freed) });
        memory.snapshot = Some(Arc::clone(&made));
        made
    }

    /// Frees everything.
    pub fn clear(&self) {
        let mut memory = lock(&self.memory);
        let bytes: u64 = memory.allocations.values().map(|allocation| allocation.len).sum();
        USED[self.device as usize].fetch_sub(bytes, SeqCst);
        *memory = Memory::default();
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        self.clear();
    }
}
