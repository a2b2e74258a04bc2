//! Data sources: the document that the tables keep of each (`EasyScheduler 1.0.1: data source documents`), and whether
//! what it describes can be connected.
//!
//! A [`Target`] is what somebody has typed in, without the password; a [`Document`] is the JSON of the table, whose
//! password is sealed, or clear text where the original has left it. Neither rows nor keys are known here.

mod document;
mod misfit;
mod options;
mod target;
mod trial;
mod trouble;

pub use document::{Document, MASK};
pub use misfit::Misfit;
pub use options::Options;
pub use target::Target;
pub use trial::try_out;
pub use trouble::Trouble;
