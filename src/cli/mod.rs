//! The command line: one file per command, its `Args` (doc comments are the help) and `run`.

mod action_error;
mod apply;
pub mod chart_flags;
mod conceal;
mod deferred;
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

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, FromArgMatches, Parser, Subcommand};

use deferred::Deferred;
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
    /// Use colours: `auto` does on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        global = true,
        alias = "colour",
        env = "HELM_COLOR",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        hide_default_value = true,
        value_name = "auto|always|never"
    )]
    pub color: Color,
    /// Show what the libraries below log, on stderr
    #[arg(long, global = true, env = "HELM_DEBUG", value_parser = clap::builder::FalseyValueParser::new())]
    pub debug: bool,
}

/// When to use colours; Helm's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// The commands. A command's own flags are described when it is the one that was given: describing all took most of
/// the time that a small command needs. What the list of commands shows stands here.
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install a chart as a new release
    Install(Deferred<install::Args>),
    /// Upgrade a release: stop its job with a savepoint, apply, and see it run again from there
    Upgrade(Deferred<upgrade::Args>),
    /// Roll a release back to an older revision, with the newest state of its job
    Rollback(Deferred<rollback::Args>),
    /// Uninstall a release: take a last savepoint of its job, then delete its objects
    #[command(visible_aliases = ["del", "delete", "un"])]
    Uninstall(Deferred<uninstall::Args>),
    /// Show what an operation would do to each object and each job, and why
    Plan(Deferred<plan::Args>),
    /// Show how objects differ: from a change, between two revisions, or between two releases
    Diff(Deferred<diff::Args>),
    /// Carry out a plan that `nutkin plan --out FILE` saved, exactly as it was shown
    Apply(Deferred<apply::Args>),
    /// Compare the live objects of a release with what its deployed revision's record says
    Drift(Deferred<drift::Args>),
    /// Savepoints of a release
    Savepoint(Deferred<savepoint::Args>),
    /// Print a shell's completion script
    Completion(Deferred<completion::Args>),
    /// Make a new chart: a Flink application cluster
    Create(Deferred<create::Args>),
    /// List, choose and fetch the charts that a chart is made of
    #[command(visible_aliases = ["dep", "dependencies"])]
    Dependency(Deferred<dependency::Args>),
    /// Check charts for what is wrong, risky or missing
    Lint(Deferred<lint::Args>),
    /// Pack a chart's folder into an archive
    Package(Deferred<package::Args>),
    /// Fetch a packaged chart, and unpack it if wanted
    #[command(visible_alias = "fetch")]
    Pull(Deferred<pull::Args>),
    /// Push a packaged chart into a registry
    Push(Deferred<push::Args>),
    /// Log in to OCI registries, and out again
    Registry(Deferred<registry::Args>),
    /// Add, list, refresh and remove chart repositories, or make the index of one
    Repo(Deferred<repo::Args>),
    /// Search for charts
    Search(Deferred<search::Args>),
    /// Show a chart's metadata, values, README or CRDs
    Show(Deferred<show::Args>),
    /// Show what the record of a release holds
    Get(Deferred<get::Args>),
    /// Show the revisions of a release
    #[command(visible_alias = "hist")]
    History(Deferred<history::Args>),
    /// List releases
    #[command(visible_alias = "ls")]
    List(Deferred<list::Args>),
    /// Show a release: its state, its objects, its notes
    Status(Deferred<status::Args>),
    /// Render a chart's templates, without a cluster
    Template(Deferred<template::Args>),
    /// Run the tests of a release: the chart's hooks of the event `test`
    Test(Deferred<test::Args>),
    /// Look at the values of a chart
    Values(Deferred<values::Args>),
    /// Check that a package was signed, and not changed since
    Verify(Deferred<verify::Args>),
    /// Print the variables that nutkin goes by, Helm's own, with their values
    Env(Deferred<env::Args>),
    /// Print the manual page of nutkin or of a command, or write all of them
    Man(Deferred<man::Args>),
    /// Print nutkin's version, and those of the Helm and the Kubernetes that it follows
    Version(Deferred<version::Args>),
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
            // One for the connections beside this one: more only wake each other.
            .worker_threads(1)
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

/// Reads the command line. The parser copies each flag that all commands take into every command that it knows of, which
/// is a fifth of the instructions of a small command: it is told of the given one alone. Where that fails, and for help,
/// it reads the line again with all of them.
fn parse(words: &[OsString]) -> Result<Cli, clap::Error> {
    let all = Command::augment_subcommands(clap::Command::new("nutkin"));
    let mut names = words.iter().skip(1).filter_map(|word| word.to_str());
    if let Some(given) = names.find_map(|name| all.find_subcommand(name)) {
        let alone = Global::augment_args(clap::Command::new("nutkin")).subcommand(given.clone());
        let read = alone.try_get_matches_from(words);
        if let Ok(cli) = read.and_then(|matches| Cli::from_arg_matches(&matches)) {
            return Ok(cli);
        }
    }
    Cli::try_parse_from(words)
}

/// Parses the arguments, runs the command, prints an error as the user should see it.
pub fn main() -> ExitCode {
    let output = Output::new();
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match parse(&words) {
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
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
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
        Command::Install(args) => args.run(install::Args::run, cx),
        Command::Upgrade(args) => args.run(upgrade::Args::run, cx),
        Command::Rollback(args) => args.run(rollback::Args::run, cx),
        Command::Uninstall(args) => args.run(uninstall::Args::run, cx),
        Command::Plan(args) => args.run(plan::Args::run, cx),
        Command::Diff(args) => args.run(diff::Args::run, cx),
        Command::Apply(args) => args.run(apply::Args::run, cx),
        Command::Drift(args) => args.run(drift::Args::run, cx),
        Command::Savepoint(args) => args.run(savepoint::Args::run, cx),
        Command::Completion(args) => args.run(completion::Args::run, cx),
        Command::Create(args) => args.run(create::Args::run, cx),
        Command::Lint(args) => args.run(lint::Args::run, cx),
        Command::Package(args) => args.run(package::Args::run, cx),
        Command::Dependency(args) => args.run(dependency::Args::run, cx),
        Command::Pull(args) => args.run(pull::Args::run, cx),
        Command::Push(args) => args.run(push::Args::run, cx),
        Command::Registry(args) => args.run(registry::Args::run, cx),
        Command::Repo(args) => args.run(repo::Args::run, cx),
        Command::Search(args) => args.run(search::Args::run, cx),
        Command::Show(args) => args.run(show::Args::run, cx),
        Command::Get(args) => args.run(get::Args::run, cx),
        Command::History(args) => args.run(history::Args::run, cx),
        Command::List(args) => args.run(list::Args::run, cx),
        Command::Status(args) => args.run(status::Args::run, cx),
        Command::Template(args) => args.run(template::Args::run, cx),
        Command::Test(args) => args.run(test::Args::run, cx),
        Command::Values(args) => args.run(values::Args::run, cx),
        Command::Verify(args) => args.run(verify::Args::run, cx),
        Command::Env(args) => args.run(env::Args::run, cx),
        Command::Man(args) => args.run(man::Args::run, cx),
        Command::Version(args) => args.run(version::Args::run, cx),
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::error::ErrorKind;

    fn parsed(line: &str) -> Result<Cli, ErrorKind> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words).map_err(|e| e.kind())
    }

    #[test]
    fn a_name_of_a_command_may_stand_before_the_command() {
        for (line, namespace) in [
            ("nutkin -n upgrade list", "upgrade"),
            ("nutkin --namespace list list", "list"),
            ("nutkin list --namespace upgrade", "upgrade"),
            ("nutkin -n other ls -n mine", "mine"),
        ] {
            let cli = parsed(line).expect(line);
            assert!(matches!(cli.command, Command::List(_)), "{line}");
            assert_eq!(cli.global.namespace.as_deref(), Some(namespace), "{line}");
        }
    }

    #[test]
    fn what_can_t_be_read_is_told_as_with_all_commands() {
        for (line, kind) in [
            (
                "nutkin",
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ),
            ("nutkin lst", ErrorKind::InvalidSubcommand),
            ("nutkin list --nonsense", ErrorKind::UnknownArgument),
            ("nutkin template --help", ErrorKind::DisplayHelp),
            ("nutkin help template", ErrorKind::DisplayHelp),
            ("nutkin --version", ErrorKind::DisplayVersion),
        ] {
            assert_eq!(parsed(line).err(), Some(kind), "{line}");
        }
        let words = ["nutkin", "lst"].map(OsString::from);
        let text = parse(&words).expect_err("no such command").to_string();
        assert!(text.contains("'list'"), "{text}");
    }
}
