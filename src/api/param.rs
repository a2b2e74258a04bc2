//! What a route takes, declared: name, kind, whether it must be there, and what it is for. The documentation of the
//! API is made from this, and a [`super::form::Form`] hands out nothing else.

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether a request without it is refused with HTTP 400.
    pub required: bool,
    /// What a number means that is not there, and the smallest that is taken.
    pub default: Option<i32>,
    pub least: Option<i32>,
    /// One plain sentence.
    pub about: &'static str,
}

/// All parameters of a route.
pub type Params = &'static [Param];

/// What the text of a parameter must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number of 32 bits.
    Int,
    /// `true` or `false`.
    Bool,
    /// A text of at most so many characters.
    Text(usize),
    /// A text of any length.
    AnyText,
    /// A password of at most so many characters.
    Secret(usize),
    /// One of these names.
    OneOf(&'static [&'static str]),
    /// `yyyy-MM-dd HH:mm:ss` in the zone of the server.
    Date,
    /// JSON text.
    Json,
    /// Ids with commas between them; none is allowed.
    Ids,
    /// The content of a file, in a part of a multipart request.
    File,
}

/// One that must be there.
pub const fn need(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, kind, required: true, default: None, least: None, about }
}

/// One that may be missing.
pub const fn may(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param { name, kind, required: false, default: None, least: None, about }
}

impl Param {
    /// Not there is the same as this number.
    pub const fn or(self, default: i32) -> Param {
        Param { default: Some(default), ..self }
    }

    /// No smaller number is taken.
    pub const fn at_least(self, least: i32) -> Param {
        Param { least: Some(least), ..self }
    }
}

/// The longest text to search for; no name is longer.
pub const LONGEST_SEARCH: usize = 255;

pub const PAGE_NO: Param = need("pageNo", Kind::Int, "The number of the page, from 1.").at_least(1);
pub const PAGE_SIZE: Param = need("pageSize", Kind::Int, "How many rows a page has.").at_least(1);
pub const SEARCH: Param =
    may("searchVal", Kind::Text(LONGEST_SEARCH), "What the name must contain; empty means every row.");

/// The parameters of a plain list with pages.
pub const PAGE: Params = &[PAGE_NO, PAGE_SIZE, SEARCH];
