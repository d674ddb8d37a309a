//! What datasets are called, by the naming rules of OpenLineage: what lies in a file system or a bucket
//! as everybody calls it, what a step makes by the pipeline, the step and the port.

use url::Url;

use crate::pipeline::Source;
use crate::workspace::Workspace;

/// The name of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dataset {
    pub namespace: String,
    pub name: String,
    /// The output of this run that it is, as `STEP.PORT`.
    pub output: Option<String>,
}

impl Dataset {
    /// What a step makes.
    pub fn output(namespace: &str, pipeline: &str, step: &str, port: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: format!("{pipeline}.{step}.{port}"),
            output: Some(format!("{step}.{port}")),
        }
    }

    /// What an input reads; each pattern is a dataset.
    pub fn read(
        workspace: &Workspace,
        namespace: &str,
        pipeline: &str,
        source: &Source,
    ) -> Vec<Self> {
        match source {
            Source::Step { step, port } => vec![Self::output(namespace, pipeline, step, port)],
            // It is the same dataset, but not the version that this run makes.
            Source::Previous { step, port } => {
                vec![Self { output: None, ..Self::output(namespace, pipeline, step, port) }]
            }
            Source::Alias(alias) => vec![Self {
                namespace: namespace.to_owned(),
                name: alias.to_string(),
                output: None,
            }],
            Source::Files(patterns) | Source::Logs(patterns) => {
                patterns.iter().filter_map(|pattern| located(workspace, pattern)).collect()
            }
        }
    }
}

/// The folder or file that a pattern names before its first wildcard: a dataset is the same every day.
fn located(workspace: &Workspace, pattern: &str) -> Option<Dataset> {
    let wild = |part: &&str| !part.contains(['*', '?', '[', '{']);
    let fixed = |text: &str| text.split('/').take_while(wild).collect::<Vec<_>>().join("/");
    let (place, below) = if let Some(below) = pattern.strip_prefix("{{ logs }}/") {
        (workspace.logs.clone(), fixed(below))
    } else if pattern.contains("://") {
        (Url::parse(&fixed(pattern)).ok()?, String::new())
    } else {
        let below = pattern.strip_prefix("{{ workspace }}/").unwrap_or(pattern);
        (Url::from_directory_path(&workspace.folder).ok()?, fixed(below))
    };
    // A file has the path that it has on its machine, an object its key.
    let (namespace, root) = match place.to_file_path() {
        Ok(path) => ("file".to_owned(), path.to_string_lossy().into_owned()),
        Err(()) => (bucket(&place), place.path().trim_start_matches('/').to_owned()),
    };
    let parts = [root.trim_end_matches('/'), below.as_str()];
    let name = if parts[0].is_empty() { below } else { parts.join("/") };
    let name = name.trim_end_matches('/');
    let name = if name.is_empty() { "/" } else { name }.to_owned();
    Some(Dataset { namespace, name, output: None })
}

/// The namespace of a bucket: its URL without a path, and without a password.
fn bucket(url: &Url) -> String {
    let scheme = if url.scheme() == "s3a" { "s3" } else { url.scheme() };
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    // `abfss://CONTAINER@HOST` has its container where others have a person.
    let container = match url.username() {
        name if scheme.starts_with("abfs") && !name.is_empty() => format!("{name}@"),
        _ => String::new(),
    };
    format!("{scheme}://{container}{host}{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(logs: &str, source: &Source) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("fqm.toml"), "schema = 1\nname = \"w\"\n").unwrap();
        let find = |name: &str| (name == "FQM_LOGS").then(|| logs.to_owned());
        let mut workspace = Workspace::open(folder.path(), find).unwrap();
        workspace.folder = "/srv/w".into();
        let read = Dataset::read(&workspace, "w", "nightly", source);
        read.into_iter().map(|dataset| (dataset.namespace, dataset.name)).collect()
    }

    fn logs(place: &str, patterns: &[&str]) -> Vec<(String, String)> {
        let patterns = patterns.iter().map(|pattern| (*pattern).to_owned());
        names(place, &Source::Logs(patterns.collect()))
    }

    fn pair(namespace: &str, name: &str) -> (String, String) {
        (namespace.to_owned(), name.to_owned())
    }

    #[test]
    fn what_lies_in_a_bucket_or_a_folder_is_named_as_everybody_names_it() {
        let all = ["{{ logs }}/**"];
        assert_eq!(logs("/srv/logs", &all), [pair("file", "/srv/logs")]);
        assert_eq!(logs("s3a://bucket/a/b", &all), [pair("s3://bucket", "a/b")]);
        assert_eq!(logs("gs://bucket", &all), [pair("gs://bucket", "/")]);
        assert_eq!(
            logs("abfss://box@host.dfs.core.windows.net/a", &all),
            [pair("abfss://box@host.dfs.core.windows.net", "a")]
        );
        let days = ["{{ logs }}/app/{{ date }}/*.jsonl", "s3://other/x/*.gz"];
        assert_eq!(
            logs("s3://bucket", &days),
            [pair("s3://bucket", "app"), pair("s3://other", "x")]
        );
        let files = Source::Files(vec!["{{ workspace }}/levels/**/*.toml".to_owned()]);
        assert_eq!(names("/l", &files), [pair("file", "/srv/w/levels")]);
    }

    #[test]
    fn what_a_step_makes_is_named_by_its_pipeline() {
        let (step, port) = ("a".to_owned(), "probe".to_owned());
        let now = Source::Step { step: step.clone(), port: port.clone() };
        let before = Source::Previous { step, port };
        assert_eq!(names("/l", &now), [pair("w", "nightly.a.probe")]);
        assert_eq!(names("/l", &before), names("/l", &now), "another version of the same");
    }
}
