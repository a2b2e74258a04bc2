//! How busy the machine of this process is, as servers tell it of themselves.

use std::time::Duration;
use sysinfo::System;

/// How long the processors are looked at, when they were not looked at before.
const FIRST_LOOK: Duration = Duration::from_millis(200);

/// Shares of 1, and the load average of the last minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Look {
    pub cpu: f64,
    pub memory: f64,
    pub load: f64,
}

/// The machine; `None` where nothing can be measured.
pub(super) struct Machine(Option<System>);

impl Machine {
    pub(super) fn new() -> Machine {
        Machine(System::new().ok())
    }

    /// The use of the processors is that since the last call.
    pub(super) async fn look(&mut self) -> Look {
        let Some(machine) = &mut self.0 else { return Look::default() };
        if machine.cpus().is_empty() {
            machine.refresh_cpu_usage();
            tokio::time::sleep(FIRST_LOOK).await;
        }
        machine.refresh_cpu_usage();
        machine.refresh_memory();
        Look {
            cpu: f64::from(machine.global_cpu_usage()) / 100.0,
            memory: memory(machine),
            load: System::load_average().map_or(0.0, |load| load.one),
        }
    }
}

/// The share of memory in use. Swap in use counts as available, as the original has it.
fn memory(machine: &System) -> f64 {
    let (total, available) = (machine.total_memory(), machine.available_memory());
    if total == 0 {
        return 0.0;
    }
    let used = total.saturating_sub(available).saturating_sub(machine.used_swap());
    used as f64 / total as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_real_machine_has_memory_in_use() {
        let look = Machine::new().look().await;
        assert!(look.memory > 0.0 && look.memory < 1.0 && (0.0..=1.0).contains(&look.cpu), "{look:?}");
    }
}
