//! How much of the thread's stack is used: recursion ends in an error before the stack does.

/// A mark near the bottom of a stack whose size is known.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    base: usize,
    limit: usize,
}

/// What one step of a recursion, and a function called from it, may need.
const RESERVE: usize = 1 << 20;

impl Stack {
    /// Marks where the caller is, on a thread whose stack has `size` bytes left from here.
    pub fn here(size: usize) -> Stack {
        Stack {
            base: position(),
            limit: size.saturating_sub(RESERVE),
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
