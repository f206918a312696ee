//! `nutkin apply`: carries a saved plan out.

use std::path::PathBuf;
use std::process::ExitCode;

use super::conceal::conceal;
use super::output::Format;
use super::progress::Progress;
use super::release_flags::session;
use super::render_flags::RevisionFlags;
use super::shown::show_outcome;
use super::uninstall::show_end;
use super::{Context, error::CommandError, error::Kind, plan_file};
use crate::action::Applied;

/// Carry out a plan that `nutkin plan --out FILE` saved, exactly as it was shown
///
/// Everything is tried on the server once more. If the release, an object or a job is not what it was when
/// the plan was made, nothing is done and the exit code is 80.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin plan upgrade orders charts/flink-application --out orders.plan
  nutkin apply orders.plan
  nutkin apply orders.plan.age --age-identity key.txt")]
pub struct Args {
    /// The plan's file
    file: PathBuf,
    /// A file with the age identity that opens an encrypted plan, besides $SOPS_AGE_KEY,
    /// $SOPS_AGE_KEY_FILE and ~/.config/sops/age/keys.txt. May be repeated
    #[arg(long, value_name = "FILE")]
    age_identity: Vec<PathBuf>,
    /// The shape of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Args {
    /// Applies.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let saved = plan_file::read(&self.file, &self.age_identity)?;
        if let Some(other) = &cx.global.namespace
            && *other != saved.namespace
        {
            return Err(CommandError::new(
                Kind::Usage,
                format_args!(
                    "the plan is for the namespace {:?}, not {other:?}",
                    saved.namespace
                ),
            ));
        }
        let mut cx = Context {
            global: cx.global.clone(),
            output: cx.output,
        };
        cx.global.namespace = Some(saved.namespace.clone());
        let cx = &cx;
        let name = saved.release.clone();
        let progress = Progress::new(cx.output, self.output);
        let applied = cx.block_on(async {
            let mut session = session(cx, &name, saved.options.clone(), &progress, true).await?;
            session.lock().await?;
            let applied = session.apply_saved(saved).await;
            session.unlock().await;
            Ok(applied?)
        });
        progress.end();
        match applied? {
            Applied::Revision(mut outcome) => {
                conceal(&cx.output, &mut outcome.release);
                show_outcome(cx, &outcome, self.output, &RevisionFlags::default(), false)
            }
            Applied::End(ended) => {
                show_end(cx, &name, &ended, false)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
