//! `nutkin registry`: who one is to OCI registries.

use std::path::PathBuf;
use std::process::ExitCode;

use super::error::{CommandError, Kind};
use super::{Context, prompt};
use crate::registry::Access;
use crate::registry::credentials::{self, Credential};
use crate::registry::oci::Registry;

/// Log in to OCI registries, and out again
///
/// Credentials are kept where Helm keeps them ($HELM_REGISTRY_CONFIG), in Docker's format, with the credential
/// helper that is set there. Those of `docker login` are found too.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Login(Login),
    Logout(Logout),
}

/// Log in to a registry
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  echo \"$TOKEN\" | nutkin registry login ghcr.io -u me --password-stdin"
)]
struct Login {
    /// The registry's host, and port where it has one
    host: String,
    /// The user
    #[arg(short = 'u', long, value_name = "NAME")]
    username: Option<String>,
    /// The password or token
    #[arg(short = 'p', long, value_name = "PASSWORD")]
    password: Option<String>,
    /// Read the password or token from standard input
    #[arg(long, conflicts_with = "password")]
    password_stdin: bool,
    /// Don't check the server's certificate
    #[arg(long, visible_alias = "insecure-skip-tls-verify")]
    insecure: bool,
    /// Reach the registry by HTTP, without TLS
    #[arg(long)]
    plain_http: bool,
    /// Trust these certificate authorities (PEM) instead of the machine's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The client's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of the client's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
}

/// Forget the credentials for a registry
#[derive(Debug, clap::Args)]
struct Logout {
    /// The registry's host
    host: String,
}

impl Args {
    /// Runs the command below.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        match self.command {
            Command::Login(login) => login.run(cx)?,
            Command::Logout(logout) => logout.run(cx)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The host of what may be an address; registries know logins by host alone.
fn host<'a>(text: &'a str, cx: &Context) -> &'a str {
    let rest = ["oci://", "https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
    let host = rest.split('/').next().unwrap_or(rest);
    if host != text {
        cx.output
            .note(&format!("Warning: a login is for a host: {host} is taken"));
    }
    host
}

impl Login {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        let host = host(&self.host, cx);
        let credential = self.credential(cx)?;
        let access = Access {
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            insecure_skip_tls_verify: self.insecure,
            plain_http: self.plain_http,
            ..Access::default()
        };
        let registry = Registry::new(host, &access)?;
        let places = cx.global.places.places();
        let kept = cx.block_on(async {
            registry.check(&credential).await.map_err(|e| {
                let e = CommandError::from(e);
                CommandError {
                    hints: Vec::new(),
                    ..e
                }
            })?;
            Ok(credentials::store(&places, host, &credential).await?)
        })?;
        cx.output.note(&format!("Login Succeeded; kept in {kept}"));
        Ok(())
    }

    fn credential(&self, cx: &Context) -> Result<Credential, CommandError> {
        let mut username = self.username.clone().unwrap_or_default();
        let password = if self.password_stdin {
            prompt::first_line("-")?
        } else if let Some(password) = &self.password {
            cx.output.note(
                "Warning: a password on the command line can be seen by others; --password-stdin can't",
            );
            password.clone()
        } else {
            if username.is_empty() {
                username = line("Username", "--username")?;
            }
            let what = if username.is_empty() {
                "Token"
            } else {
                "Password"
            };
            prompt::ask(what, "--password-stdin")?
        };
        if password.is_empty() {
            return Err(CommandError::new(
                Kind::Usage,
                "a password or token is needed",
            ));
        }
        Ok(Credential {
            username,
            password,
            identity_token: String::new(),
        })
    }
}

/// Asks on the terminal for what is no secret.
fn line(question: &str, flag: &str) -> Result<String, CommandError> {
    use std::io::IsTerminal as _;
    let terminal = console::Term::stderr();
    if !(std::io::stdin().is_terminal() && terminal.is_term()) {
        return Err(CommandError::new(
            Kind::Usage,
            format_args!("{question}: there is no terminal to ask on"),
        )
        .hint(format_args!("give it with {flag}")));
    }
    let answer = terminal
        .write_str(&format!("{question}: "))
        .and_then(|()| terminal.read_line());
    answer.map_err(|e| CommandError::new(Kind::Failed, format_args!("{question}: {e}")))
}

impl Logout {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        let host = host(&self.host, cx);
        let places = cx.global.places.places();
        let gone = cx.block_on(async { Ok(credentials::erase(&places, host).await?) })?;
        cx.output.note(&if gone {
            format!("Removing login credentials for {host}")
        } else {
            format!("There were no login credentials for {host}")
        });
        Ok(())
    }
}
