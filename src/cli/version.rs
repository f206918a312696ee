//! `nutkin version`: nutkin's own, and those of the Helm and the Kubernetes that it follows.

use std::process::ExitCode;

use serde_json::json;

use super::Context;
use super::error::{CommandError, Kind};
use super::output::Format;
use crate::render::DEFAULT_KUBE_VERSION;
use crate::template::gotmpl::engine::render_text;
use crate::template::gotmpl::exec;
use crate::template::gotmpl::objects::HelmVersion;

/// Print nutkin's version, and those of the Helm and the Kubernetes that it follows
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin version
  nutkin version --short
  nutkin version --template '{{ .Version }} as {{ .HelmVersion }}'")]
pub struct Args {
    /// Print only the number
    #[arg(long)]
    short: bool,
    /// A Go template of Version, HelmVersion and KubeClientVersion
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "short")]
    template: Option<String>,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t, conflicts_with_all = ["short", "template"])]
    output: Format,
}

impl Args {
    /// Prints it.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let version = format!("v{}", env!("CARGO_PKG_VERSION"));
        let helm = HelmVersion::default().version;
        if self.short {
            cx.output.data(&format!("{version}\n"))?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(template) = &self.template {
            let data = json!({
                "Version": version,
                "HelmVersion": helm,
                "KubeClientVersion": DEFAULT_KUBE_VERSION,
            });
            let text = render_text("version", template, &data, &exec::Options::default());
            let text =
                text.map_err(|e| CommandError::new(Kind::Usage, format_args!("--template: {e}")))?;
            cx.output.data(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
        let all = json!({
            "version": version,
            "helmVersion": helm,
            "kubeVersion": DEFAULT_KUBE_VERSION,
        });
        cx.output.formatted(self.output, &all, || {
            format!("nutkin {version}; renders as Helm {helm}, for Kubernetes {DEFAULT_KUBE_VERSION} where none is asked\n")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
