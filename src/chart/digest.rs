//! The digest of a chart's content: the same for a folder and for the archive of it.

use sha2::{Digest as _, Sha256};

use super::{Chart, File};

impl Chart {
    /// `sha256:` and the hash over metadata, values, schema and all files, subcharts' too, each by name.
    /// Times and modes of files don't count.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        self.add_to(&mut hash, "");
        let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        format!("sha256:{hex}")
    }

    fn add_to(&self, hash: &mut Sha256, path: &str) {
        // Lengths before contents, so that no two charts give one text.
        let mut add = |name: &str, data: &[u8]| {
            for part in [path.as_bytes(), name.as_bytes(), data] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        };
        let metadata = serde_json::to_vec(&self.metadata).unwrap_or_default();
        add("Chart.yaml", &metadata);
        add(
            "values.yaml",
            self.values_text.as_deref().unwrap_or_default().as_bytes(),
        );
        add(
            "values.schema.json",
            self.schema.as_deref().unwrap_or_default(),
        );
        let mut files: Vec<&File> = self
            .templates
            .iter()
            .chain(&self.crds)
            .chain(&self.files)
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        for file in files {
            add(&file.name, &file.data);
        }
        let mut children: Vec<&Chart> = self.dependencies.iter().collect();
        children.sort_by(|a, b| a.name().cmp(b.name()));
        for child in children {
            child.add_to(hash, &format!("{path}/{}", child.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_counts_and_order_does_not() {
        let file = |name: &str, data: &str| File {
            name: name.into(),
            data: data.into(),
        };
        let chart = |templates: Vec<File>| Chart {
            templates,
            ..Chart::default()
        };
        let one = chart(vec![file("a", "1"), file("b", "2")]);
        let other = chart(vec![file("b", "2"), file("a", "1")]);
        assert_eq!(one.digest(), other.digest());
        assert_eq!(one.digest().len(), 71);
        for changed in [
            chart(vec![file("a", "1")]),
            chart(vec![file("a", "12"), file("b", "")]),
            chart(vec![file("a1", ""), file("b", "2")]),
            Chart {
                values_text: Some("a: 1".into()),
                ..one.clone()
            },
            Chart {
                dependencies: vec![one.clone()],
                ..one.clone()
            },
        ] {
            assert_ne!(one.digest(), changed.digest());
        }
    }
}
