//! Watching a session cluster until jobs can be submitted to it: REST up, TaskManagers and slots there.

use std::time::{Duration, Instant};

use super::facts::why_unreachable;
use super::start::stuck;
use super::{Error, Event, JobNews, Session};
use crate::flink::workload::Workload;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long trouble of a pod may last.
const GRACE: Duration = Duration::from_secs(20);

impl Session<'_> {
    /// Watches a session cluster until its REST answers and all TaskManagers of the manifest are
    /// registered.
    ///
    /// # Errors
    /// [`Error::Failed`] with what is missing when `--start-timeout` is over, or a pod can't start.
    pub(crate) async fn observe_session(&self, workload: &Workload) -> Result<(), Error> {
        self.step(format!(
            "{}: watching the session cluster until its TaskManagers are there",
            workload.name
        ));
        let begun = Instant::now();
        let mut trouble: Option<Instant> = None;
        loop {
            self.signals.check()?;
            let mut news = JobNews {
                workload: workload.name.clone(),
                ..JobNews::default()
            };
            match self.cluster_is_up(workload).await {
                Ok(words) => {
                    news.ready = true;
                    news.state = "UP".into();
                    news.why = words;
                    self.report.event(Event::Job(news));
                    return Ok(());
                }
                Err(why) => {
                    if begun.elapsed() > self.options.start_timeout {
                        return Err(Error::Failed(format!(
                            "{}: not up within {} s (--start-timeout): {why}",
                            workload.name,
                            self.options.start_timeout.as_secs()
                        )));
                    }
                    news.why = why;
                    self.report.event(Event::Job(news));
                }
            }
            match self.stuck_pod(workload).await {
                Some(why) => {
                    if trouble.get_or_insert_with(Instant::now).elapsed() > GRACE {
                        return Err(Error::Failed(format!("{}: {why}", workload.name)));
                    }
                }
                None => trouble = None,
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What is there of a cluster, or why that is not enough.
    async fn cluster_is_up(&self, workload: &Workload) -> Result<String, String> {
        let rest = self.rest(workload).await.map_err(|e| e.to_string())?;
        let Some(rest) = rest else {
            let pods = self.pods(workload, &workload.jobmanager).await;
            let pods = pods.map_err(|e| e.to_string())?;
            return Err(why_unreachable(pods.first(), "no JobManager pod runs yet"));
        };
        let overview = rest.overview().await.map_err(|e| e.to_string())?;
        match overview.missing(workload) {
            Some(missing) => Err(missing),
            None => Ok(overview.words()),
        }
    }

    /// The trouble of a pod of a workload that waiting won't heal.
    pub(crate) async fn stuck_pod(&self, workload: &Workload) -> Option<String> {
        for owner in workload.owners() {
            let pods = self.pods(workload, owner).await.unwrap_or_default();
            if let Some(why) = pods.iter().find_map(stuck) {
                return Some(why);
            }
        }
        None
    }
}
