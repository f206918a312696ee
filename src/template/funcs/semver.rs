//! Versions and constraints by the grammar that Helm charts use (Masterminds/semver 3): lenient
//! versions (`v1.2`), `||`, commas, hyphen ranges, `~`, `^`, wildcards, prereleases on request.

use std::cmp::Ordering;
use std::fmt;

/// Why a text is no version or constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a version.
    #[error("invalid semantic version {0:?}")]
    Version(String),
    /// Not a constraint.
    #[error("improper constraint: {0:?}")]
    Constraint(String),
}

/// A semantic version; missing parts are zero. Compared by precedence: build metadata doesn't count.
#[derive(Debug, Clone)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// What stands behind `-`; empty where there is nothing.
    pub pre: String,
    /// What stands behind `+`; empty where there is nothing.
    pub build: String,
    original: String,
}

impl Version {
    /// Reads a version as Masterminds' `NewVersion` does: a leading `v`, one or two numbers and
    /// leading zeros are allowed.
    ///
    /// # Errors
    /// When the text is no version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || Error::Version(text.to_owned());
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = rest
            .split_once('+')
            .map_or((rest, None), |(r, b)| (r, Some(b)));
        let (numbers, pre) = rest
            .split_once('-')
            .map_or((rest, None), |(r, p)| (r, Some(p)));
        let parts: Vec<&str> = numbers.split('.').collect();
        let number = |part: &str| -> Result<u64, Error> {
            if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad());
            }
            part.parse().map_err(|_| bad())
        };
        let (major, minor, patch) = match parts.as_slice() {
            [major] => (number(major)?, 0, 0),
            [major, minor] => (number(major)?, number(minor)?, 0),
            [major, minor, patch] => (number(major)?, number(minor)?, number(patch)?),
            _ => return Err(bad()),
        };
        let identifiers_ok = |list: &str, zeros: bool| {
            list.split('.').all(|id| {
                let number = id.bytes().all(|b| b.is_ascii_digit());
                !id.is_empty()
                    && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && (zeros || !number || id.len() == 1 || !id.starts_with('0'))
            })
        };
        if !pre.is_none_or(|p| identifiers_ok(p, false))
            || !build.is_none_or(|b| identifiers_ok(b, true))
        {
            return Err(bad());
        }
        Ok(Version {
            major,
            minor,
            patch,
            pre: pre.unwrap_or_default().to_owned(),
            build: build.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        })
    }

    /// The text it was read from.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Whether it is SemVer 2 to the letter: three numbers without leading zeros, no `v`.
    pub fn is_strict(&self) -> bool {
        self.original == self.to_string()
    }

    fn numbers(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers()
            .cmp(&other.numbers())
            .then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

/// Precedence of prereleases (SemVer 2, section 11): none is the highest.
fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => (x, y),
        };
        let order = match (x.parse::<u64>(), y.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// None or `=`: a tilde range where parts are missing.
    Equal,
    NotEqual,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

/// How much of a comparator's version was written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Nothing,
    Major,
    Minor,
    All,
}

#[derive(Debug, Clone)]
struct Comparator {
    operator: Operator,
    version: Version,
    written: Written,
}

/// A constraint on versions: alternatives (`||`) of comparators that must all hold.
#[derive(Debug, Clone)]
pub struct Constraint {
    alternatives: Vec<Vec<Comparator>>,
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// When the text is none; the empty text is none either.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let alternatives = text
            .split("||")
            .map(parse_alternative)
            .collect::<Option<Vec<_>>>();
        alternatives
            .map(|alternatives| Constraint { alternatives })
            .ok_or_else(|| Error::Constraint(text.to_owned()))
    }

    /// Whether a version satisfies it. A prerelease does so only where an alternative names one.
    pub fn matches(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| {
            let pre_allowed = all.iter().any(|c| !c.version.pre.is_empty());
            (pre_allowed || version.pre.is_empty()) && all.iter().all(|c| c.matches(version))
        })
    }
}

impl Comparator {
    fn matches(&self, v: &Version) -> bool {
        let c = &self.version;
        match (self.operator, self.written) {
            (Operator::Equal, Written::All) => v == c,
            (Operator::Equal | Operator::Tilde, _) => self.tilde(v),
            (Operator::NotEqual, Written::Major) => v.major != c.major,
            (Operator::NotEqual, Written::Minor) => {
                (v.major, v.minor) != (c.major, c.minor)
                    || ((!v.pre.is_empty() || !c.pre.is_empty()) && v.pre != c.pre)
            }
            (Operator::NotEqual, Written::Nothing | Written::All) => v != c,
            (Operator::Greater, Written::Major) => v.major > c.major,
            (Operator::Greater, Written::Minor) => (v.major, v.minor) > (c.major, c.minor),
            (Operator::Greater, _) => v > c,
            (Operator::Less, _) => v < c,
            (Operator::AtLeast, _) => v >= c,
            (Operator::AtMost, Written::All) => v <= c,
            (Operator::AtMost, Written::Major) => v.major <= c.major,
            (Operator::AtMost, _) => (v.major, v.minor) <= (c.major, c.minor),
            (Operator::Caret, _) => self.caret(v),
        }
    }

    fn tilde(&self, v: &Version) -> bool {
        let c = &self.version;
        if v < c {
            return false;
        }
        match self.written {
            Written::Nothing => true,
            // `~0.0.0` takes everything, as `~*` does: Masterminds can't tell them apart.
            Written::All if c.numbers() == (0, 0, 0) => true,
            Written::Major => v.major == c.major,
            Written::Minor | Written::All => (v.major, v.minor) == (c.major, c.minor),
        }
    }

    fn caret(&self, v: &Version) -> bool {
        let c = &self.version;
        if v < c {
            return false;
        }
        if c.major > 0 || self.written == Written::Major {
            return v.major == c.major;
        }
        if v.major > 0 {
            return false;
        }
        if c.minor > 0 || self.written == Written::Minor {
            return v.minor == c.minor;
        }
        v.minor == 0 && v.patch == c.patch
    }
}

fn parse_alternative(text: &str) -> Option<Vec<Comparator>> {
    let mut comparators = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let (operator, after) = take_operator(rest);
        let (first, after) = take_version(after.trim_start())?;
        let implied = operator.is_none();
        // `1.2 - 1.4` is `>= 1.2, <= 1.4`.
        let range_end = after
            .strip_prefix([' ', '\t', '\n'])
            .and_then(|a| a.trim_start().strip_prefix('-'))
            .filter(|a| a.starts_with([' ', '\t', '\n']))
            .and_then(|a| take_version(a.trim_start()));
        let after = match range_end {
            Some((last, after)) if implied => {
                comparators.push(comparator(Operator::AtLeast, first)?);
                comparators.push(comparator(Operator::AtMost, last)?);
                after
            }
            _ => {
                comparators.push(comparator(operator.unwrap_or(Operator::Equal), first)?);
                after
            }
        };
        let trimmed = after.trim_start();
        if trimmed.is_empty() {
            return Some(comparators);
        }
        rest = match trimmed.strip_prefix(',') {
            Some(rest) => rest.trim_start(),
            None if trimmed.len() < after.len() => trimmed,
            None => return None,
        };
    }
}

fn take_operator(text: &str) -> (Option<Operator>, &str) {
    const OPERATORS: [(&str, Operator); 11] = [
        ("!=", Operator::NotEqual),
        (">=", Operator::AtLeast),
        ("=>", Operator::AtLeast),
        ("<=", Operator::AtMost),
        ("=<", Operator::AtMost),
        ("~>", Operator::Tilde),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("~", Operator::Tilde),
        ("^", Operator::Caret),
    ];
    for (sign, operator) in OPERATORS {
        if let Some(rest) = text.strip_prefix(sign) {
            return (Some(operator), rest);
        }
    }
    (None, text)
}

/// Cuts a version with wildcards from the start of a text.
fn take_version(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let number = |b: u8| b.is_ascii_digit() || matches!(b, b'x' | b'X' | b'*');
    let identifier = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let run = |mut i: usize, fits: &dyn Fn(u8) -> bool| {
        while fits(at(i)) {
            i += 1;
        }
        i
    };
    let start = usize::from(at(0) == b'v');
    let mut end = run(start, &number);
    if end == start {
        return None;
    }
    for _ in 0..2 {
        if at(end) == b'.' && number(at(end + 1)) {
            end = run(end + 1, &number);
        }
    }
    for sign in [b'-', b'+'] {
        if at(end) == sign && identifier(at(end + 1)) {
            end = run(end + 1, &identifier);
            while at(end) == b'.' && identifier(at(end + 1)) {
                end = run(end + 1, &identifier);
            }
        }
    }
    text.split_at_checked(end)
}

fn comparator(operator: Operator, text: &str) -> Option<Comparator> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let cut = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, suffix) = text.split_at_checked(cut)?;
    // Build metadata plays no part in a comparison.
    let pre = suffix.split('+').next().unwrap_or_default();
    let wild = |part: Option<&&str>| part.is_none_or(|p| matches!(*p, "x" | "X" | "*"));
    let parts: Vec<&str> = numbers.split('.').collect();
    let (written, base) = if wild(parts.first()) {
        (Written::Nothing, "0.0.0".to_owned())
    } else if wild(parts.get(1)) {
        (Written::Major, format!("{}.0.0", parts.first()?))
    } else if wild(parts.get(2)) {
        (
            Written::Minor,
            format!("{}.{}.0", parts.first()?, parts.get(1)?),
        )
    } else {
        (Written::All, numbers.to_owned())
    };
    let version = Version::parse(&format!("{base}{pre}")).ok()?;
    Some(Comparator {
        operator,
        version,
        written,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(constraint: &str, version: &str) -> bool {
        Constraint::parse(constraint)
            .unwrap()
            .matches(&Version::parse(version).unwrap())
    }

    #[test]
    fn versions_are_read_leniently() {
        for (text, shown) in [
            ("1", "1.0.0"),
            ("v1.2", "1.2.0"),
            ("1.2.3-beta.1+b345", "1.2.3-beta.1+b345"),
            ("01.02.03", "1.2.3"),
            ("1.37.2-gke.1", "1.37.2-gke.1"),
        ] {
            assert_eq!(Version::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "v",
            "1.2.3.4",
            "1.2.beta",
            "1.2.3-",
            "1.2.3-01",
            "1.x",
            " 1",
            "1.2.3+",
            "99999999999999999999",
        ] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn precedence() {
        let sorted = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.1.0",
        ];
        for pair in sorted.windows(2) {
            assert!(
                Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(),
                "{pair:?}"
            );
        }
        assert_eq!(
            Version::parse("1.0.0+a").unwrap(),
            Version::parse("1.0.0+b").unwrap()
        );
    }

    #[test]
    fn constraints() {
        for (constraint, version, expected) in [
            ("=2.0.0", "2.0.0", true),
            ("2.0", "2.0.9", true),
            ("2", "2.7.1", true),
            ("4.1", "4.2.0", false),
            ("!=4.x", "4.1.0", false),
            ("!=4.x", "5.1.0", true),
            ("!=4.2.x", "4.3.0", true),
            ("!=4.2.x", "4.2.9", false),
            (">11", "11.1.0", false),
            (">11", "12.0.0", true),
            (">11.1", "11.1.9", false),
            (">11.1", "11.2.0", true),
            (">=11", "11.0.0", true),
            ("<=11", "11.9.9", true),
            ("<=11", "12.0.0", false),
            ("<=2.x-beta.0", "1.1.0", true),
            ("<1.1", "1.1.0", false),
            ("=>1.1", "1.1.0", true),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("~1", "1.9.9", true),
            ("~>1.2", "1.3.0", false),
            ("~0.0.0", "3.4.5", true),
            ("~*", "3.4.5", true),
            ("^1.2", "1.9.0", true),
            ("^1.2", "2.0.0", false),
            ("^0.2.3", "0.2.9", true),
            ("^0.2.3", "0.3.0", false),
            ("^0.0.3", "0.0.3", true),
            ("^0.0.3", "0.0.4", false),
            ("^0.0", "0.0.9", true),
            ("^0", "0.9.0", true),
            ("*", "1.0.0", true),
            ("*", "1.0.0-alpha", false),
            (">=1.20-0", "1.37.2-gke.1", true),
            (">=1.20", "1.37.2-gke.1", false),
            (">=1.20.0 <2.0.0", "1.37.2", true),
            (">=1.20.0, <1.30", "1.37.2", false),
            ("1.2 - 1.4", "1.4.9", true),
            ("1.2 - 1.4", "1.5.0", false),
            ("1.1 - 2, !=1.5.0", "1.5.0", false),
            ("<1 || >=2.3", "2.4.0", true),
            ("<1||>=2.3", "1.4.0", false),
            (">= 1.1 || < 0.5", "1.1.0", true),
        ] {
            assert_eq!(
                fits(constraint, version),
                expected,
                "{constraint} on {version}"
            );
        }
        for text in [
            "",
            "abc",
            ">=1.2.3<2",
            "1.2.3.4",
            ">>1",
            "1 ||",
            "latest",
            "> 1 - 2",
        ] {
            assert!(Constraint::parse(text).is_err(), "{text}");
        }
    }
}
