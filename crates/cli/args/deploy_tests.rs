//! What stands in `deploy/`: every command line there is one that this program takes, and what the files say of each
//! other is so.
use std::{collections::BTreeSet, fs, path::Path};

use clap::Parser as _;
use serde_json::Value;

use super::{Cli, Command, MirrorArgs, Role, Share};

/// The documents of every file in `deploy/kubernetes`, and the file's name.
fn documents() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(!documents.is_empty(), "{name}");
        found.extend(documents.into_iter().map(|document| (name.clone(), document)));
    }
    found
}

/// Every pod's template, with the document that it stands in.
fn pods() -> Vec<(String, Value, Value)> {
    let pods = documents().into_iter().filter_map(|(name, document)| {
        let spec = &document["spec"];
        let template = if document["kind"] == "CronJob" {
            &spec["jobTemplate"]["spec"]["template"]
        } else {
            &spec["template"]
        };
        let template = template.clone();
        template.is_object().then_some((name, document, template))
    });
    pods.collect()
}

fn arguments(container: &Value) -> Vec<String> {
    let arguments = container["args"].as_array().unwrap().iter();
    arguments.map(|argument| argument.as_str().expect("arguments are text").to_owned()).collect()
}

/// What `transship` is told in each pod that runs it: the file, the pod, its container, and the arguments as they are
/// understood.
fn mirrors() -> Vec<(String, Value, Value, MirrorArgs)> {
    let mut found = Vec::new();
    for (name, _, pod) in pods() {
        for container in pod["spec"]["containers"].as_array().unwrap() {
            if container["name"] != "transship" {
                continue;
            }
            let mut words = vec!["transship".to_owned()];
            words.extend(arguments(container));
            let queued =
                container["env"].as_array().unwrap().iter().any(|one| one["name"] == "TRANSSHIP_QUEUE");
            if queued {
                words.extend(["--queue", "nats://queue:4222"].map(str::to_owned));
            }
            let cli = Cli::try_parse_from(&words).unwrap_or_else(|why| panic!("{name}: {words:?}: {why}"));
            let Command::Mirror(args) = cli.command else { panic!("{name}: {words:?}") };
            found.push((name.clone(), pod.clone(), container.clone(), *args));
        }
    }
    found
}

#[test]
fn every_command_line_in_deploy_is_understood() {
    let mirrors = mirrors();
    let files: BTreeSet<&str> = mirrors.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        ["cronjob.yaml", "queue.yaml", "shards.yaml", "watch.yaml"]
    );
    let roles: Vec<Role> = mirrors
        .iter()
        .filter(|(name, ..)| name == "queue.yaml")
        .map(|(.., args)| args.together.role)
        .collect();
    assert_eq!(roles, [Role::Plan, Role::Work]);
}

#[test]
fn the_configuration_is_where_the_arguments_say_and_makes_sense() {
    for (name, pod, container, args) in mirrors() {
        let config = args.config.unwrap().display().to_string();
        let mounts = container["volumeMounts"].as_array().unwrap();
        let mount = mounts.iter().find(|mount| mount["name"] == "config").unwrap();
        assert_eq!(config, format!("{}/mirror.yaml", mount["mountPath"].as_str().unwrap()), "{name}");
        let volumes = pod["spec"]["volumes"].as_array().unwrap();
        for mount in mounts {
            assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{name}: {mount}");
        }
    }
    let documents = documents();
    let (_, map) = documents.iter().find(|(name, _)| name == "config.yaml").unwrap();
    let text = map["data"]["mirror.yaml"].as_str().unwrap();
    mirror::Config::read(text, "mirror.yaml").unwrap();
}

#[test]
fn an_indexed_job_has_as_many_pods_as_there_are_shares() {
    for (name, job, _) in pods() {
        if job["spec"]["completionMode"] != "Indexed" {
            continue;
        }
        let mirrors = mirrors();
        let (.., args) = mirrors.iter().find(|(file, ..)| *file == name).unwrap();
        let of = u32::try_from(job["spec"]["completions"].as_u64().unwrap()).unwrap();
        assert_eq!(args.together.shard, Some(Share::OfPod(of)));
        assert_eq!(job["spec"]["completions"], job["spec"]["parallelism"]);
    }
}

#[test]
fn probes_and_prometheus_ask_where_the_program_listens() {
    let mirrors = mirrors();
    let (_, pod, container, args) = mirrors.iter().find(|(name, ..)| name == "watch.yaml").unwrap();
    let port = u64::from(args.watching.listen.unwrap().port());
    assert_eq!(container["ports"][0]["containerPort"], port);
    assert_eq!(pod["metadata"]["annotations"]["prometheus.io/port"], port.to_string());
    assert_eq!(pod["metadata"]["annotations"]["prometheus.io/path"], "/metrics");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"], container["ports"][0]["name"]);
    }
}

#[test]
fn pods_have_no_more_rights_than_they_need_and_selectors_find_them() {
    for (name, document, pod) in pods() {
        let spec = &pod["spec"];
        assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for container in spec["containers"].as_array().unwrap() {
            assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{name}");
        }
        if let Some(labels) = document["spec"]["selector"]["matchLabels"].as_object() {
            for (label, value) in labels {
                assert_eq!(&pod["metadata"]["labels"][label], value, "{name}");
            }
        } else {
            assert_eq!(spec["restartPolicy"], "Never", "{name}: a job ends");
        }
    }
}
