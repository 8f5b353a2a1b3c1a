//! `transship import`: the flags of `az acr import`, and what a registry other than Azure's needs.
use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::Common;
use crate::{
    import::{ACR_SUFFIX, Field, NamedBy, Texts, target},
    usage::Usage,
};

/// Imports one image under one or more names, with the rules of `az acr import`.
///
/// Every platform of the image is copied and every digest is checked. A target tag that exists is an error, found
/// before anything is copied, unless --force moves it.
#[derive(Debug, Args)]
#[command(
    override_usage = "transship import --source IMAGE --target HOST|oci:DIR|oci-archive:FILE [-t REPO[:TAG]]... [OPTIONS]
       transship import --request FILE|- --target HOST|oci:DIR|oci-archive:FILE [OPTIONS]"
)]
#[command(after_help = "Examples:
  transship import --source docker.io/library/hello-world:latest --target registry.example
  transship import --name myregistry --source mcr.microsoft.com/dotnet/runtime:8.0 -t runtime:8.0
  transship import --target oci:images --source docker.io/library/alpine:3 -t base/alpine:3
  transship import --target registry.example --request import.json")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Counts a target tag that is at the source's digest already as done
    #[arg(long, conflicts_with = "force")]
    pub(crate) allow_same: bool,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    az: Az,
}

/// What is imported, under which names.
#[derive(Debug, Args)]
pub(crate) struct What {
    #[arg(
        help = "The image: HOST/REPO[:TAG][@DIGEST], REPO[:TAG] with --registry, oci:DIR[:REF] or oci-archive:FILE[:REF]"
    )]
    #[arg(long, value_name = "IMAGE", required_unless_present_any = ["request", "query"])]
    source: Option<String>,
    /// The source's registry: a login server, an Azure resource id, or an Azure registry name
    #[arg(short, long, value_name = "REGISTRY")]
    registry: Option<String>,
    /// A name at the target; without a tag, the source's. Without -t, the source's own name. Repeatable
    #[arg(short = 't', long, value_name = "REPO[:TAG]", action = ArgAction::Append)]
    image: Vec<String>,
    /// A repository at the target that gets the image without a tag. Repeatable
    #[arg(long, value_name = "REPO", action = ArgAction::Append)]
    repository: Vec<String>,
    /// Moves target tags that exist
    #[arg(long)]
    force: bool,
    /// The JSON body of an importImage call, instead of the flags above; - is stdin
    #[arg(long, value_name = "FILE|-")]
    #[arg(conflicts_with_all = ["source", "registry", "image", "repository", "force"])]
    pub(crate) request: Option<PathBuf>,
}

/// Where the image goes.
#[derive(Debug, Args)]
pub(crate) struct TargetArgs {
    /// The target: a registry's host, a directory or an archive
    #[arg(long, value_name = "HOST|oci:DIR|oci-archive:FILE")]
    #[arg(required_unless_present_any = ["name", "query"], conflicts_with = "name")]
    target: Option<String>,
    /// The target by its Azure registry name
    #[arg(short, long, value_name = "NAME")]
    name: Option<String>,
    /// What Azure registry names end with
    #[arg(long, value_name = "DOMAIN", env = "TRANSSHIP_ACR_SUFFIX", default_value = ACR_SUFFIX)]
    acr_suffix: String,
}

/// Flags that only make sense where Azure Resource Manager is asked.
#[derive(Debug, Args)]
struct Az {
    #[arg(long, hide = true)]
    no_wait: bool,
    #[arg(short = 'g', long, hide = true)]
    resource_group: Option<String>,
    #[arg(long, hide = true)]
    subscription: Option<String>,
    #[arg(long, hide = true)]
    only_show_errors: bool,
    #[arg(long, hide = true)]
    query: Option<String>,
}

impl ImportArgs {
    /// Notes on flags that do nothing here; an error for the one that would change what is printed.
    pub(crate) fn notes(&self) -> Result<Vec<String>, Usage> {
        if self.az.query.is_some() {
            return Err(Usage::about("--query", "results are not queried here")
                .hint("--output json prints one document; pick from it with a tool such as jq"));
        }
        let ignored = [
            ("--no-wait", self.az.no_wait),
            ("--resource-group", self.az.resource_group.is_some()),
            ("--subscription", self.az.subscription.is_some()),
            ("--only-show-errors", self.az.only_show_errors),
        ];
        let given = ignored.into_iter().filter(|(_, given)| *given);
        Ok(given.map(|(flag, _)| format!("{flag} does nothing here; it is az's")).collect())
    }
}

impl What {
    /// The words of the request, when it is given by flags.
    pub(crate) fn texts(&self) -> Texts {
        let fields = |name: &str, texts: &[String]| texts.iter().map(|text| Field::new(name, text)).collect();
        Texts {
            source: Field::new("--source", self.source.as_deref().unwrap_or_default()),
            registry: self.registry.as_ref().map(|text| NamedBy::Flag(Field::new("--registry", text))),
            tagged: fields("--image", &self.image),
            untagged: fields("--repository", &self.repository),
            force: self.force,
        }
    }
}

impl TargetArgs {
    /// What Azure registry names end with; an empty environment variable says nothing.
    pub(crate) fn acr_suffix(&self) -> &str {
        if self.acr_suffix.is_empty() { ACR_SUFFIX } else { &self.acr_suffix }
    }

    /// Where the image goes.
    pub(crate) fn place(&self) -> Result<target::Place, Usage> {
        match (&self.target, &self.name) {
            (Some(text), _) => target::read(text),
            (None, Some(name)) => target::by_name(name, self.acr_suffix()),
            (None, None) => Err(Usage::new("the target is missing").hint(target::MISSING)),
        }
    }
}
