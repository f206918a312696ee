//! The command line: one file per command, its `Args` (doc comments are the help) and `run`.

mod action_error;
mod apply;
pub mod chart_flags;
mod conceal;
mod dependency;
mod diff;
pub mod downloads;
mod drift;
pub mod error;
mod get;
mod history;
mod install;
pub mod kube;
mod list;
pub mod output;
pub mod places;
mod plan;
mod plan_file;
mod plan_flags;
mod plan_text;
mod progress;
pub mod prompt;
mod pull;
mod push;
mod registry;
mod release_flags;
mod remote_values;
mod repo;
mod rollback;
mod savepoint;
mod search;
mod shown;
mod status;
mod uninstall;
mod upgrade;
mod when;

use std::process::ExitCode;

use clap::Parser;

use error::{CommandError, Kind};
use output::Output;

/// Packager and release manager for Apache Flink on Kubernetes.
#[derive(Debug, Parser)]
#[command(
    name = "nutkin",
    version,
    arg_required_else_help = true,
    subcommand_required = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Global {
    /// The namespace of the release (default: the kubeconfig context's)
    #[arg(
        short = 'n',
        long,
        global = true,
        env = "HELM_NAMESPACE",
        value_name = "NAME"
    )]
    pub namespace: Option<String>,
    /// Which cluster, and who talks to it.
    #[command(flatten)]
    pub kube: kube::KubeFlags,
    /// Where Helm's files are.
    #[command(flatten)]
    pub places: places::PlaceFlags,
    /// Show what the libraries below log, on stderr
    #[arg(long, global = true, env = "HELM_DEBUG", value_parser = clap::builder::FalseyValueParser::new())]
    pub debug: bool,
}

/// The commands.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install a chart as a new release
    Install(Box<install::Args>),
    /// Upgrade a release, with the state of its job
    Upgrade(Box<upgrade::Args>),
    /// Roll a release back to an older revision, with the newest state of its job
    Rollback(Box<rollback::Args>),
    /// Uninstall a release, with a last savepoint of its job
    Uninstall(Box<uninstall::Args>),
    Plan(plan::Args),
    Diff(diff::Args),
    Apply(apply::Args),
    Drift(drift::Args),
    /// Savepoints of a release
    Savepoint(savepoint::Args),
    /// Print a shell's completion script
    Completion(completion::Args),
    Create(create::Args),
    #[command(visible_aliases = ["dep", "dependencies"])]
    Dependency(dependency::Args),
    Lint(Box<lint::Args>),
    Package(package::Args),
    #[command(visible_alias = "fetch")]
    Pull(pull::Args),
    Push(push::Args),
    Registry(registry::Args),
    Repo(repo::Args),
    Search(search::Args),
    Show(show::Args),
    Get(get::Args),
    #[command(visible_alias = "hist")]
    History(history::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    Status(status::Args),
    Template(Box<template::Args>),
    Test(test::Args),
    Values(values::Args),
    Verify(verify::Args),
    Env(env::Args),
    Man(man::Args),
    Version(version::Args),
}

/// What a command's `run` gets besides its own arguments.
#[derive(Debug)]
pub struct Context {
    /// The global flags.
    pub global: Global,
    /// Where results, progress and errors go.
    pub output: Output,
}

impl Context {
    /// Runs a future to its end on a runtime made for it; commands that need no network never make one.
    pub fn block_on<T>(
        &self,
        future: impl Future<Output = Result<T, CommandError>>,
    ) -> Result<T, CommandError> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| {
                CommandError::new(
                    Kind::Internal,
                    format_args!("cannot start the runtime: {e}"),
                )
            })?
            .block_on(future)
    }
}

/// Parses the arguments, runs the command, prints an error as the user should see it.
pub fn main() -> ExitCode {
    let output = Output::new();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() {
                ExitCode::from(Kind::Usage.code())
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    // Fails only when a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if cli.global.debug {
        tracing_subscriber::fmt()
            .with_env_filter("nutkin=debug,kube=debug")
            .with_writer(std::io::stderr)
            .init();
    }
    let cx = Context {
        global: cli.global,
        output,
    };
    match run(cli.command, &cx) {
        Ok(code) => code,
        Err(e) => {
            if let Some(line) = progress::error_line(&e) {
                output.note(&line);
                return ExitCode::from(e.kind.code());
            }
            output.note(&format!("Error: {}", e.message));
            for hint in &e.hints {
                output.note(&format!("  try: {hint}"));
            }
            ExitCode::from(e.kind.code())
        }
    }
}

fn run(command: Command, cx: &Context) -> Result<ExitCode, CommandError> {
    match command {
        Command::Install(args) => args.run(cx),
        Command::Upgrade(args) => args.run(cx),
        Command::Rollback(args) => args.run(cx),
        Command::Uninstall(args) => args.run(cx),
        Command::Plan(args) => args.run(cx),
        Command::Diff(args) => args.run(cx),
        Command::Apply(args) => args.run(cx),
        Command::Drift(args) => args.run(cx),
        Command::Savepoint(args) => args.run(cx),
        Command::Completion(args) => args.run(cx),
        Command::Create(args) => args.run(cx),
        Command::Lint(args) => args.run(cx),
        Command::Package(args) => args.run(cx),
        Command::Dependency(args) => args.run(cx),
        Command::Pull(args) => args.run(cx),
        Command::Push(args) => args.run(cx),
        Command::Registry(args) => args.run(cx),
        Command::Repo(args) => args.run(cx),
        Command::Search(args) => args.run(cx),
        Command::Show(args) => args.run(cx),
        Command::Get(args) => args.run(cx),
        Command::History(args) => args.run(cx),
        Command::List(args) => args.run(cx),
        Command::Status(args) => args.run(cx),
        Command::Template(args) => args.run(cx),
        Command::Test(args) => args.run(cx),
        Command::Values(args) => args.run(cx),
        Command::Verify(args) => args.run(cx),
        Command::Env(args) => args.run(cx),
        Command::Man(args) => args.run(cx),
        Command::Version(args) => args.run(cx),
    }
}

pub mod charts;
mod completion;
mod create;
mod env;
pub mod helm_env;
mod lint;
mod man;
mod package;
mod post_renderer;
pub mod render_flags;
mod show;
mod template;
mod test;
mod values;
pub mod values_flags;
mod verify;
mod version;
