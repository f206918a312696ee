//! `test`: the test hooks of a release.

use super::hooks::Ran;
use super::interrupted::Left;
use super::{Error, Session};
use crate::cluster::ObjectRef;
use crate::plan::hooks::order;
use crate::release::{Release, Status};

/// Which tests run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of these names; empty: all.
    pub only: Vec<String>,
    /// None of these names.
    pub without: Vec<String>,
}

impl Filter {
    /// Reads `name=a` and `!name=a`.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(texts: &[String]) -> Result<Filter, Error> {
        let mut filter = Filter::default();
        for text in texts {
            if let Some(name) = text.strip_prefix("name=") {
                filter.only.push(name.to_owned());
            } else if let Some(name) = text
                .strip_prefix('!')
                .and_then(|rest| rest.trim_start().strip_prefix("name="))
            {
                filter.without.push(name.to_owned());
            } else {
                return Err(Error::Invalid(format!(
                    "{text:?} is no filter; write name=NAME or !name=NAME"
                )));
            }
        }
        Ok(filter)
    }

    fn takes(&self, name: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|n| n == name);
        !named(&self.without) && (self.only.is_empty() || named(&self.only))
    }
}

/// How the tests of a release went.
pub struct Tested {
    /// The release, with the runs in its hooks.
    pub release: Release,
    /// The logs of the tests' pods, where they were asked for: pod, container, lines.
    pub logs: Vec<(String, String, Vec<String>)>,
    /// Why it failed.
    pub failure: Option<Error>,
}

impl Session<'_> {
    /// Runs the release's tests. Its objects and jobs stay as they are; the record keeps how each
    /// test went.
    ///
    /// # Errors
    /// Where there is no such release, or nothing can be run; a test's failure is in what is returned.
    pub async fn test(&self, filter: &Filter, logs: bool) -> Result<Tested, Error> {
        // Begun to be read when the lock was taken.
        let past = self.past().await?;
        let Some(last) = past
            .history
            .last()
            .filter(|l| l.release.info.status != Status::Uninstalled)
        else {
            return Err(Error::NotFound(format!(
                "release {:?} not found in namespace {:?}",
                self.release, self.namespace
            )));
        };
        let tests: Vec<&str> = order(&last.release.hooks, "test")
            .into_iter()
            .filter_map(|i| last.release.hooks.get(i))
            .map(|h| h.name.as_str())
            .collect();
        for name in &filter.only {
            if !tests.contains(&name.as_str()) {
                self.warn(format!(
                    "release {:?} has no test {name:?} (it has: {})",
                    self.release,
                    tests.join(", ")
                ));
            }
        }
        if let Left::Open(journal) | Left::Ended(journal) = &past.left {
            self.warn(format!(
                "the {} of revision {} has not ended",
                journal.operation.word(),
                journal.revision
            ));
        }
        let mut stored = last.clone();
        let ran = self
            .execute_hooks("test", |h| filter.takes(&h.name), &mut stored, None)
            .await?;
        self.store().update(&stored).await?;
        let mut shown = Vec::new();
        if logs {
            for reference in objects(&ran) {
                shown.extend(self.hook_logs(&reference, 100_000).await);
            }
        }
        let failure = self.clean_hooks(ran).await.err();
        Ok(Tested {
            release: stored.release,
            logs: shown,
            failure,
        })
    }
}

fn objects(ran: &Ran) -> Vec<ObjectRef> {
    let failed = ran.failed.as_ref().and_then(|(record, _)| record.as_ref());
    ran.succeeded
        .iter()
        .chain(failed)
        .map(crate::plan::hooks::HookRecord::reference)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let parse = |texts: &[&str]| {
            Filter::parse(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>())
        };
        let filter = parse(&["name=a", "! name=b", "!name=c"]).unwrap();
        assert!(filter.takes("a") && !filter.takes("b") && !filter.takes("d"));
        let filter = parse(&["!name=b"]).unwrap();
        assert!(filter.takes("a") && !filter.takes("b"));
        assert!(parse(&["label=a"]).is_err());
    }
}
