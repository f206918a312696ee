//! The two threads of a render: one executes the templates, the other parses half of them before, and reads what
//! they make meanwhile.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};

use super::parse::{FindFunction, ParsedText, parse};
use super::report::RenderError;
use super::stack::Stack;

/// The stack of a render; only what is used of it is ever taken.
const STACK_SIZE: usize = 512 << 20;

/// What of the caller's own stack is surely left: a thread has 2 MiB or more.
const SMALL_STACK: usize = 1 << 20;

/// How much text is handed over at once, in bytes: to wake the other thread costs as much as reading some of it.
const BATCH: usize = 8 << 10;

/// From how much text on its half is given away, in bytes.
const WORTH_SHARING: usize = 32 << 10;

type Result<T> = std::result::Result<T, Box<RenderError>>;

/// The name of a template file, and its text.
pub(super) type Text<'c> = (String, &'c str);

/// What is to be done beside the execution.
enum Task<'c> {
    /// To parse files.
    Parse(Vec<Text<'c>>),
    /// To read what templates made, with their names.
    Read(Vec<(String, String)>),
}

/// What the executing thread shares its work with.
pub(super) struct Beside<'h, 'c, T> {
    functions: FindFunction<'h>,
    tasks: Option<Sender<Task<'c>>>,
    queue: &'h Mutex<Receiver<Task<'c>>>,
    /// What the other thread parsed, nothing where it could not; `None` where there is no other thread.
    parsed: Option<Receiver<Option<Vec<ParsedText>>>>,
    read: &'h (dyn Fn(String, String) -> T + Sync),
    batch: Vec<(String, String)>,
    size: usize,
    done: Vec<T>,
}

impl<'c, T> Beside<'_, 'c, T> {
    /// Parses files, of many the second half on the other thread.
    ///
    /// # Errors
    /// That of the first file that is no template.
    pub(super) fn parse(&self, files: &[Text<'c>], stack: Stack) -> Result<Vec<ParsedText>> {
        let total: usize = files.iter().map(|(_, text)| text.len()).sum();
        let mut before = 0;
        let half = files.iter().position(|(_, text)| {
            before += text.len();
            before > total / 2
        });
        let half = half.filter(|_| total > WORTH_SHARING);
        let (Some(half), Some(tasks), Some(parsed)) = (half, &self.tasks, &self.parsed) else {
            return parse_all(files, self.functions, stack);
        };
        let (first, second) = files.split_at(half);
        let _ = tasks.send(Task::Parse(second.to_vec()));
        let mut all = parse_all(first, self.functions, stack)?;
        match parsed.recv() {
            Ok(Some(more)) => all.extend(more),
            // It fails here as well, or needs the larger stack.
            _ => all.extend(parse_all(second, self.functions, stack)?),
        }
        Ok(all)
    }

    /// Gives what a template made to be read.
    pub(super) fn push(&mut self, name: String, text: String) {
        self.size += text.len();
        self.batch.push((name, text));
        if self.size >= BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        self.size = 0;
        if let Some(tasks) = &self.tasks {
            let _ = tasks.send(Task::Read(std::mem::take(&mut self.batch)));
        }
    }

    /// After the last template: helps the other thread to read what is left.
    pub(super) fn finish(&mut self) {
        self.send();
        self.tasks = None;
        while let Some(Task::Read(batch)) = next(self.queue) {
            let read = batch
                .into_iter()
                .map(|(name, text)| (self.read)(name, text));
            self.done.extend(read);
        }
    }
}

/// The next task; `None` after the last.
fn next<'c>(queue: &Mutex<Receiver<Task<'c>>>) -> Option<Task<'c>> {
    let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.recv().ok()
}

fn parse_all(
    files: &[Text<'_>],
    functions: FindFunction<'_>,
    stack: Stack,
) -> Result<Vec<ParsedText>> {
    let parsed = files.iter().map(|(name, text)| {
        let parsed = parse(name, text, functions, stack);
        parsed.map_err(|err| Box::new(RenderError::parse(&err, text)))
    });
    parsed.collect()
}

/// Does `work` on a thread with a stack for deep templates. What it makes is read on both threads; gives what `read`
/// gave, in no order.
///
/// # Errors
/// That of the work.
pub(super) fn share<'c, T: Send, R: Send>(
    functions: FindFunction<'_>,
    read: &(impl Fn(String, String) -> T + Sync),
    work: impl Fn(Stack, &mut Beside<'_, 'c, T>) -> Result<R> + Sync,
) -> Result<(R, Vec<T>)> {
    let (tasks, queue) = mpsc::channel();
    let (answers, parsed) = mpsc::channel();
    let queue = Mutex::new(queue);
    // They go to the thread, and end with it.
    let ends = Mutex::new(Some((tasks, parsed)));
    let mut done = Vec::new();
    let (result, more) = on_large_stack(
        |stack, is_alone| {
            let ends = ends.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (tasks, parsed) = ends.unzip();
            let mut beside = Beside {
                functions,
                tasks,
                queue: &queue,
                parsed: parsed.filter(|_| !is_alone),
                read,
                batch: Vec::new(),
                size: 0,
                done: Vec::new(),
            };
            let result = work(stack, &mut beside)?;
            Ok((result, beside.done))
        },
        || {
            while let Some(task) = next(&queue) {
                match task {
                    Task::Parse(files) => {
                        let parsed = parse_all(&files, functions, Stack::here(SMALL_STACK));
                        let _ = answers.send(parsed.ok());
                    }
                    Task::Read(batch) => {
                        done.extend(batch.into_iter().map(|(name, text)| read(name, text)));
                    }
                }
            }
        },
    )?;
    done.extend(more);
    Ok((result, done))
}

/// Does something on a thread with a stack for deep templates, and `beside` on this one. Where there is no such thread
/// the work is told so, and done before.
///
/// # Errors
/// That of the work.
pub(super) fn on_large_stack<T: Send>(
    work: impl Fn(Stack, bool) -> Result<T> + Sync,
    mut beside: impl FnMut(),
) -> Result<T> {
    let work = &work;
    std::thread::scope(|scope| {
        for size in [STACK_SIZE, STACK_SIZE / 8] {
            let thread = std::thread::Builder::new().stack_size(size);
            // the system may not grant so large a stack
            if let Ok(thread) = thread.spawn_scoped(scope, move || work(Stack::here(size), false)) {
                beside();
                return thread
                    .join()
                    .unwrap_or_else(|_| Err(Box::new(RenderError::bug())));
            }
        }
        let done = work(Stack::here(SMALL_STACK), true);
        beside();
        done
    })
}
