//! What the kernel says about sockets and processes, from `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::time::Duration;

use serde::Serialize;

/// Clock ticks a second in `/proc/PID/stat`: fixed on Linux for programs
/// (`USER_HZ`), whatever the kernel's own rate is.
const TICKS_PER_SECOND: u64 = 100;

/// Datagrams that the kernel dropped because the sockets bound to `ports` were
/// full. What can't be read counts as nothing.
#[must_use]
pub fn udp_drops(ports: &BTreeSet<u16>) -> u64 {
    let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
    let texts = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
    texts.iter().map(|text| drops_in(text, ports)).sum()
}

fn drops_in(table: &str, ports: &BTreeSet<u16>) -> u64 {
    let drops = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let (_, port) = fields.nth(1)?.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let drops: u64 = fields.next_back()?.parse().ok()?;
        ports.contains(&port).then_some(drops)
    };
    table.lines().skip(1).filter_map(drops).sum()
}

/// What a process holds at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// Resident memory, KiB.
    pub rss_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub descriptors: u64,
}

/// What process `pid` holds now.
///
/// # Errors
/// When there is no such process, or it belongs to somebody else.
pub fn footprint(pid: u32) -> io::Result<Footprint> {
    let entries =
        |of: &str| fs::read_dir(format!("/proc/{pid}/{of}")).map(|dir| dir.count() as u64);
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let rss = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok());
    Ok(Footprint {
        rss_kib: rss.ok_or(io::ErrorKind::InvalidData)?,
        threads: entries("task")?,
        descriptors: entries("fd")?,
    })
}

/// The processor time that process `pid` has used, in user and system mode.
///
/// # Errors
/// When there is no such process.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    cpu_time_in(&stat).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn cpu_time_in(stat: &str) -> Option<Duration> {
    // The name in parentheses may hold anything; the numbers follow the last one.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(
        user.saturating_add(system)
            .saturating_mul(1_000 / TICKS_PER_SECOND),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_of_our_sockets_are_counted_and_of_no_others() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 1: 0100007F:1F22 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 51 2 0000 7\n\
            \x20 2: 0100007F:1F23 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 52 2 0000 9\n";
        assert_eq!(drops_in(table, &BTreeSet::from([0x1f22])), 7);
        assert_eq!(drops_in(table, &BTreeSet::from([0x1f22, 0x1f23])), 16);
        assert_eq!(drops_in(table, &BTreeSet::new()), 0);
    }

    #[test]
    fn processor_time_is_read_behind_a_name_with_spaces() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(cpu_time_in(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn this_process_has_a_footprint() {
        let own = footprint(std::process::id()).unwrap();
        assert!(own.rss_kib > 100 && own.threads >= 1 && own.descriptors >= 3);
        assert!(cpu_time(std::process::id()).is_ok());
        assert!(footprint(0).is_err());
    }
}
