//! .helmignore, with Helm's semantics: the first rule that matches ends the search, `!` keeps only
//! what it matches, `**` is an error (Helm 4.3 `pkg/ignore`).

use super::pathmatch::path_match;

/// The rules of one .helmignore, with Helm's default appended: files in `templates/` whose names
/// begin with a dot are never loaded.
#[derive(Debug)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: String,
    /// The pattern has no `/`: only the last part of a path is compared.
    base_only: bool,
    must_be_dir: bool,
    negated: bool,
}

impl Rules {
    /// Reads the file's text. An error is the line, from 1, and what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut rules = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if let Some(rule) = Rule::parse(line).map_err(|e| (index + 1, e))? {
                rules.push(rule);
            }
        }
        rules.push(Rule {
            pattern: "templates/.?*".to_owned(),
            base_only: false,
            must_be_dir: false,
            negated: false,
        });
        Ok(Rules(rules))
    }

    /// Whether a path (relative, `/` between folders) is left out.
    pub(super) fn ignores(&self, path: &str, is_dir: bool) -> bool {
        for rule in &self.0 {
            let fits = (!rule.must_be_dir || is_dir) && rule.fits(path);
            // A negated rule leaves out all that it does not match, and lets the rest go on.
            if fits != rule.negated {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Option<Self>, String> {
        let rule = line.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(None);
        }
        if rule.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        path_match(rule, "abc").map_err(|e| format!("{e}: {rule}"))?;
        let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |r| (true, r));
        let (must_be_dir, rule) = rule.strip_suffix('/').map_or((false, rule), |r| (true, r));
        let (base_only, rule) = match rule.strip_prefix('/') {
            Some(rule) => (false, rule),
            None => (!rule.contains('/'), rule),
        };
        Ok(Some(Rule {
            pattern: rule.to_owned(),
            base_only,
            must_be_dir,
            negated,
        }))
    }

    fn fits(&self, path: &str) -> bool {
        let subject = if self.base_only {
            path.rsplit('/').next().unwrap_or(path)
        } else {
            path
        };
        path_match(&self.pattern, subject).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(rules: &str, path: &str, is_dir: bool) -> bool {
        Rules::parse(rules).unwrap().ignores(path, is_dir)
    }

    #[test]
    fn rules_of_one_line() {
        for (rule, path, is_dir, expected) in [
            ("helm.txt", "helm.txt", false, true),
            ("helm.*", "helm.txt", false, true),
            ("tiller.*", "cargo/a.txt", false, false),
            ("*/a.txt", "cargo/a.txt", false, true),
            ("mast/", "mast", true, true),
            ("mast/", "mast", false, false),
            ("/a.txt", "a.txt", false, true),
            ("/a.txt", "cargo/a.txt", false, false),
            ("/cargo/a.txt", "cargo/a.txt", false, true),
            ("!helm.txt", "helm.txt", false, false),
            ("!helm.txt", "tiller.txt", false, true),
            ("!*.txt", "cargo", true, true),
            ("cargo/", "mast/cargo", true, true),
            ("# helm.txt", "helm.txt", false, false),
            ("", "templates/.dotfile", false, true),
            ("", ".dotfile", false, false),
        ] {
            assert_eq!(ignored(rule, path, is_dir), expected, "{rule} on {path}");
        }
    }

    #[test]
    fn the_bad_line_is_named() {
        assert_eq!(
            Rules::parse("a\n\nb/**/c\n").unwrap_err(),
            (3, "double-star (**) syntax is not supported".to_owned())
        );
        assert_eq!(Rules::parse("[a").unwrap_err().0, 1);
    }
}
