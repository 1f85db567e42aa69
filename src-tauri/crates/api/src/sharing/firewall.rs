//! What the firewall of each system needs so that other computers reach this one.

use crate::error::ApiError;
use crate::sharing::Firewall;

/// The name that Windows shows in its list of rules.
const RULE: &str = "Balcao";

/// What is to be known on this computer.
pub(super) fn explained(port: u16) -> Firewall {
    let command = match std::env::consts::OS {
        "windows" => Some(windows_rule(port)),
        // The others ask by themselves, or let everybody in unless they were told otherwise.
        "linux" => ufw_is_on().then(|| format!("sudo ufw allow {port}/tcp && sudo ufw allow 5353/udp")),
        _ => None,
    };
    Firewall { system: std::env::consts::OS.to_owned(), can_run: cfg!(windows), command }
}

/// Only from the same network, and never on one that Windows takes for a public place.
fn windows_rule(port: u16) -> String {
    format!("netsh {}", arguments(port))
}

fn arguments(port: u16) -> String {
    format!(
        "advfirewall firewall add rule name=\"{RULE}\" dir=in action=allow protocol=TCP localport={port} \
         remoteip=localsubnet profile=private,domain"
    )
}

fn ufw_is_on() -> bool {
    std::fs::read_to_string("/etc/ufw/ufw.conf").is_ok_and(|text| text.lines().any(|line| line.trim() == "ENABLED=yes"))
}

/// Has the rule entered: Windows asks the person, or for an administrator's password.
pub(super) async fn enter(port: u16) -> Result<(), ApiError> {
    if !cfg!(windows) {
        return Err(ApiError::new("firewall_by_hand", "on this system the firewall is changed by hand"));
    }
    // The port is a number and the rest is fixed: nothing of what anybody typed is in it.
    let script = format!(
        "$p = Start-Process -FilePath \"$env:SystemRoot\\System32\\netsh.exe\" -Verb RunAs -WindowStyle Hidden -Wait \
         -PassThru -ArgumentList '{}'; exit $p.ExitCode",
        arguments(port)
    );
    let root = std::env::var_os("SystemRoot").map(std::path::PathBuf::from).unwrap_or_else(|| r"C:\Windows".into());
    let shell = root.join(r"System32\WindowsPowerShell\v1.0\powershell.exe");
    let entered = tokio::task::spawn_blocking(move || {
        std::process::Command::new(shell).args(["-NoProfile", "-NonInteractive", "-Command", &script]).status()
    });
    match entered.await.map_err(ApiError::internal)? {
        Ok(status) if status.success() => Ok(()),
        // Declined, or not allowed.
        Ok(_) | Err(_) => Err(ApiError::new("firewall_declined", "the rule was not entered")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_lets_in_one_port_from_the_same_network_only() {
        let rule = windows_rule(55_320);
        for part in ["dir=in", "protocol=TCP", "localport=55320", "remoteip=localsubnet", "profile=private,domain"] {
            assert!(rule.contains(part), "{rule}");
        }
        assert!(!arguments(1).contains('\''), "it stands between single quotes");
    }

    #[tokio::test]
    async fn where_the_system_has_no_such_question_nothing_is_run() {
        if !cfg!(windows) {
            assert!(!explained(55_320).can_run);
            assert_eq!(enter(55_320).await.unwrap_err().code, "firewall_by_hand");
        }
    }
}
