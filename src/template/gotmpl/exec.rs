//! Execution of parsed templates.

use super::func::FuncError;
use super::value::Val;
use std::marker::PhantomData;

/// What a function may ask of the render it is called from.
pub struct Ctx<'e> {
    options: &'e Options,
    /// Bytes that functions may still make.
    memory: usize,
    engine: PhantomData<&'e ()>,
}

/// Reads objects of a cluster for `lookup`: apiVersion, kind, namespace, name (empty: a list).
pub type LookupHook<'e> =
    dyn Fn(&str, &str, &str, &str) -> Result<crate::yaml::Value, String> + Send + Sync + 'e;

/// What a render may do.
#[derive(Default)]
pub struct Options {
    /// A missing key is an error, as with `lint --strict`.
    pub strict: bool,
    /// `required` and `fail` only warn, as in `lint`.
    pub lint: bool,
    /// `getHostByName` may ask the network.
    pub enable_dns: bool,
    /// Where `lookup` looks; without it, it finds nothing.
    pub lookup: Option<Box<LookupHook<'static>>>,
}

impl Ctx<'_> {
    /// What this render may do.
    pub fn options(&self) -> &Options {
        self.options
    }

    /// Counts memory that a function is about to use, before it does; call it wherever the size
    /// of the result is not bounded by that of the arguments (`repeat`, `until`, `indent`, …).
    ///
    /// # Errors
    /// [`FuncError::Limit`] when the render has used what it may.
    pub fn charge(&mut self, bytes: usize) -> Result<(), FuncError> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(FuncError::Limit(
                "the template uses more memory than a render may".to_string(),
            )),
        }
    }

    /// Go's `fmt.Sprintf`.
    pub fn sprintf(&mut self, format: &str, args: &[Val]) -> String {
        let _ = (format, args);
        String::new()
    }
}
