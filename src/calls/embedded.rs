//! Master and worker of one process: what one says, the other has heard.

use super::cluster::next_serial;
use super::{Colleagues, Hello, Holder, Link, MasterMail, Masters, Report, ToWorker, WorkerMail};
use crate::model::DefinitionId;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The worker's way to the master beside it.
pub struct Embedded {
    master: String,
    mail: UnboundedSender<MasterMail>,
    /// The stream that there is now.
    present: Mutex<Option<u64>>,
}

impl Embedded {
    /// `master` is the start of the process. The receiver is the master's.
    pub fn new(master: String) -> (Embedded, UnboundedReceiver<MasterMail>) {
        let (mail, received) = unbounded_channel();
        (Embedded { master, mail, present: Mutex::default() }, received)
    }
}

impl Embedded {
    /// Where else mail for the master may come from.
    pub fn mailbox(&self) -> UnboundedSender<MasterMail> {
        self.mail.clone()
    }
}

impl Masters for Embedded {
    fn attend(&self, hello: Hello) -> UnboundedReceiver<WorkerMail> {
        let serial = next_serial();
        let (mail, received) = unbounded_channel();
        // Either is gone only when the process is leaving.
        let (up, master) = (self.mail.clone(), self.master.clone());
        let to_master = Link::with(serial, move |what| drop(up.send(MasterMail::Said { serial, what })));
        let down = mail.clone();
        let said = move |what| drop(down.send(WorkerMail::Said { master: master.clone(), what }));
        let former = self.present.lock().unwrap_or_else(PoisonError::into_inner).replace(serial);
        if let Some(serial) = former {
            let _ = self.mail.send(MasterMail::Unlinked { serial });
        }
        let _ = self.mail.send(MasterMail::Linked { hello, link: Link::with(serial, said) });
        let _ = mail.send(WorkerMail::Linked { master: self.master.clone(), link: to_master });
        received
    }
}

/// A master without others.
impl Colleagues for Embedded {
    fn letter(&self, _master: &str, _from: Holder, _report: Report) {}

    fn pass(&self, _worker: &str, _what: ToWorker) {}

    fn ended(&self, _definitions: Vec<DefinitionId>) {}
}
