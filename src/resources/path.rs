//! Where a file lies in the storage.

use super::Error;
use crate::model::ResourceType;
use crate::store::{ChangeId, Resource};

/// The path of a resource's file.
pub(super) fn of(resource: &Resource) -> Result<String, Error> {
    at(resource.kind, &resource.tenant, &resource.alias)
}

/// The path of a file of that kind and name in a tenant's folder.
pub(super) fn at(kind: ResourceType, tenant: &str, name: &str) -> Result<String, Error> {
    Ok(format!("{}/{}", folder(kind, tenant)?, plain(name)?))
}

/// The path of a file that is still being written. No resource has such a name.
pub(super) fn unfinished(kind: ResourceType, tenant: &str, change: ChangeId) -> Result<String, Error> {
    Ok(format!("{}/.change-{change}", folder(kind, tenant)?))
}

fn folder(kind: ResourceType, tenant: &str) -> Result<String, Error> {
    let folder = match kind {
        ResourceType::File => "resources",
        ResourceType::Udf => "udfs",
    };
    Ok(format!("{}/{folder}", plain(tenant)?))
}

/// Rows that others have written may hold anything.
fn plain(part: &str) -> Result<&str, Error> {
    let fits = !matches!(part, "" | "." | "..") && part.trim() == part && !part.contains(['/', '\\', '\0', '\n']);
    if fits { Ok(part) } else { Err(Error::Storage(format!("{part:?} cannot be part of a path"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_where_easyscheduler_keeps_them() {
        assert_eq!(at(ResourceType::File, "etl", "load.sh").unwrap(), "etl/resources/load.sh");
        assert_eq!(at(ResourceType::Udf, "etl", "geo.jar").unwrap(), "etl/udfs/geo.jar");
    }

    #[test]
    fn nothing_that_a_row_holds_leads_elsewhere() {
        for part in ["", ".", "..", "a/b", "../../etc", "a\\b", "a\0", " a"] {
            assert!(at(ResourceType::File, part, "x").is_err(), "{part:?}");
            assert!(at(ResourceType::File, "etl", part).is_err(), "{part:?}");
        }
    }
}
