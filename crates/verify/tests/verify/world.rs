//! What all proofs begin with: cases at fakes, and what is found there.
use std::sync::Arc;

use auth::Given;
use content::{FaultKind, Source, Version};
use copier::Referrers;
use http::Method;
use pace::Traffic;
use reference::{Digest, RefName};
use registry::{Options, Registries};
use testkit::{Fake, Request};
use verify::{Case, Depth, Expected, Finding, Piece, Proof, Remedies, Verifier};

/// A repository of a fake.
pub(crate) fn repository(fake: &Fake, name: &str) -> Arc<dyn Source> {
    let registries = Registries::new(Options::default()).unwrap();
    let registry = fake.host().parse().unwrap();
    Arc::new(registries.repository(&registry, name.parse().unwrap(), Arc::new(Given(None))))
}

/// `repository:tag` at a fake, of which nothing is said.
pub(crate) fn case(fake: &Fake, name: &str) -> Case {
    let (repository_name, tag) = name.rsplit_once(':').unwrap();
    Case {
        name: fake.reference(name),
        place: repository(fake, repository_name),
        version: Version::Name(RefName::new(tag)),
        expected: Expected::Whole,
        referrers: Referrers::Leave,
        remedies: remedies(),
    }
}

pub(crate) fn remedies() -> Remedies {
    Remedies { copy: "copy it".to_owned(), repair: "repair it".to_owned() }
}

/// The same case, which is said to be at this digest.
pub(crate) fn said(case: Case, digest: &Digest) -> Case {
    Case { expected: Expected::Digest { digest: digest.clone(), said_by: "the test".to_owned() }, ..case }
}

pub(crate) async fn prove(case: &Case, depth: Depth) -> Proof {
    Verifier::new(Traffic::default(), depth).prove(case).await
}

/// What one finding is about, in a form that is easily compared.
pub(crate) fn about(finding: &Finding) -> (FaultKind, Piece, &str) {
    (finding.kind, finding.piece, &finding.subject)
}

/// The requests that came, without their host.
pub(crate) fn lines(fake: &Fake) -> Vec<String> {
    fake.ledger().all().iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

/// How often something was asked with this method.
pub(crate) fn asked(fake: &Fake, method: &Method, what: impl Fn(&Request) -> bool) -> usize {
    fake.ledger().count(|request| request.method == *method && what(request))
}
