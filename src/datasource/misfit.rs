//! What somebody has typed in and no data source can be made of.

use crate::model::DbType;

/// Each completes "… is not valid: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("`{0}` is no name or address of a host")]
    Host(String),
    #[error("{0} takes one host")]
    ManyHosts(DbType),
    #[error("it is no JSON object such as {{\"useSSL\":\"true\"}}")]
    NoObject,
    #[error("the value of `{0}` is no plain text")]
    NoText(String),
    #[error("the option `{name}` cannot be written as a part of `k=v{separator}k=v`")]
    Unwritable { name: String, separator: &'static str },
}
