//! Structs and pointers to structs, seen through their fields and methods.

use std::any::Any;

use super::{Kind, MarshalError, Val};
use crate::template::gotmpl::func::Func;
use crate::yaml::Value;

/// A Go struct, or a pointer to one, as a template sees it.
pub trait Object: 'static {
    /// Go's name of the type, for instance `*semver.Version`.
    fn type_name(&self) -> &'static str;

    /// `Kind::Struct`, or `Kind::Ptr` for a pointer to a struct.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// An exported field.
    fn field(&self, name: &str) -> Option<Val> {
        self.fields()
            .into_iter()
            .find_map(|(field, value)| (field == name).then_some(value))
    }

    /// All fields in the order of their declaration, for printing; unexported ones too.
    fn fields(&self) -> Vec<(&'static str, Val)> {
        Vec::new()
    }

    /// An exported method; the receiver comes to it as its first argument.
    fn method(&self, _name: &str) -> Option<&'static Func> {
        None
    }

    /// What `String()` answers, where the type has it.
    fn string(&self) -> Option<String> {
        None
    }

    /// What an action that is only this value prints: for a struct that Go can take the address
    /// of, the `String()` of its pointer. Functions get a copy, which prints its fields.
    fn printed(&self) -> Option<String> {
        self.string()
    }

    /// What a function gets for it, where that is not the value itself: a struct is copied, and
    /// the copy has no methods of its pointer.
    fn copied(&self) -> Option<Val> {
        None
    }

    /// What `encoding/json` makes of it; an object of the fields unless told otherwise.
    ///
    /// # Errors
    /// The text of Go's error, where Go's marshalling fails.
    fn json(&self) -> Result<Value, MarshalError> {
        let fields = self.fields().into_iter();
        let fields = fields.map(|(name, value)| Ok((name.to_string(), value.to_yaml()?)));
        Ok(Value::Object(fields.collect::<Result<_, MarshalError>>()?))
    }

    /// Go's `==` between two values of this type; pointers are equal when they are the same.
    fn equals(&self, _other: &dyn Object) -> bool {
        false
    }

    /// The concrete type, for functions that take it as an argument.
    fn as_any(&self) -> &dyn Any;
}
