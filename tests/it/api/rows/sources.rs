//! Task records, data sources, servers, monitor and worker groups.

use super::case::Row;

pub fn rows() -> Vec<Row> {
    Vec::new()
}
