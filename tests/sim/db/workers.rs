//! Rows of workers: incarnations, beats, fences.

use super::{Change, Db};
use escheduler::calls::{Beat, Holder, SignIn, Standing};
use escheduler::store::WorkerRow;

impl Db {
    fn standing(&self, holder: &Holder) -> Standing {
        match self.workers.get(&holder.worker) {
            Some(row) if row.holder.incarnation > holder.incarnation => Standing::Superseded,
            Some(row) if row.holder == *holder && row.fenced => Standing::Fenced,
            Some(row) if row.holder == *holder => Standing::Lives { beat: row.beat, moved: false },
            _ => Standing::Unknown,
        }
    }

    pub fn sign_in(&mut self, who: SignIn) -> Standing {
        match self.workers.get(&who.holder.worker) {
            Some(row) if row.holder.incarnation >= who.holder.incarnation => self.standing(&who.holder),
            _ => {
                let SignIn { holder, host, lease_ms, .. } = who;
                let name = holder.worker.clone();
                self.workers.insert(name, WorkerRow { holder, host, beat: 0, lease_ms, fenced: false, heard_at: None });
                Standing::Lives { beat: 0, moved: false }
            }
        }
    }

    pub fn renew(&mut self, beat: &Beat) -> Standing {
        match self.workers.get_mut(&beat.holder.worker) {
            Some(row) if row.holder == beat.holder && row.beat == beat.after && !row.fenced => {
                row.beat += 1;
                row.lease_ms = beat.lease_ms;
                Standing::Lives { beat: row.beat, moved: true }
            }
            _ => self.standing(&beat.holder),
        }
    }

    pub fn fence(&mut self, holder: &Holder, beat: u64) -> bool {
        let Some(row) = self.workers.get_mut(&holder.worker) else { return false };
        if row.holder == *holder && row.beat == beat {
            row.fenced = true;
            self.changes.push(Change::Fenced { holder: holder.clone() });
        }
        row.buries(holder)
    }
}
