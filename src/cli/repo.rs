//! `nutkin repo`: the chart repositories that are known by a name.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use futures::StreamExt as _;
use serde::Serialize;

use super::downloads::Downloads;
use super::error::{CommandError, Kind};
use super::output::{Format, columns};
use super::release_flags::duration;
use super::when::now;
use super::{Context, prompt};
use crate::registry::{
    self, Index, IndexFile, Repositories, Repository, download_index, index_folder,
};

/// How many indexes are fetched at once.
const PARALLEL: usize = 8;

/// Addresses that are gone for good, and where their charts are now, as Helm knows them.
const GONE: [(&str, &str); 2] = [
    (
        "//kubernetes-charts.storage.googleapis.com",
        "https://charts.helm.sh/stable",
    ),
    (
        "//kubernetes-charts-incubator.storage.googleapis.com",
        "https://charts.helm.sh/incubator",
    ),
];

/// Add, list, refresh and remove chart repositories, or make the index of one
///
/// The files are Helm's: what one of the two adds, the other knows.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(Add),
    #[command(visible_alias = "ls")]
    List(List),
    #[command(visible_alias = "up")]
    Update(Update),
    #[command(visible_alias = "rm")]
    Remove(Remove),
    Index(MakeIndex),
}

/// Add a chart repository under a name
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin repo add flink https://charts.example.com/flink\n  \
echo \"$PASSWORD\" | nutkin repo add private https://charts.example.com --username ci --password-stdin"
)]
struct Add {
    /// The name; charts are called NAME/CHART then
    name: String,
    /// The address, below which index.yaml lies
    url: String,
    /// The user
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The user's password
    #[arg(long, value_name = "PASSWORD", requires = "username")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username", conflicts_with = "password")]
    password_stdin: bool,
    /// Trust these certificate authorities (PEM) instead of the machine's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The client's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of the client's certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// Don't check the server's certificate
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// Give the credentials to other hosts too, when a chart lies there
    #[arg(long)]
    pass_credentials: bool,
    /// Replace a repository of the same name
    #[arg(long)]
    force_update: bool,
    /// Keep the cached index of a repository that is there already (the default; for scripts of Helm 2)
    #[arg(long, hide = true)]
    no_update: bool,
    /// Allow addresses that are known to be gone
    #[arg(long)]
    allow_deprecated_repos: bool,
    /// How long fetching the index may take
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    timeout: Duration,
}

/// List the chart repositories
#[derive(Debug, clap::Args)]
struct List {
    /// Leave out the headers of the table
    #[arg(long)]
    no_headers: bool,
    /// The shape of the output
    #[arg(short = 'o', long, value_enum, default_value_t, value_name = "SHAPE")]
    output: Format,
}

/// Fetch the indexes of chart repositories anew
#[derive(Debug, clap::Args)]
struct Update {
    /// The repositories' names (default: all)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How long fetching an index may take
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    timeout: Duration,
}

/// Remove chart repositories
#[derive(Debug, clap::Args)]
struct Remove {
    /// The repositories' names
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// Make index.yaml of a folder of packaged charts
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin repo index ./public --url https://charts.example.com\n  \
nutkin repo index ./new --merge ./public/index.yaml --url https://charts.example.com"
)]
struct MakeIndex {
    /// The folder; archives in it and in the folders right below it are taken
    folder: PathBuf,
    /// The address of the repository, to stand before the archives' names
    #[arg(long, value_name = "URL", default_value = "")]
    url: String,
    /// Add the charts of this index, but for the versions that the folder has
    #[arg(long, value_name = "FILE")]
    merge: Option<PathBuf>,
    /// Write it as JSON
    #[arg(long)]
    json: bool,
}

/// A repository as it is listed, in Helm's shape.
#[derive(Serialize)]
struct Row {
    name: String,
    url: String,
}

impl Args {
    /// Runs the command below.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        match self.command {
            Command::Add(add) => add.run(cx)?,
            Command::List(list) => list.run(cx)?,
            Command::Update(update) => update.run(cx)?,
            Command::Remove(remove) => remove.run(cx)?,
            Command::Index(index) => index.run(cx)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\');
        if self.name.is_empty()
            || self.name.starts_with(['.', '@'])
            || !self.name.chars().all(plain)
        {
            return Err(CommandError::new(
                Kind::Usage,
                format_args!(
                    "{:?} is no name for a repository: it may have no /, and must not begin with . or @",
                    self.name
                ),
            ));
        }
        let gone = GONE.iter().find(|(old, _)| self.url.contains(old));
        if let (Some((_, new)), false) = (gone, self.allow_deprecated_repos) {
            return Err(CommandError::new(
                Kind::NotFound,
                format_args!("the repository at {} is gone for good", self.url),
            )
            .hint(format_args!("{new}, or --allow-deprecated-repos")));
        }
        let places = cx.global.places.places();
        let repository = self.repository()?;
        let exists = |all: &Repositories| -> Result<bool, CommandError> {
            match all.get(&self.name).filter(|_| !self.force_update) {
                None => Ok(false),
                Some(old) if *old == repository => Ok(true),
                Some(_) => Err(CommandError::new(
                    Kind::Taken,
                    format_args!(
                        "there is a repository {:?} with another address or other flags",
                        self.name
                    ),
                )
                .hint("another name, or --force-update")),
            }
        };
        if exists(&Repositories::load(&places)?)? {
            return cx.output.data(&format!(
                "{:?} already exists with the same configuration, skipping\n",
                self.name
            ));
        }
        let downloads = Downloads::new(cx.output);
        let mut access = repository.access();
        access.timeout = self.timeout;
        let fetched = cx.block_on(async {
            Ok(download_index(&self.name, &self.url, &access, &places, &downloads).await?)
        });
        downloads.end();
        fetched?;
        Repositories::change(&places, |all| {
            all.set(repository.clone());
            Ok(())
        })?;
        cx.output.data(&format!(
            "{:?} has been added to your repositories\n",
            self.name
        ))
    }

    fn repository(&self) -> Result<Repository, CommandError> {
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref().map(|p| p.display().to_string());
            path.unwrap_or_default()
        };
        let password = match (&self.username, &self.password) {
            (None, _) => String::new(),
            (Some(_), Some(password)) => password.clone(),
            (Some(_), None) if self.password_stdin => prompt::first_line("-")?,
            (Some(_), None) => prompt::ask("Password", "--password-stdin")?,
        };
        Ok(Repository {
            name: self.name.clone(),
            url: self.url.clone(),
            username: self.username.clone().unwrap_or_default(),
            password,
            cert_file: path(&self.cert_file),
            key_file: path(&self.key_file),
            ca_file: path(&self.ca_file),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            pass_credentials_all: self.pass_credentials,
        })
    }
}

impl List {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        let all = Repositories::load(&cx.global.places.places())?;
        let rows: Vec<Row> = all
            .all()
            .iter()
            .map(|r| Row {
                name: r.name.clone(),
                url: r.url.clone(),
            })
            .collect();
        if rows.is_empty() && self.output == Format::Table {
            cx.output.note("no repositories to show");
            return Ok(());
        }
        cx.output.formatted(self.output, &rows, || {
            let headers: &[&str] = if self.no_headers {
                &[]
            } else {
                &["NAME", "URL"]
            };
            let rows: Vec<Vec<String>> = rows
                .iter()
                .map(|r| vec![r.name.clone(), r.url.clone()])
                .collect();
            columns(headers, &rows)
        })
    }
}

impl Update {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        let places = cx.global.places.places();
        let known = Repositories::load(&places)?;
        if known.all().is_empty() {
            return Err(no_repositories());
        }
        for name in &self.names {
            if known.get(name).is_none() {
                return Err(missing(name, &known));
            }
        }
        let chosen = known
            .all()
            .iter()
            .filter(|r| self.names.is_empty() || self.names.contains(&r.name));
        let downloads = Downloads::new(cx.output);
        let one = |repository: &Repository| {
            let (repository, places, downloads) = (repository.clone(), &places, &downloads);
            let timeout = self.timeout;
            async move {
                let mut access = repository.access();
                access.timeout = timeout;
                let result = download_index(
                    &repository.name,
                    &repository.url,
                    &access,
                    places,
                    downloads,
                )
                .await;
                (repository.name, result)
            }
        };
        let results: Vec<(String, Result<Index, registry::Error>)> = cx.block_on(async {
            Ok(futures::stream::iter(chosen.map(one))
                .buffered(PARALLEL)
                .collect()
                .await)
        })?;
        downloads.end();
        let mut failed = Vec::new();
        for (name, result) in results {
            match result {
                Ok(index) => cx
                    .output
                    .data(&format!("{name}: {} charts\n", index.names().count()))?,
                Err(e) => {
                    let e = CommandError::from(e);
                    cx.output.note(&format!("{name}: {e}"));
                    failed.push((name, e.kind));
                }
            }
        }
        let Some((_, kind)) = failed.first() else {
            return Ok(());
        };
        let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
        Err(CommandError::new(
            *kind,
            format_args!("not refreshed: {}", names.join(", ")),
        ))
    }
}

impl Remove {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        let places = cx.global.places.places();
        let known = Repositories::load(&places)?;
        if known.all().is_empty() {
            return Err(no_repositories());
        }
        if let Some(name) = self.names.iter().find(|n| known.get(n).is_none()) {
            return Err(missing(name, &known));
        }
        Repositories::change(&places, |all| {
            for name in &self.names {
                all.remove(name);
            }
            Ok(())
        })?;
        for name in &self.names {
            registry::forget_index(name, &places)?;
            cx.output.data(&format!(
                "{name:?} has been removed from your repositories\n"
            ))?;
        }
        Ok(())
    }
}

impl MakeIndex {
    fn run(self, cx: &Context) -> Result<(), CommandError> {
        if !self.folder.is_dir() {
            return Err(CommandError::new(
                Kind::NotFound,
                format_args!("there is no folder {}", self.folder.display()),
            ));
        }
        let now = now();
        let (mut index, skipped) = index_folder(&self.folder, &self.url, &now)?;
        for (path, e) in skipped {
            cx.output
                .note(&format!("Warning: {} is left out: {e}", path.display()));
        }
        if let Some(path) = &self.merge {
            match Index::read(path)? {
                Some(older) => index.merge(&older),
                // As Helm does: the next run finds one.
                None => IndexFile::empty(&now).write(path, self.json)?,
            }
        }
        let path = self.folder.join("index.yaml");
        index.write(&path, self.json)?;
        let (charts, versions) = index.counts();
        cx.output.note(&format!(
            "{}: {charts} charts, {versions} versions",
            path.display()
        ));
        Ok(())
    }
}

/// There are none at all.
pub fn no_repositories() -> CommandError {
    CommandError::new(Kind::NotFound, "there are no repositories").hint("nutkin repo add NAME URL")
}

fn missing(name: &str, known: &Repositories) -> CommandError {
    let names: Vec<&str> = known.all().iter().map(|r| r.name.as_str()).collect();
    CommandError::new(
        Kind::NotFound,
        format_args!("there is no repository {name:?}; nothing was changed"),
    )
    .hint(format_args!("one of: {}", names.join(", ")))
}
