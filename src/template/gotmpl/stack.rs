//! How much of the thread's stack is used: recursion ends in an error before the stack does.

/// A mark near the bottom of a stack whose size is known.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    base: usize,
    limit: usize,
}

/// What may be used after the last check: a function that walks a value, or the search for the
/// node of an error, which descends as deep as a template is nested.
const RESERVE: usize = 64 << 20;

impl Stack {
    /// Marks where the caller is, on a thread whose stack has `size` bytes left from here.
    pub fn here(size: usize) -> Stack {
        Stack {
            base: position(),
            limit: size.saturating_sub(RESERVE.min(size / 2)),
        }
    }

    /// Whether a recursion has to end here.
    pub fn is_low(self) -> bool {
        self.base.abs_diff(position()) > self.limit
    }
}

/// The address of something on the stack.
#[inline(never)]
fn position() -> usize {
    let local = 0u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}
