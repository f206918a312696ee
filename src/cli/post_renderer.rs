//! `--post-renderer`: a program, as in Helm 3, or an installed plugin of Helm 4, that changes what was rendered.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::error::{CommandError, Kind};
use super::helm_env;
use crate::yaml;

/// The most that a post-renderer may give back, in bytes.
const MAX_OUTPUT: u64 = 256 * 1024 * 1024;
/// How much of its complaints is shown.
const MAX_COMPLAINT: usize = 4096;

/// A program ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    args: Vec<String>,
    /// Variables besides our own environment.
    variables: Vec<(String, String)>,
}

/// A plugin's plugin.yaml, as far as it matters here; Helm 4's `apiVersion: v1`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plugin {
    #[serde(default)]
    api_version: String,
    name: String,
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    runtime: String,
    #[serde(default)]
    runtime_config: RuntimeConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeConfig {
    #[serde(default)]
    platform_command: Vec<PlatformCommand>,
}

/// A command for an operating system and a processor; empty: for any.
#[derive(Debug, Clone, Default, Deserialize)]
struct PlatformCommand {
    #[serde(default)]
    os: String,
    #[serde(default)]
    arch: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    args: Vec<String>,
}

impl Program {
    /// Finds what `--post-renderer` names: a plugin of that name, else a program in a folder or in `PATH`.
    ///
    /// # Errors
    /// When there is neither, or the plugin is of a kind that can't be run.
    pub fn find(name: &str, args: &[String]) -> Result<Program, CommandError> {
        for folder in helm_env::plugin_folders() {
            if let Some(program) = Self::plugin(&folder, name, args)? {
                return Ok(program);
            }
        }
        match in_path(name) {
            Some(path) => Ok(Program {
                path,
                args: args.to_vec(),
                variables: Vec::new(),
            }),
            None => Err(CommandError::new(
                Kind::NotFound,
                format_args!("post-renderer {name:?} not found"),
            )
            .hint("the path of a program, a program in PATH, or the name of a plugin of type postrenderer/v1 in $HELM_PLUGINS")),
        }
    }

    /// The program of the plugin of a name, where a folder of plugins has it.
    fn plugin(folder: &Path, name: &str, args: &[String]) -> Result<Option<Program>, CommandError> {
        let mut homes: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        homes.sort();
        for home in homes {
            let Ok(text) = std::fs::read_to_string(home.join("plugin.yaml")) else {
                continue;
            };
            // One that can't be read is another's trouble, unless it is the one asked for.
            let Some(plugin) = yaml::parse(&text)
                .ok()
                .and_then(|value| serde_json::from_value::<Plugin>(value).ok())
            else {
                continue;
            };
            if plugin.name != name || plugin.r#type != "postrenderer/v1" {
                continue;
            }
            let refused = |why: &str| {
                CommandError::new(
                    Kind::Invalid,
                    format_args!("post-renderer plugin {}: {why}", home.display()),
                )
            };
            if plugin.api_version != "v1" || plugin.runtime != "subprocess" {
                return Err(refused(
                    "only plugins of apiVersion v1 with the runtime `subprocess` can be run",
                ));
            }
            let Some(command) = for_platform(&plugin.runtime_config.platform_command) else {
                return Err(refused("it has no command for this platform"));
            };
            return Ok(Some(command.program(&plugin.name, &home, args)));
        }
        Ok(None)
    }

    /// Gives the program a text; what it prints.
    ///
    /// # Errors
    /// That it can't be started or failed, with what it complained about.
    pub fn run(&self, input: &str) -> Result<String, String> {
        let shown = self.path.display();
        let mut child = Command::new(&self.path)
            .args(&self.args)
            .envs(self.variables.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot start {shown}: {e}"))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut made = Vec::new();
        let mut complaint = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A program that doesn't read its input to the end is free to do so.
                let _ = stdin.map(|mut pipe| pipe.write_all(input.as_bytes()));
            });
            scope.spawn(|| stderr.map(|pipe| pipe.take(1 << 20).read_to_end(&mut complaint)));
            stdout.map(|pipe| pipe.take(MAX_OUTPUT + 1).read_to_end(&mut made))
        });
        if made.len() as u64 > MAX_OUTPUT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{shown} gave back more than {MAX_OUTPUT} bytes"));
        }
        let status = child.wait().map_err(|e| format!("{shown}: {e}"))?;
        if !status.success() {
            let complaint = String::from_utf8_lossy(&complaint);
            let complaint: String = complaint.trim().chars().take(MAX_COMPLAINT).collect();
            return Err(format!("{shown} failed ({status})\n{complaint}")
                .trim()
                .to_owned());
        }
        String::from_utf8(made).map_err(|_| format!("what {shown} gave back is not UTF-8"))
    }
}

impl PlatformCommand {
    /// The command with its variables expanded, and what the user adds.
    fn program(&self, name: &str, home: &Path, args: &[String]) -> Program {
        let variables = vec![
            ("HELM_PLUGIN_NAME".to_owned(), name.to_owned()),
            ("HELM_PLUGIN_DIR".to_owned(), home.display().to_string()),
        ];
        let own: BTreeMap<&str, &str> = variables
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let value = |variable: &str| match own.get(variable) {
            Some(value) => (*value).to_owned(),
            None => std::env::var(variable).unwrap_or_default(),
        };
        let mut parts = self.command.split(' ').map(|part| expand(part, &value));
        Program {
            path: PathBuf::from(parts.next().unwrap_or_default()),
            args: parts
                .chain(self.args.iter().map(|arg| expand(arg, &value)))
                .chain(args.iter().cloned())
                .collect(),
            variables,
        }
    }
}

/// The command for this machine: the first for its system and processor, else the first for its system, else the
/// first for any, as in Helm.
fn for_platform(commands: &[PlatformCommand]) -> Option<&PlatformCommand> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    choose(commands, std::env::consts::OS, arch)
}

fn choose<'c>(
    commands: &'c [PlatformCommand],
    os: &str,
    arch: &str,
) -> Option<&'c PlatformCommand> {
    let is_os = |c: &PlatformCommand| c.os.eq_ignore_ascii_case(os);
    let find = |fits: &dyn Fn(&PlatformCommand) -> bool| commands.iter().find(|c| fits(c));
    find(&|c| is_os(c) && c.arch.eq_ignore_ascii_case(arch))
        .or_else(|| find(&|c| is_os(c) && c.arch.is_empty()))
        .or_else(|| find(&|c| c.os.is_empty() && c.arch.is_empty()))
        .filter(|c| !c.command.is_empty())
}

/// Puts variables in: `$NAME` and `${NAME}`, as Go's `os.Expand`.
fn expand(text: &str, value: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let in_braces = after.strip_prefix('{').and_then(|t| t.split_once('}'));
        let (name, left) = in_braces.unwrap_or_else(|| {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()))
        });
        if name.is_empty() {
            out.push('$');
        } else {
            out.push_str(&value(name));
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

/// A program by its path, or by its name in `PATH`.
fn in_path(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return path.is_file().then_some(path);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_as_go_does() {
        let value = |name: &str| format!("<{name}>");
        for (text, expanded) in [
            ("$A/run", "<A>/run"),
            ("${A}B$C", "<A>B<C>"),
            ("no", "no"),
            ("a$", "a$"),
            ("$A_1-x", "<A_1>-x"),
        ] {
            assert_eq!(expand(text, &value), expanded);
        }
    }

    #[test]
    fn the_command_that_fits_best() {
        let command = |os: &str, arch: &str, command: &str| PlatformCommand {
            os: os.into(),
            arch: arch.into(),
            command: command.into(),
            args: Vec::new(),
        };
        let all = [
            command("", "", "any"),
            command("linux", "", "linux"),
            command("Linux", "AMD64", "exact"),
            command("windows", "", "windows"),
            command("", "arm64", "never"),
        ];
        let chosen = |os, arch| choose(&all, os, arch).map(|c| c.command.as_str());
        assert_eq!(chosen("linux", "amd64"), Some("exact"));
        assert_eq!(chosen("linux", "arm64"), Some("linux"));
        assert_eq!(chosen("darwin", "arm64"), Some("any"));
        assert_eq!(chosen("windows", "amd64"), Some("windows"));
        assert_eq!(
            choose(&all[3..], "linux", "arm64").map(|c| &c.command),
            None
        );
    }
}
