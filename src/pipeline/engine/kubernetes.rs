//! Kubernetes: a pipeline as a CronJob, or one logical date of it as a Job, whose pod runs all steps. What
//! is written here was checked against the schemas of Kubernetes and not run against a cluster.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{
    CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec, PodFailurePolicy,
    PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EmptyDirVolumeSource, EnvFromSource, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
    PodTemplateSpec, ResourceRequirements, SeccompProfile, SecretEnvSource, SecurityContext,
    Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use crate::core::{Digest, LogicalDate};
use crate::pipeline::spec::{OnLocked, Pipeline};

/// How often a pod is started again that was lost, or found a lock held or a store that does not answer.
const RETRIES: i32 = 3;

/// The user of the image; the workspace's volume is made writable for it.
const USER: i64 = 1000;

/// How many steps a run takes on at a time.
const JOBS: usize = 2;

/// What a manifest says beside the pipeline.
#[derive(Clone, Debug)]
pub struct Pod {
    /// The workspace's name.
    pub workspace: String,
    /// The image, e.g. `registry.example.com/fqm-pipe:0.1.0`.
    pub image: String,
    /// The namespace; that of whoever applies it where it is left out.
    pub namespace: Option<String>,
    /// The claim of the volume that holds the workspace.
    pub claim: String,
    /// How large that is, e.g. `20Gi`.
    pub storage: String,
    /// A secret whose entries become environment variables; it need not be there.
    pub secret: String,
}

/// The manifests of a pipeline, as one `List`: a CronJob and the claim of its volume, or, for one logical
/// date, a Job.
///
/// # Errors
/// Where the schedule says what a CronJob cannot, or there is none and no date is given.
pub fn manifests(
    pipeline: &Pipeline,
    date: Option<LogicalDate>,
    pod: &Pod,
) -> Result<Value, String> {
    let name = name(&[&pod.workspace, &pipeline.name]);
    let items = match date {
        Some(date) => {
            let name = self::name(&[&name, &date.to_string()]);
            let metadata = metadata(name, pipeline, pod);
            json!([Job { metadata, spec: Some(job(pipeline, Some(date), pod)), status: None }])
        }
        None => json!([claim(pipeline, pod), cron_job(name, pipeline, pod)?]),
    };
    Ok(json!({ "apiVersion": "v1", "kind": "List", "items": items }))
}

fn cron_job(name: String, pipeline: &Pipeline, pod: &Pod) -> Result<CronJob, String> {
    let failed = |why: &str| format!("export {}: {why}", pipeline.name);
    let times = pipeline.schedule.as_ref();
    let times = times.ok_or_else(|| failed("it has no [schedule]; give a --date for one Job"))?;
    let plain = |c: char| c.is_ascii_digit() || " */,-".contains(c);
    let names = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let bare = names.iter().fold(times.cron.to_uppercase(), |text, day| text.replace(day, "0"));
    if times.cron.split_whitespace().count() != 5 || !bare.chars().all(plain) {
        let why = "a CronJob takes five plain fields; its `cron` says more: run the daemon instead";
        return Err(failed(why));
    }
    let deadline = times.start_deadline.map(|d| i64::try_from(d.0.as_secs()).unwrap_or(i64::MAX));
    let spec = CronJobSpec {
        schedule: times.cron.clone(),
        time_zone: Some(times.timezone.name().to_owned()),
        starting_deadline_seconds: deadline,
        concurrency_policy: Some(match pipeline.on_locked {
            OnLocked::Replace => "Replace".to_owned(),
            OnLocked::Fail | OnLocked::Wait => "Forbid".to_owned(),
        }),
        successful_jobs_history_limit: Some(3),
        failed_jobs_history_limit: Some(3),
        job_template: JobTemplateSpec {
            metadata: Some(ObjectMeta { labels: Some(labels(pipeline)), ..ObjectMeta::default() }),
            spec: Some(job(pipeline, None, pod)),
        },
        ..CronJobSpec::default()
    };
    Ok(CronJob { metadata: metadata(name, pipeline, pod), spec: Some(spec), status: None })
}

fn job(pipeline: &Pipeline, date: Option<LogicalDate>, pod: &Pod) -> JobSpec {
    // The run keeps to its limit itself; this one is for a deaf pod, and for one that waits.
    let limit = pipeline.timeout.map(|limit| limit.0.as_secs() + 3600);
    JobSpec {
        backoff_limit: Some(RETRIES),
        active_deadline_seconds: limit.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
        pod_failure_policy: Some(PodFailurePolicy { rules: vec![disrupted(), final_failure()] }),
        template: PodTemplateSpec {
            metadata: Some(ObjectMeta { labels: Some(labels(pipeline)), ..ObjectMeta::default() }),
            spec: Some(pod_spec(pipeline, date, pod)),
        },
        ..JobSpec::default()
    }
}

/// A pod that its node gave up is no failed attempt: the next one goes on where it stopped.
fn disrupted() -> PodFailurePolicyRule {
    let condition = PodFailurePolicyOnPodConditionsPattern {
        type_: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
    };
    PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_pod_conditions: Some(vec![condition]),
        on_exit_codes: None,
    }
}

/// What another attempt would not mend: a failed step, a wrong configuration, a refusal, a fault, a timeout.
fn final_failure() -> PodFailurePolicyRule {
    PodFailurePolicyRule {
        action: "FailJob".to_owned(),
        on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
            container_name: Some("fqm-pipe".to_owned()),
            operator: "In".to_owned(),
            values: vec![1, 2, 4, 70, 124],
        }),
        on_pod_conditions: None,
    }
}

fn pod_spec(pipeline: &Pipeline, date: Option<LogicalDate>, pod: &Pod) -> PodSpec {
    let volume = |name: &str| Volume { name: name.to_owned(), ..Volume::default() };
    let claim =
        PersistentVolumeClaimVolumeSource { claim_name: pod.claim.clone(), read_only: None };
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        // Steps get ten seconds to end, and what they left is written down after them.
        termination_grace_period_seconds: Some(30),
        automount_service_account_token: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(pipeline, date, pod)],
        volumes: Some(vec![
            Volume { persistent_volume_claim: Some(claim), ..volume("workspace") },
            Volume { empty_dir: Some(EmptyDirVolumeSource::default()), ..volume("tmp") },
        ]),
        ..PodSpec::default()
    }
}

fn container(pipeline: &Pipeline, date: Option<LogicalDate>, pod: &Pod) -> Container {
    let mut arguments = vec!["run".to_owned(), pipeline.name.clone(), "--skip-exit=0".to_owned()];
    arguments.extend(date.map(|date| format!("--date={date}")));
    let mount = |name: &str, path: &str| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    };
    Container {
        name: "fqm-pipe".to_owned(),
        image: Some(pod.image.clone()),
        args: Some(arguments),
        working_dir: Some("/workspace".to_owned()),
        env_from: Some(vec![EnvFromSource {
            secret_ref: Some(SecretEnvSource { name: pod.secret.clone(), optional: Some(true) }),
            ..EnvFromSource::default()
        }]),
        resources: Some(resources(pipeline)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![mount("workspace", "/workspace"), mount("tmp", "/tmp")]),
        ..Container::default()
    }
}

/// What the pod asks for: as much as the largest steps that may run at the same time.
fn resources(pipeline: &Pipeline) -> ResourceRequirements {
    let most = |of: &dyn Fn(usize) -> u64| -> u64 {
        let mut needs: Vec<u64> = (0..pipeline.steps.len()).map(of).collect();
        needs.sort_unstable_by(|a, b| b.cmp(a));
        needs.iter().take(JOBS).sum()
    };
    let needs = |at: usize| &pipeline.steps[at].needs;
    let cpus = most(&|at| u64::from(needs(at).cpus.unwrap_or(1)));
    let memory = most(&|at| needs(at).mem.map_or(0, |memory| memory.0));
    let gpus = pipeline.steps.iter().map(|step| step.needs.gpu).max().unwrap_or(0);
    let mut requests = BTreeMap::from([("cpu".to_owned(), Quantity(cpus.to_string()))]);
    let mut limits = BTreeMap::new();
    if memory > 0 {
        let memory = Quantity(format!("{}Mi", memory.div_ceil(1 << 20)));
        requests.insert("memory".to_owned(), memory.clone());
        limits.insert("memory".to_owned(), memory);
    }
    if gpus > 0 {
        limits.insert("nvidia.com/gpu".to_owned(), Quantity(gpus.to_string()));
    }
    ResourceRequirements { requests: Some(requests), limits: Some(limits), claims: None }
}

fn claim(pipeline: &Pipeline, pod: &Pod) -> PersistentVolumeClaim {
    let size = BTreeMap::from([("storage".to_owned(), Quantity(pod.storage.clone()))]);
    PersistentVolumeClaim {
        metadata: metadata(pod.claim.clone(), pipeline, pod),
        spec: Some(PersistentVolumeClaimSpec {
            // The state of runs lies on it, which wants a disk of one machine.
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements { requests: Some(size), limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

fn metadata(name: String, pipeline: &Pipeline, pod: &Pod) -> ObjectMeta {
    let made = format!(
        "made by `fqm-pipe export kubernetes {}`; checked against the schemas of Kubernetes, not run \
         against a cluster",
        pipeline.name
    );
    ObjectMeta {
        name: Some(name),
        namespace: pod.namespace.clone(),
        labels: Some(labels(pipeline)),
        annotations: Some(BTreeMap::from([("kubernetes.io/description".to_owned(), made)])),
        ..ObjectMeta::default()
    }
}

fn labels(pipeline: &Pipeline) -> BTreeMap<String, String> {
    let labels = [
        ("app.kubernetes.io/name", "fqm-pipe".to_owned()),
        ("app.kubernetes.io/instance", name(&[&pipeline.name])),
        ("app.kubernetes.io/managed-by", "fqm-pipe".to_owned()),
    ];
    labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// A name as Kubernetes takes it: lower case, digits and `-`, and short enough for the pods of a CronJob.
/// One that has to be cut ends with a digest, so that two never become one.
fn name(parts: &[&str]) -> String {
    const LONGEST: usize = 52;
    let whole = parts.join("-").to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = whole.chars().map(plain).collect();
    let name = name.trim_matches('-');
    if !name.is_empty() && name.len() <= LONGEST {
        return name.to_owned();
    }
    let digest = Digest::of(whole.as_bytes()).short();
    let head: String = name.chars().take(LONGEST - digest.len() - 1).collect();
    format!("{}-{digest}", if head.is_empty() { "fqm" } else { head.trim_end_matches('-') })
}
