//! Credential stores: the files and helpers of Docker and podman, in the order those tools read them.
mod environment;

use futures::future::BoxFuture;
use reference::{Registry, RepositoryName};

use crate::{AuthError, CredentialSource, Found};
pub use environment::Environment;

/// The credential files and helpers of Docker and podman.
#[derive(Debug)]
pub struct Stores {
    #[allow(dead_code, reason = "read as soon as the lookup lands")]
    environment: Environment,
}

impl Stores {
    /// The stores that this process's environment names.
    pub fn from_environment() -> Self {
        Self::new(Environment::current())
    }

    /// The stores that `environment` names.
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

impl CredentialSource for Stores {
    fn find<'a>(
        &'a self,
        _registry: &'a Registry,
        _repository: &'a RepositoryName,
    ) -> BoxFuture<'a, Result<Option<Found>, AuthError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
