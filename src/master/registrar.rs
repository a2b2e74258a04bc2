//! What any master does for a worker at the database.

use crate::calls::{Beat, Failure, Registrar, SignIn, Standing};
use crate::store::{Error, Records};
use async_trait::async_trait;
use std::sync::Arc;

/// Signs workers in and renews their leases, each by one guarded write.
pub struct StoreRegistrar {
    records: Arc<dyn Records>,
}

impl StoreRegistrar {
    pub fn new(records: Arc<dyn Records>) -> StoreRegistrar {
        StoreRegistrar { records }
    }
}

#[async_trait]
impl Registrar for StoreRegistrar {
    async fn sign_in(&self, who: SignIn) -> Result<Standing, Failure> {
        self.records.sign_in_worker(who).await.map_err(failure)
    }

    async fn beat(&self, beat: Beat) -> Result<Standing, Failure> {
        self.records.renew(beat).await.map_err(failure)
    }
}

fn failure(error: Error) -> Failure {
    Failure::Unavailable(error.to_string())
}
