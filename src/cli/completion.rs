//! `nutkin completion`: a shell's completion script, which also asks the cluster for the releases' names.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::{Context, error::CommandError};

/// Print a shell's completion script
///
/// In bash, zsh and fish it completes the names of releases too, which it asks of the cluster.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  source <(nutkin completion bash)
  nutkin completion zsh > \"${fpath[1]}/_nutkin\"
  nutkin completion fish > ~/.config/fish/completions/nutkin.fish
  nutkin completion powershell | Out-String | Invoke-Expression")]
pub struct Args {
    /// The shell
    shell: Shell,
    /// Complete what needs no cluster, and nothing else
    #[arg(long)]
    no_releases: bool,
    /// Taken for Helm's sake: there are no descriptions but zsh's and fish's
    #[arg(long, hide = true)]
    no_descriptions: bool,
}

impl Args {
    /// Prints the script.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let mut command = super::Cli::command();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "nutkin", &mut script);
        let script = String::from_utf8_lossy(&script);
        let script = if self.no_releases {
            script.into_owned()
        } else {
            with_releases(self.shell, &script, &of_releases(&command))
        };
        cx.output.data(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The commands whose first argument is a release that is there: their names from the root on, aliases too. The root
/// must be built, or it doesn't know its commands' arguments.
fn of_releases(root: &Command) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect(root, &[], &mut found);
    found
}

fn collect(command: &Command, path: &[String], found: &mut Vec<Vec<String>>) {
    for child in command.get_subcommands() {
        for name in std::iter::once(child.get_name()).chain(child.get_visible_aliases()) {
            let path = [path, &[name.to_owned()]].concat();
            collect(child, &path, found);
            let first = child.get_positionals().next();
            let help = first.and_then(|a| a.get_help()).map(ToString::to_string);
            let is_name = first.is_some_and(|a| matches!(a.get_id().as_str(), "name" | "names"));
            if is_name && help.is_some_and(|help| help.starts_with("The release")) {
                found.push(path);
            }
        }
    }
}

/// The script with what asks for the names of releases.
fn with_releases(shell: Shell, script: &str, commands: &[Vec<String>]) -> String {
    match shell {
        Shell::Bash => {
            let script = script.replace("complete -F _nutkin ", "complete -F _nutkin_all ");
            let paths: Vec<String> = commands
                .iter()
                .map(|path| format!("\"{}\"", path.join(" ")))
                .collect();
            BASH.replace("COMMANDS", &paths.join(" | ")) + &script
        }
        Shell::Zsh => {
            let is_name = |line: &str| {
                line.starts_with("':name -- The release")
                    || line.starts_with("'*::names -- The release")
            };
            let mut out = String::new();
            for line in script.lines() {
                let line = if is_name(line) {
                    line.replace(":_default' \\", ":_nutkin_releases' \\")
                } else {
                    line.to_owned()
                };
                let _ = writeln!(out, "{line}");
                if line.starts_with("autoload ") {
                    out.push_str(ZSH);
                }
            }
            out
        }
        Shell::Fish => {
            let mut out = script.to_owned();
            for path in commands {
                let mut condition = String::new();
                for (depth, name) in path.iter().enumerate() {
                    let _ = match depth {
                        0 => write!(condition, "__fish_nutkin_using_subcommand {name}"),
                        _ => write!(condition, "; and __fish_seen_subcommand_from {name}"),
                    };
                }
                let _ = writeln!(
                    out,
                    "complete -c nutkin -n \"{condition}\" -f -a \"(nutkin list --short 2>/dev/null)\""
                );
            }
            out
        }
        _ => script.to_owned(),
    }
}

/// Completes a name where all words so far are a command that takes one.
const BASH: &str = r#"_nutkin_all() {
    local i word words=() flags=() names
    _nutkin "$@"
    [[ ${COMP_WORDS[COMP_CWORD]} == -* ]] && return
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        -n | --namespace | --kubeconfig | --kube-context | --context)
            flags+=("$word" "${COMP_WORDS[i + 1]}")
            ((i++))
            ;;
        -*) ;;
        *) words+=("$word") ;;
        esac
    done
    case "${words[*]}" in
    COMMANDS) ;;
    *) return ;;
    esac
    names=$(nutkin list --short "${flags[@]}" 2>/dev/null)
    [[ -z $names ]] || mapfile -t COMPREPLY < <(compgen -W "$names" -- "${COMP_WORDS[COMP_CWORD]}")
}

"#;

/// Completes a name; the flags that say which cluster count.
const ZSH: &str = r#"
(( $+functions[_nutkin_releases] )) ||
_nutkin_releases() {
    local -a flags names
    local i
    for ((i = 2; i < $#words; i++)); do
        case $words[i] in
        -n | --namespace | --kubeconfig | --kube-context | --context) flags+=($words[i] $words[i+1]) ;;
        esac
    done
    names=(${(f)"$(nutkin list --short $flags 2>/dev/null)"})
    compadd -a names
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn script(shell: Shell) -> String {
        let mut command = crate::cli::Cli::command();
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "nutkin", &mut script);
        with_releases(
            shell,
            &String::from_utf8(script).unwrap(),
            &of_releases(&command),
        )
    }

    #[test]
    fn commands_that_take_a_release_are_known() {
        let mut root = crate::cli::Cli::command();
        root.build();
        let all = of_releases(&root);
        let has = |path: &str| all.iter().any(|known| known.join(" ") == path);
        for path in [
            "status",
            "upgrade",
            "rollback",
            "uninstall",
            "del",
            "hist",
            "get values",
        ] {
            assert!(has(path), "{path} in {all:?}");
        }
        for path in ["install", "template", "create", "list", "show chart"] {
            assert!(!has(path), "{path}");
        }
    }

    #[test]
    fn scripts_ask_for_releases() {
        let bash = script(Shell::Bash);
        assert!(bash.contains("complete -F _nutkin_all -o"), "{bash}");
        assert!(bash.contains("\"get values\""));
        let zsh = script(Shell::Zsh);
        assert!(zsh.contains("The release'\\''s name:_nutkin_releases' \\"));
        assert_eq!(zsh.matches("_nutkin_releases() {").count(), 1);
        assert!(script(Shell::Fish).contains("-a \"(nutkin list --short 2>/dev/null)\""));
    }
}
