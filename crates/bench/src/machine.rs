//! The machine, and what this process has taken of it.
use std::{fs, time::Duration};

use crate::results::Machine;

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let first = |file: &str, key: &str| value(&fs::read_to_string(file).unwrap_or_default(), key);
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: first("/proc/cpuinfo", "model name").unwrap_or_default(),
            memory: first("/proc/meminfo", "MemTotal").and_then(|text| kib(&text)).unwrap_or_default(),
        }
    }
}

/// The most memory that this process has had so far, in bytes; 0 where the system does not tell.
pub(crate) fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    value(&status, "VmHWM").and_then(|text| kib(&text)).unwrap_or_default()
}

/// Memory that could be had, in bytes; none where the system does not tell.
pub(crate) fn available() -> Option<u64> {
    kib(&value(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")?)
}

/// The processor time that this process has taken, the system's on its behalf included; zero where that cannot be told.
#[cfg(unix)]
pub(crate) fn cpu_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// The processor time that this process has taken, the system's on its behalf included; zero where that cannot be told.
#[cfg(not(unix))]
pub(crate) fn cpu_time() -> Duration {
    Duration::ZERO
}

/// Bytes that are free below a directory; none where the system does not tell.
#[cfg(unix)]
pub(crate) fn free(dir: &std::path::Path) -> Option<u64> {
    let system = rustix::fs::statvfs(dir).ok()?;
    system.f_bavail.checked_mul(system.f_frsize)
}

/// Bytes that are free below a directory; none where the system does not tell.
#[cfg(not(unix))]
pub(crate) fn free(_dir: &std::path::Path) -> Option<u64> {
    None
}

/// What stands behind the first `key` and a colon.
fn value(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}

/// The bytes of `123 kB`, which are KiB.
fn kib(text: &str) -> Option<u64> {
    text.strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_linux_are_understood() {
        assert_eq!(value("a\t: 1\nmodel name\t: A Processor\n", "model name").unwrap(), "A Processor");
        assert_eq!(value("VmHWM:\t    6300 kB\n", "VmHWM").and_then(|text| kib(&text)), Some(6300 * 1024));
        assert_eq!(kib("6300"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_taken_something_of_its_machine() {
        assert!(cpu_time() > Duration::ZERO);
        assert!(peak() > 1 << 20);
        assert!(free(std::path::Path::new("/")).is_some());
        let machine = Machine::this();
        assert!(machine.cpus > 0 && machine.memory > 1 << 20);
    }
}
