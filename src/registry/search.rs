//! Searching the cached indexes, with Helm's order of results.

use regex::Regex;
use serde::Serialize;

use super::{ChartVersion, Error, Index};
use crate::template::funcs::semver::{Constraint, Version};

/// A chart that was found, in Helm's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// `repository/chart`.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The version of what it deploys.
    pub app_version: String,
    /// One sentence.
    pub description: String,
}

/// What to look for.
#[derive(Debug)]
pub enum Term {
    /// Everything.
    All,
    /// Text in the name, description or keywords; letters' case plays no part.
    Text(String),
    /// A regular expression.
    Pattern(Box<Regex>),
}

impl Term {
    /// The term of a command line.
    ///
    /// # Errors
    /// When it is to be a regular expression and is none.
    pub fn new(words: &[String], pattern: bool) -> Result<Self, Error> {
        let text = words.join(" ");
        if words.is_empty() {
            return Ok(Term::All);
        }
        if !pattern {
            return Ok(Term::Text(text.to_lowercase()));
        }
        // A pattern is compiled in bounded space.
        let pattern = regex::RegexBuilder::new(&text)
            .size_limit(1 << 22)
            .build()
            .map_err(|e| Error::Usage(format!("{text:?} is no regular expression: {e}")))?;
        Ok(Term::Pattern(Box::new(pattern)))
    }

    /// Where in a line it stands.
    fn find(&self, line: &str) -> Option<usize> {
        match self {
            Term::All => Some(0),
            Term::Text(text) => line.to_lowercase().find(text),
            Term::Pattern(pattern) => pattern.find(line).map(|m| m.start()),
        }
    }

    /// Whether an entry's text may hold it, so that it is worth to be parsed.
    fn may_be_in(&self, written: Option<&str>) -> bool {
        let (Term::Text(term), Some(written)) = (self, written) else {
            return true;
        };
        // An escaped character can't be looked for.
        if written.contains('\\') {
            return true;
        }
        let written = written.to_lowercase();
        term.split_whitespace().all(|word| written.contains(word))
    }
}

/// What stands between the parts of a line that is searched.
const BETWEEN: char = '\u{b}';

/// Which part of a line a place is in: the fewer, the better the hit.
fn score(line: &str, at: usize) -> usize {
    line.match_indices(BETWEEN)
        .take_while(|(between, _)| at > *between)
        .count()
}

/// Searches repositories, each with its name. Of each chart the newest version that fits is told, or with
/// `all` each one.
pub fn search(
    repositories: &[(String, Index)],
    term: &Term,
    fits: &Constraint,
    all: bool,
) -> Vec<Hit> {
    let mut found: Vec<(usize, String, usize, ChartVersion)> = Vec::new();
    for (repository, index) in repositories {
        for chart in index.names() {
            let name = format!("{repository}/{chart}");
            let mut own = in_chart(repository, index, chart, term, fits, all);
            own.sort_by_key(|(score, at, _)| (*score, *at));
            let taken = if all { own.len() } else { 1 };
            found.extend(
                own.into_iter()
                    .take(taken)
                    .map(|(score, at, version)| (score, name.clone(), at, version)),
            );
        }
    }
    found.sort_by(|(a, a_name, a_at, _), (b, b_name, b_at, _)| {
        (a, a_name, a_at).cmp(&(b, b_name, b_at))
    });
    found
        .into_iter()
        .map(|(_, name, _, version)| Hit {
            name,
            version: version.metadata.version,
            app_version: version.metadata.app_version,
            description: version.metadata.description,
        })
        .collect()
}

/// The versions of a chart that are hits: the score, the place in the order of versions, the version.
fn in_chart(
    repository: &str,
    index: &Index,
    chart: &str,
    term: &Term,
    fits: &Constraint,
    all: bool,
) -> Vec<(usize, usize, ChartVersion)> {
    let written = index.written(chart);
    let mut candidates = written
        .iter()
        .enumerate()
        .filter(|(_, (version, _))| Version::parse(version).is_ok_and(|v| fits.matches(&v)));
    // A name is the same in each version: then the newest is the best.
    let names = format!("{chart}{BETWEEN}{repository}/{chart}{BETWEEN}");
    let by_name = match term {
        Term::Pattern(_) => None,
        _ => term.find(&names).map(|at| score(&names, at)),
    };
    if let Some(score) = by_name {
        let hits = candidates.filter_map(|(at, _)| Some((score, at, index.nth(chart, at)?)));
        return if all {
            hits.collect()
        } else {
            hits.take(1).collect()
        };
    }
    let mut hits = Vec::new();
    for (at, (_, text)) in &mut candidates {
        if !term.may_be_in(*text) {
            continue;
        }
        let Some(version) = index.nth(chart, at) else {
            continue;
        };
        let metadata = &version.metadata;
        let line = format!(
            "{0}{BETWEEN}{repository}/{0}{BETWEEN}{1}{BETWEEN}{2}",
            metadata.name,
            metadata.description,
            metadata.keywords.join(" ")
        );
        if let Some(place) = term.find(&line) {
            hits.push((score(&line, place), at, version));
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_hits_come_first() {
        let text = "apiVersion: v1\nentries:\n  flink:\n  - {name: flink, version: 1.0.0, description: jobs}\n  - {name: \
            flink, version: 2.0.0}\n  kafka:\n  - {name: kafka, version: 1.0.0, description: for flink}\n  - {name: kafka, \
            version: 2.0.0}\n  other:\n  - {name: other, version: 1.0.0, keywords: [FLINK, x]}\n  - {name: other, version: \
            2.0.0-rc.1, keywords: [flink]}\n";
        let index = Index::new("x", text.to_owned()).unwrap();
        let all = [("stable".to_owned(), index)];
        let run = |term: Term, constraint: &str, every: bool| {
            let fits = Constraint::parse(constraint).unwrap();
            search(&all, &term, &fits, every)
                .into_iter()
                .map(|h| format!("{} {}", h.name, h.version))
                .collect::<Vec<_>>()
        };
        let text = |t: &str| Term::new(&[t.to_owned()], false).unwrap();
        assert_eq!(
            run(text("Flink"), ">0.0.0", false),
            [
                "stable/flink 2.0.0",
                "stable/kafka 1.0.0",
                "stable/other 1.0.0"
            ]
        );
        assert_eq!(
            run(text("stable/flink"), ">0.0.0", false),
            ["stable/flink 2.0.0"]
        );
        assert_eq!(
            run(text("kafka"), ">0.0.0", true),
            ["stable/kafka 2.0.0", "stable/kafka 1.0.0"]
        );
        assert_eq!(
            run(text("flink"), ">0.0.0-0", false)[2],
            "stable/other 2.0.0-rc.1"
        );
        let pattern = Term::new(&["^fl".to_owned()], true).unwrap();
        assert_eq!(run(pattern, ">0.0.0", false), ["stable/flink 2.0.0"]);
        assert_eq!(run(Term::All, "^1", false).len(), 3);
        assert!(Term::new(&["(".to_owned()], true).is_err());
    }
}
