//! Findings for people, for GitHub and for code scanners (SARIF 2.1.0).

use serde_json::{Value, json};

use super::{Finding, Level, RULES};

impl Level {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

fn path(root: &str, finding: &Finding) -> String {
    match root.trim_end_matches('/') {
        "" | "." => finding.file.clone(),
        root => format!("{root}/{}", finding.file),
    }
}

/// A path as a relative URI: what stands for something else there is encoded.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/@+,=()".contains(&b);
    let mut text = String::new();
    for byte in path.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// One finding as lines for people: place, level, rule, reason, fix. `root` is the chart's folder.
pub fn text(root: &str, finding: &Finding) -> String {
    let line = finding.line.map(|l| format!(":{l}")).unwrap_or_default();
    format!(
        "{}{line}: {} [{}] {}\n    fix: {}\n",
        path(root, finding),
        finding.level.word(),
        finding.rule,
        finding.message,
        finding.fix
    )
}

/// One finding as a workflow command of GitHub Actions.
pub fn github(root: &str, finding: &Finding) -> String {
    let level = if finding.level == Level::Note {
        "notice"
    } else {
        finding.level.word()
    };
    let property = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
            .replace(':', "%3A")
            .replace(',', "%2C")
    };
    let data = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let line = finding
        .line
        .map(|l| format!(",line={l}"))
        .unwrap_or_default();
    format!(
        "::{level} file={}{line},title={}::{}; fix: {}\n",
        property(&path(root, finding)),
        property(finding.rule),
        data(&finding.message),
        data(finding.fix)
    )
}

/// All findings as a SARIF log; each comes with its chart's folder.
pub fn sarif(findings: &[(String, Finding)]) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.about },
                "help": { "text": rule.fix },
                "defaultConfiguration": { "level": rule.level.word() },
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|(root, finding)| {
            json!({
                "ruleId": finding.rule,
                "level": finding.level.word(),
                "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule).unwrap_or_default(),
                "message": { "text": format!("{}; fix: {}", finding.message, finding.fix) },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": uri(&path(root, finding)) },
                        "region": { "startLine": finding.line.unwrap_or(1) },
                    },
                }],
            })
        })
        .collect();
    json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": { "driver": {
                "name": "nutkin",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    })
}
