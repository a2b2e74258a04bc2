//! Makes faults, and mends them.

use crate::cluster::Cluster;
use crate::faults::{Fault, Kind};
use crate::machine::Machine;
use crate::processes::freeze;
use crate::wire::State;
use nix::sys::signal::Signal;
use servers::Server;
use std::thread::Scope;

/// Servers are started and stopped beside, because that may take seconds.
pub struct Injector<'s, 'e> {
    pub cluster: &'e Cluster,
    pub scope: &'s Scope<'s, 'e>,
}

impl<'e> Injector<'_, 'e> {
    fn machine(&self, fault: &Fault) -> &'e Machine {
        &self.cluster.machines[fault.target]
    }

    fn member(&self, number: usize) -> &'e Server {
        let members = self.cluster.registry.members();
        &members[number % members.len()]
    }

    fn database(&self) -> &'e Server {
        self.cluster.database.server()
    }

    fn beside(&self, work: impl FnOnce() + Send + 'e) {
        self.scope.spawn(work);
    }

    /// Kills the shim, which starts nothing any more from the moment on that is written down.
    fn doom(&self, machine: &Machine) {
        machine.shim().into_iter().for_each(freeze);
        self.cluster.doom(machine);
        machine.signal_shim(Signal::SIGKILL);
    }

    pub fn begin(&self, fault: &Fault) {
        let machine = self.machine(fault);
        match fault.kind {
            Kind::KillMaster | Kind::KillWorker | Kind::KillApi => machine.kill(),
            Kind::PauseMaster | Kind::PauseWorker | Kind::PauseApi => machine.signal(Signal::SIGSTOP),
            Kind::RestartMaster | Kind::RestartWorker => self.beside(|| machine.stop()),
            Kind::KillWorkerAndShim => {
                self.doom(machine);
                machine.kill();
            }
            Kind::KillShim => self.doom(machine),
            Kind::PauseShim => machine.signal_shim(Signal::SIGSTOP),
            Kind::BurnWorker => {
                machine.freeze();
                self.cluster.doom(machine);
                machine.burn();
            }
            Kind::HoldRegistry => machine.cut_registry(State::HoldsBoth),
            Kind::HoldRegistryRequests => machine.cut_registry(State::HoldsRequests),
            Kind::HoldRegistryAnswers => machine.cut_registry(State::HoldsAnswers),
            Kind::RefuseRegistry => machine.cut_registry(State::Refuses),
            Kind::HoldDatabase => machine.database.set(State::HoldsBoth),
            Kind::HoldDatabaseRequests => machine.database.set(State::HoldsRequests),
            Kind::HoldDatabaseAnswers => machine.database.set(State::HoldsAnswers),
            Kind::RefuseDatabase => machine.database.set(State::Refuses),
            Kind::CutPeers | Kind::CutPeersOneWay => {
                let other = &self.cluster.machines[fault.other];
                machine.place.lose(other.place.address);
                if fault.kind == Kind::CutPeers {
                    other.place.lose(machine.place.address);
                }
            }
            Kind::Isolate => {
                machine.cut_registry(State::HoldsBoth);
                machine.database.set(State::HoldsBoth);
                for other in self.others(machine) {
                    machine.place.lose(other.place.address);
                    other.place.lose(machine.place.address);
                }
            }
            _ => self.begin_at_servers(fault),
        }
    }

    fn begin_at_servers(&self, fault: &Fault) {
        let (member, database) = (self.member(fault.target), self.database());
        match fault.kind {
            Kind::KillRegistryServer => self.beside(|| member.kill()),
            Kind::PauseRegistryServer => member.pause(),
            Kind::RollRegistry => {
                let cluster = self.cluster;
                self.beside(|| roll(cluster));
            }
            Kind::KillQuorum => self.each_of_the_quorum(Server::kill),
            Kind::KillRegistry => self.each_member(Server::kill),
            Kind::KillDatabase => self.beside(|| database.kill()),
            Kind::PauseDatabase => database.pause(),
            Kind::RestartDatabase => self.beside(|| database.stop()),
            _ => {}
        }
    }

    pub fn end(&self, fault: &Fault) {
        let machine = self.machine(fault);
        match fault.kind {
            Kind::KillMaster | Kind::KillWorker | Kind::KillApi | Kind::RestartMaster | Kind::RestartWorker => {
                self.beside(|| machine.start());
            }
            Kind::KillWorkerAndShim | Kind::BurnWorker => machine.start(),
            Kind::KillShim => {}
            Kind::PauseMaster | Kind::PauseWorker | Kind::PauseApi => machine.signal(Signal::SIGCONT),
            Kind::PauseShim => machine.signal_shim(Signal::SIGCONT),
            Kind::HoldRegistry | Kind::HoldRegistryRequests | Kind::HoldRegistryAnswers | Kind::RefuseRegistry => {
                machine.cut_registry(State::Whole);
            }
            Kind::HoldDatabase | Kind::HoldDatabaseRequests | Kind::HoldDatabaseAnswers | Kind::RefuseDatabase => {
                machine.database.set(State::Whole);
            }
            Kind::CutPeers | Kind::CutPeersOneWay | Kind::Isolate => self.join(machine),
            Kind::PauseRegistryServer => self.member(fault.target).resume(),
            Kind::KillRegistryServer | Kind::KillQuorum | Kind::KillRegistry | Kind::RollRegistry => {
                self.each_member(Server::start);
            }
            Kind::PauseDatabase => self.database().resume(),
            Kind::KillDatabase | Kind::RestartDatabase => {
                let database = self.database();
                self.beside(|| database.start());
            }
        }
    }

    /// Mends everything, whatever it was.
    pub fn heal(&self) {
        for machine in &self.cluster.machines {
            machine.signal(Signal::SIGCONT);
            machine.signal_shim(Signal::SIGCONT);
            self.join(machine);
            machine.start();
        }
        self.cluster.registry.members().iter().for_each(|member| member.resume());
        self.database().resume();
        self.each_member(Server::start);
        let database = self.database();
        self.beside(|| database.start());
    }

    /// Makes all cuts of a machine whole.
    fn join(&self, machine: &Machine) {
        machine.cut_registry(State::Whole);
        machine.database.set(State::Whole);
        for other in self.others(machine) {
            machine.place.find(other.place.address);
            other.place.find(machine.place.address);
        }
    }

    fn others(&self, machine: &Machine) -> impl Iterator<Item = &'e Machine> {
        let name = machine.name.clone();
        self.cluster.machines.iter().filter(move |other| other.name != name)
    }

    fn each_member(&self, work: fn(&Server)) {
        for member in self.cluster.registry.members() {
            self.beside(move || work(member));
        }
    }

    fn each_of_the_quorum(&self, work: fn(&Server)) {
        for member in self.cluster.registry.members().iter().skip(1) {
            self.beside(move || work(member));
        }
    }
}

/// Restarts one server after the other.
fn roll(cluster: &Cluster) {
    for member in cluster.registry.members() {
        member.stop();
        member.start();
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}
