//! Work of streams, in the order in which it is asked for.
//!
//! Tasks of a context have ascending numbers. A stream runs its tasks in order; a task of the null stream comes after
//! all tasks of blocking streams with lower numbers, and the other way round. A task runs at once, or, if work is
//! deferred, when the host waits for it or for a task that comes after it. The waiting thread runs what it needs. It
//! holds no lock meanwhile, so that other threads wait for the tasks under way at most.

use super::registry::{Context, lock};
use super::status::{ERROR_LAUNCH_TIMEOUT, ERROR_UNKNOWN, Outcome};
use crate::config;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Polls that find work pending before one finds it done.
const POLLS: u32 = 3;

/// A stream within its context.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId {
    pub number: usize,
    /// Whether it synchronises with the null stream.
    pub blocking: bool,
}

impl StreamId {
    pub const NULL: Self = Self { number: 0, blocking: true };

    fn is_ordered_with(self, other: Self) -> bool {
        self != other && self.blocking && other.blocking && (self == Self::NULL || other == Self::NULL)
    }
}

/// Position of an event in a stream.
pub struct Record {
    context: Arc<Context>,
    stream: StreamId,
    number: u64,
    passed: OnceLock<Instant>,
    polls: AtomicU32,
}

impl Record {
    /// When the stream passed the event.
    pub fn time(&self) -> Option<Instant> {
        self.passed.get().copied()
    }

    pub fn wait(&self) {
        self.context.reach(self.stream, self.number, true);
    }

    /// Whether the stream has passed the event; makes it pass after some polls.
    pub fn poll(&self) -> bool {
        self.time().is_some()
            || (self.polls.fetch_add(1, SeqCst) >= POLLS
                && self.context.reach(self.stream, self.number, false))
    }

    fn pass(&self) {
        let _ = self.passed.set(Instant::now());
    }
}

enum Work {
    Run(Box<dyn FnOnce(&Context) + Send>),
    Record(Arc<Record>),
    Wait(Arc<Record>),
}

struct Task {
    number: u64,
    work: Work,
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    /// Number of the task under way.
    running: Option<u64>,
    polls: u32,
}

impl Queue {
    /// Number of the first task that is not done.
    fn first(&self) -> Option<u64> {
        self.running.or_else(|| self.tasks.front().map(|task| task.number))
    }
}

#[derive(Default)]
struct State {
    /// Number of the latest task.
    last: u64,
    /// Of streams that have tasks.
    queues: BTreeMap<StreamId, Queue>,
    /// Tasks from this one on never run.
    hung_from: Option<u64>,
}

/// What a thread that needs a task has to do next.
enum Step {
    Nothing,
    /// Another thread runs a task of the stream.
    Await,
    Hang,
    Reach(StreamId, u64),
    Pass(Arc<Record>),
    Run(Task),
}

impl State {
    fn step(&mut self, stream: StreamId, upto: u64) -> Step {
        let Some(queue) = self.queues.get(&stream) else { return Step::Nothing };
        let Some(number) = queue.first().filter(|&number| number <= upto) else { return Step::Nothing };
        if queue.running.is_some() {
            return Step::Await;
        }
        if self.hung_from.is_some_and(|from| number >= from) {
            return Step::Hang;
        }
        let earlier = |(id, queue): (&StreamId, &Queue)| {
            let needed = id.is_ordered_with(stream) && queue.first().is_some_and(|first| first < number);
            needed.then_some(*id)
        };
        if let Some(other) = self.queues.iter().find_map(earlier) {
            return Step::Reach(other, number - 1);
        }
        let Some(queue) = self.queues.get_mut(&stream) else { return Step::Nothing };
        match queue.tasks.front() {
            Some(Task { work: Work::Wait(record), .. }) if record.time().is_none() => {
                Step::Pass(Arc::clone(record))
            }
            _ => {
                queue.running = Some(number);
                queue.tasks.pop_front().map_or(Step::Nothing, Step::Run)
            }
        }
    }
}

/// Work of a context that is not done.
#[derive(Default)]
pub struct Queues {
    state: Mutex<State>,
    changed: Condvar,
}

impl Context {
    /// Whether work may wait beyond the call that asks for it.
    pub fn defers(&self) -> bool {
        config::get().defer || lock(&self.queues.state).hung_from.is_some()
    }

    /// Appends work to a stream; its number.
    pub fn submit(&self, stream: StreamId, work: impl FnOnce(&Self) + Send + 'static) -> Outcome<u64> {
        self.push(stream, |_| Work::Run(Box::new(work)))
    }

    /// Records an event.
    pub fn record(self: &Arc<Self>, stream: StreamId) -> Outcome<Arc<Record>> {
        let mut made = None;
        self.push(stream, |number| {
            let (context, passed, polls) = (Arc::clone(self), OnceLock::new(), AtomicU32::new(0));
            let record = Arc::new(Record { context, stream, number, passed, polls });
            Work::Record(Arc::clone(made.insert(record)))
        })?;
        made.ok_or(ERROR_UNKNOWN)
    }

    /// Makes a stream wait for a recorded event.
    pub fn wait_for(&self, stream: StreamId, record: Arc<Record>) -> Outcome<()> {
        self.push(stream, |_| Work::Wait(record)).map(drop)
    }

    fn push(&self, stream: StreamId, make: impl FnOnce(u64) -> Work) -> Outcome<u64> {
        let number = {
            let mut state = lock(&self.queues.state);
            state.last += 1;
            let number = state.last;
            let task = Task { number, work: make(number) };
            state.queues.entry(stream).or_default().tasks.push_back(task);
            number
        };
        if self.defers() { Ok(number) } else { self.wait(stream, number).map(|()| number) }
    }

    /// Waits for a task.
    pub fn wait(&self, stream: StreamId, number: u64) -> Outcome<()> {
        self.reach(stream, number, true);
        self.check()
    }

    /// Waits for all tasks of a stream.
    pub fn drain(&self, stream: StreamId) -> Outcome<()> {
        let last = lock(&self.queues.state).last;
        self.wait(stream, last)
    }

    /// Waits for all tasks.
    pub fn drain_all(&self) -> Outcome<()> {
        let (streams, last) = {
            let state = lock(&self.queues.state);
            (state.queues.keys().copied().collect::<Vec<_>>(), state.last)
        };
        streams.into_iter().try_for_each(|stream| self.wait(stream, last))
    }

    /// Whether a stream has nothing to do; makes it so after some polls.
    pub fn poll(&self, stream: StreamId) -> bool {
        let last = {
            let mut state = lock(&self.queues.state);
            let last = state.last;
            let Some(queue) = state.queues.get_mut(&stream) else { return true };
            queue.polls += 1;
            if queue.polls <= POLLS {
                return false;
            }
            last
        };
        self.reach(stream, last, false)
    }

    /// Tasks from the next one on never run.
    pub fn hang(&self) {
        let mut state = lock(&self.queues.state);
        let next = state.last + 1;
        state.hung_from.get_or_insert(next);
    }

    /// Drops all tasks that are not under way: a fault has struck the context, or it ends.
    pub fn discard(&self) {
        let mut dropped = Vec::new();
        lock(&self.queues.state).queues.retain(|_, queue| {
            dropped.extend(queue.tasks.drain(..));
            queue.running.is_some()
        });
        for task in dropped {
            if let Work::Record(record) = task.work {
                record.pass();
            }
        }
        self.queues.changed.notify_all();
    }

    /// Runs the tasks of a stream up to a number, and before them what they need. False if that takes more
    /// `patience` than there is: another thread is at it, or it hangs.
    fn reach(&self, stream: StreamId, upto: u64, patience: bool) -> bool {
        let mut deadline = None;
        loop {
            if self.check().is_err() {
                self.discard();
            }
            let mut state = lock(&self.queues.state);
            match state.step(stream, upto) {
                Step::Nothing => return true,
                Step::Await | Step::Hang if !patience => return false,
                Step::Await => drop(self.sleep(state, Duration::from_secs(1))),
                Step::Hang => self.hold(state, &mut deadline),
                Step::Reach(other, number) => {
                    drop(state);
                    if !self.reach(other, number, patience) {
                        return false;
                    }
                }
                Step::Pass(record) => {
                    drop(state);
                    if !record.context.reach(record.stream, record.number, patience) {
                        return false;
                    }
                }
                Step::Run(task) => {
                    drop(state);
                    self.run(stream, task);
                }
            }
        }
    }

    fn sleep<'s>(&self, state: MutexGuard<'s, State>, most: Duration) -> MutexGuard<'s, State> {
        self.queues.changed.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits for what never ends, until the time limit of launches has passed.
    fn hold(&self, state: MutexGuard<'_, State>, deadline: &mut Option<Instant>) {
        let limit = Duration::from_secs(config::get().timeout);
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + limit);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            drop(state);
            self.stick(ERROR_LAUNCH_TIMEOUT);
        } else {
            drop(self.sleep(state, left));
        }
    }

    fn run(&self, stream: StreamId, task: Task) {
        match task.work {
            Work::Run(work) => {
                if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
                    self.stick(ERROR_UNKNOWN);
                }
            }
            Work::Record(record) => record.pass(),
            Work::Wait(_) => {}
        }
        let mut state = lock(&self.queues.state);
        if let Some(queue) = state.queues.get_mut(&stream) {
            queue.running = None;
            if queue.tasks.is_empty() {
                state.queues.remove(&stream);
            }
        }
        drop(state);
        self.queues.changed.notify_all();
    }
}
