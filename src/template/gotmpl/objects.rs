//! What Helm gives templates: `.Chart`, `.Capabilities`, `.Release`, `.Files`.

use std::rc::Rc;

use super::func::Func;
use super::value::{Elem, Kind, List, Map, MapKind, MarshalError, Object, Val};
use crate::yaml::Value;

/// `.Capabilities`, a pointer to a struct.
pub struct Capabilities {
    /// `.KubeVersion`.
    pub kube_version: KubeVersion,
    /// `.APIVersions`.
    pub api_versions: Val,
    /// `.HelmVersion`.
    pub helm_version: HelmVersion,
}

impl Capabilities {
    /// From a version of Kubernetes, the APIs it has, and what stands for Helm's own version.
    pub fn new(kube: KubeVersion, apis: &[String], helm_version: HelmVersion) -> Capabilities {
        let apis = apis
            .iter()
            .map(|api| Val::Str(api.as_str().into()))
            .collect();
        Capabilities {
            kube_version: kube,
            api_versions: Val::List(List::new(Elem::VersionSet, apis)),
            helm_version,
        }
    }
}

impl Object for Capabilities {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        vec![
            ("KubeVersion", Val::object(self.kube_version.clone())),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", Val::object(self.helm_version.clone())),
        ]
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// `.Capabilities.KubeVersion`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// The whole version, for instance `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without suffixes, for instance `v1.33.4`.
    pub normalized: String,
    /// For instance `1`.
    pub major: String,
    /// For instance `33`.
    pub minor: String,
    /// Whether it is seen inside `.Capabilities`, where Go finds the methods of its pointer.
    pub in_place: bool,
}

impl KubeVersion {
    /// From a version as a server tells it, `v1.33.4-gke.1245000`, or a user writes it, `1.33`.
    pub fn new(version: &str) -> KubeVersion {
        let bare = version.strip_prefix('v').unwrap_or(version);
        let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.');
        let numbers = bare.get(..end.unwrap_or(bare.len())).unwrap_or(bare);
        let mut parts = numbers.split('.').filter(|part| !part.is_empty());
        let mut part = || parts.next().unwrap_or("0").to_string();
        let (major, minor, patch) = (part(), part(), part());
        KubeVersion {
            version: format!("v{bare}"),
            normalized: format!("v{major}.{minor}.{patch}"),
            major,
            minor,
            in_place: true,
        }
    }
}

impl Object for KubeVersion {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        vec![
            ("Version", self.version.as_str().into()),
            ("normalizedVersion", self.normalized.as_str().into()),
            ("Major", self.major.as_str().into()),
            ("Minor", self.minor.as_str().into()),
        ]
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        static METHODS: &[Func] = &[
            Func::new("String", &[], |_, args| {
                let version = args.first().and_then(Val::downcast::<KubeVersion>);
                Ok(version.map_or("", |v| v.normalized.as_str()).into())
            }),
            Func::new("GitVersion", &[], |_, args| {
                let version = args.first().and_then(Val::downcast::<KubeVersion>);
                Ok(version.map_or("", |v| v.version.as_str()).into())
            }),
        ];
        let methods = METHODS.iter().filter(|_| self.in_place);
        methods.into_iter().find(|method| method.name == name)
    }

    fn printed(&self) -> Option<String> {
        self.in_place.then(|| self.normalized.clone())
    }

    fn copied(&self) -> Option<Val> {
        Some(Val::object(KubeVersion {
            in_place: false,
            ..self.clone()
        }))
    }

    fn json(&self) -> Result<Value, MarshalError> {
        Ok(serde_json::json!({
            "Version": self.version, "Major": self.major, "Minor": self.minor,
        }))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        {
            let other = other.as_any().downcast_ref::<KubeVersion>();
            other.is_some_and(|other| other.version == self.version)
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// `.Capabilities.HelmVersion`: charts test it, so it names the Helm that this engine equals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelmVersion {
    /// For instance `v4.3.1`.
    pub version: String,
    /// The commit that it was built from.
    pub git_commit: String,
    /// `clean` for a release.
    pub git_tree_state: String,
    /// Of the compiler.
    pub go_version: String,
    /// Of Kubernetes' client, for instance `v1.37`.
    pub kube_client_version: String,
}

impl Default for HelmVersion {
    /// Helm 4.3.1 as it was released.
    fn default() -> HelmVersion {
        HelmVersion {
            version: "v4.3.1".to_string(),
            git_commit: "c0d08d0d6d9424d4a14febb5e8a3e51b0dd00dff".to_string(),
            git_tree_state: "clean".to_string(),
            go_version: "go1.27.2".to_string(),
            kube_client_version: "v1.37".to_string(),
        }
    }
}

impl Object for HelmVersion {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        vec![
            ("Version", self.version.as_str().into()),
            ("GitCommit", self.git_commit.as_str().into()),
            ("GitTreeState", self.git_tree_state.as_str().into()),
            ("GoVersion", self.go_version.as_str().into()),
            (
                "KubeClientVersion",
                self.kube_client_version.as_str().into(),
            ),
        ]
    }

    fn json(&self) -> Result<Value, MarshalError> {
        Ok(serde_json::json!({
            "version": self.version,
            "git_commit": self.git_commit,
            "git_tree_state": self.git_tree_state,
            "go_version": self.go_version,
            "kube_client_version": self.kube_client_version,
        }))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<HelmVersion>() == Some(self)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// `.Chart`: the fields of Chart.yaml under Go's names, absent ones with Go's zero values.
pub fn chart(metadata: &Value, is_root: bool) -> Map {
    let text = |value: &Value, key: &str| match value.get(key) {
        Some(Value::String(text)) => Val::Str(text.as_str().into()),
        _ => Val::Str("".into()),
    };
    let flag = |value: &Value, key: &str| Val::Bool(value.get(key) == Some(&Value::Bool(true)));
    let items = |value: &Value, key: &str, item: &dyn Fn(&Value) -> Val| {
        let array = value.get(key).and_then(Value::as_array);
        Val::list(array.map_or_else(Vec::new, |items| items.iter().map(item).collect()))
    };
    let maintainer = |value: &Value| {
        let fields = [("Name", "name"), ("Email", "email"), ("URL", "url")];
        Val::map(fields.map(|(name, key)| (name, text(value, key))))
    };
    let dependency = |value: &Value| {
        Val::map([
            ("Name", text(value, "name")),
            ("Version", text(value, "version")),
            ("Repository", text(value, "repository")),
            ("Condition", text(value, "condition")),
            ("Tags", items(value, "tags", &Val::from_yaml)),
            ("Enabled", flag(value, "enabled")),
            (
                "ImportValues",
                items(value, "import-values", &Val::from_yaml),
            ),
            ("Alias", text(value, "alias")),
        ])
    };
    let annotations = match metadata.get("annotations") {
        Some(Value::Object(map)) if !map.is_empty() => Map::from_yaml(MapKind::Str, map),
        _ => Map::nil(MapKind::Str),
    };
    let chart = [
        ("Name", text(metadata, "name")),
        ("Home", text(metadata, "home")),
        ("Sources", items(metadata, "sources", &Val::from_yaml)),
        ("Version", text(metadata, "version")),
        ("Description", text(metadata, "description")),
        ("Keywords", items(metadata, "keywords", &Val::from_yaml)),
        ("Maintainers", items(metadata, "maintainers", &maintainer)),
        ("Icon", text(metadata, "icon")),
        ("APIVersion", text(metadata, "apiVersion")),
        ("Condition", text(metadata, "condition")),
        ("Tags", text(metadata, "tags")),
        ("AppVersion", text(metadata, "appVersion")),
        ("Deprecated", flag(metadata, "deprecated")),
        ("Annotations", annotations.into()),
        ("KubeVersion", text(metadata, "kubeVersion")),
        ("Dependencies", items(metadata, "dependencies", &dependency)),
        ("Type", text(metadata, "type")),
        ("IsRoot", Val::Bool(is_root)),
    ];
    Map::new(MapKind::Any, chart)
}

/// `.Files`.
pub fn files<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Map {
    let entries = files
        .into_iter()
        .map(|(name, data)| (name, Val::Bytes(Rc::from(data))));
    Map::new(MapKind::Files, entries)
}
