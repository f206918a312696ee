//! The patterns of `.Files.Glob`: gobwas' grammar with `/` between names.

use regex::Regex;

/// A compiled pattern: `*` and `?` within a name, `**` across names, `[a-z]`, `[!a]`, `{a,b}`,
/// `\` before a character that is meant as itself.
pub struct Glob(Regex);

impl Glob {
    /// Compiles a pattern; `None` for what is none.
    pub fn new(pattern: &str) -> Option<Glob> {
        let mut out = String::from("(?s)^");
        let mut chars = pattern.chars().peekable();
        let mut braces = 0;
        while let Some(c) = chars.next() {
            match c {
                '*' => {
                    let mut any = "[^/]*";
                    while chars.next_if_eq(&'*').is_some() {
                        any = ".*";
                    }
                    out.push_str(any);
                }
                '?' => out.push_str("[^/]"),
                '[' => {
                    let (mut class, mut closed) = (String::new(), false);
                    let negated = chars.next_if_eq(&'!').is_some();
                    while let Some(c) = chars.next() {
                        match c {
                            ']' if !class.is_empty() => {
                                closed = true;
                                break;
                            }
                            '\\' => class.push_str(&regex::escape(&chars.next()?.to_string())),
                            '-' => class.push('-'),
                            c => class.push_str(&regex::escape(&c.to_string())),
                        }
                    }
                    if !closed {
                        return None;
                    }
                    let not = if negated { "^" } else { "" };
                    out.push_str(&format!("[{not}{class}]"));
                }
                '{' => {
                    braces += 1;
                    out.push_str("(?:");
                }
                ',' if braces > 0 => out.push('|'),
                '}' if braces > 0 => {
                    braces -= 1;
                    out.push(')');
                }
                '}' | ']' => return None,
                '\\' => out.push_str(&regex::escape(&chars.next()?.to_string())),
                c => out.push_str(&regex::escape(&c.to_string())),
            }
        }
        if braces > 0 {
            return None;
        }
        out.push('$');
        Regex::new(&out).ok().map(Glob)
    }

    /// Whether the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_helm() {
        for (pattern, name, matches) in [
            ("conf/*.yaml", "conf/a.yaml", true),
            ("conf/*.yaml", "conf/b/a.yaml", false),
            ("conf/**", "conf/b/a.yaml", true),
            ("**.yaml", "conf/b/a.yaml", true),
            ("*", "a", true),
            ("*", "a/b", false),
            ("{a,b}/?.txt", "b/x.txt", true),
            ("[a-c]*.txt", "bee.txt", true),
            ("[!a-c]*.txt", "bee.txt", false),
            ("a.b", "axb", false),
            ("\\*", "*", true),
        ] {
            let glob = Glob::new(pattern).expect("a pattern");
            assert_eq!(glob.matches(name), matches, "{pattern} {name}");
        }
        assert!(Glob::new("[a").is_none());
        assert!(Glob::new("{a").is_none());
    }
}
