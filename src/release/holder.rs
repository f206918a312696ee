//! Who we are in a lock, and whether a holder on this very machine still lives.

use std::hash::{BuildHasher, Hasher, RandomState};

/// `user@host pid N (random)`: tells people whom to ask, and is different for each process.
pub(super) fn identity() -> String {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "unknown".into());
    let host = read("/proc/sys/kernel/hostname")
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| "unknown".into());
    let random = RandomState::new().build_hasher().finish();
    format!(
        "{user}@{} pid {} ({random:016x})",
        host.trim(),
        std::process::id()
    )
}

/// `boot-id/pid-namespace/pid/start-time`, which names a process of a machine for all time; empty
/// where the system doesn't tell.
pub(super) fn process() -> String {
    let pid = std::process::id();
    match (place(), start_time(pid)) {
        (Some(place), Started::At(start)) => format!("{place}/{pid}/{start}"),
        _ => String::new(),
    }
}

/// Whether the process named by [`process`] ran here and has ended. `false` whenever that can't be known.
pub(super) fn has_ended(process: &str) -> bool {
    let parts: Vec<&str> = process.split('/').collect();
    let [boot, namespace, pid, start] = parts.as_slice() else {
        return false;
    };
    let Ok(pid) = pid.parse() else {
        return false;
    };
    place().is_some_and(|here| here == format!("{boot}/{namespace}"))
        && match start_time(pid) {
            Started::At(time) => time != *start,
            Started::Never => true,
            Started::Unknown => false,
        }
}

/// This boot of this machine, and the namespace that process ids count in.
fn place() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let namespace = namespace.to_str()?;
    let number: String = namespace.chars().filter(char::is_ascii_digit).collect();
    Some(format!("{}/{number}", boot.trim()))
}

enum Started {
    At(String),
    /// No such process, or only its exit status is left.
    Never,
    Unknown,
}

/// The start time of a process, from `/proc/PID/stat` (proc(5): field 22; field 3 is the state).
fn start_time(pid: u32) -> Started {
    let stat = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Started::Never,
        Err(_) => return Started::Unknown,
    };
    // The command's name stands in parentheses and may hold anything.
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return Started::Unknown;
    };
    let mut fields = rest.split_ascii_whitespace();
    match (fields.next(), fields.nth(18)) {
        (Some("Z" | "X"), _) => Started::Never,
        (Some(_), Some(start)) => Started::At(start.to_owned()),
        _ => Started::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_until_it_ends() {
        assert!(!has_ended(&process()), "{}", process());
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let Started::At(start) = start_time(child.id()) else {
            panic!("no start time");
        };
        let name = format!("{}/{}/{start}", place().unwrap(), child.id());
        assert!(!has_ended(&name));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(has_ended(&name));
        // Another machine's process with the same number says nothing.
        assert!(!has_ended(&format!("other-boot/1/{}/{start}", child.id())));
        assert!(!has_ended(""));
    }
}
