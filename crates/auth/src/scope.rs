//! Scopes: what a token shall allow.
use std::{collections::BTreeSet, fmt};

use reference::RepositoryName;

/// `type:name:actions`; the name may itself contain colons.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    resource: String,
    name: String,
    actions: BTreeSet<String>,
}

impl Scope {
    /// A scope on a repository.
    fn repository(name: &RepositoryName, actions: &[&str]) -> Self {
        Self {
            resource: "repository".to_owned(),
            name: name.as_str().to_owned(),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
        }
    }

    /// Reads one scope: the type ends at the first colon, the actions begin after the last.
    pub fn parse(text: &str) -> Option<Self> {
        let (resource, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions: BTreeSet<String> =
            actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned).collect();
        if resource.is_empty() || name.is_empty() || actions.is_empty() {
            return None;
        }
        Some(Self { resource: resource.to_owned(), name: name.to_owned(), actions })
    }

    /// Whether both speak of the same resource.
    fn same_resource(&self, other: &Self) -> bool {
        self.resource == other.resource && self.name == other.name
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.resource, self.name)?;
        for (index, action) in self.actions.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{action}")?;
        }
        Ok(())
    }
}

/// The scopes of one token, one per resource, in the order they go over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scopes {
    repository: Option<RepositoryName>,
    wire: Vec<Scope>,
}

impl Scopes {
    /// Reading `repository`.
    pub fn pull(repository: &RepositoryName) -> Self {
        Self { repository: Some(repository.clone()), wire: vec![Scope::repository(repository, &["pull"])] }
    }

    /// Writing `repository`; reading too, for the HEADs that come first.
    pub fn push(repository: &RepositoryName) -> Self {
        Self {
            repository: Some(repository.clone()),
            wire: vec![Scope::repository(repository, &["pull", "push"])],
        }
    }

    /// Removing from `repository`. Servers differ in what else has to be allowed for that.
    pub fn delete(repository: &RepositoryName) -> Self {
        let wire = vec![Scope::repository(repository, &["pull", "push", "delete"])];
        Self { repository: Some(repository.clone()), wire }
    }

    /// Listing the repositories of a registry.
    pub fn catalog() -> Self {
        let actions = BTreeSet::from(["*".to_owned()]);
        let catalog = Scope { resource: "registry".to_owned(), name: "catalog".to_owned(), actions };
        Self { repository: None, wire: vec![catalog] }
    }

    /// Reads `repository` too: what a mount from it needs.
    #[must_use]
    pub fn and_pull(mut self, repository: &RepositoryName) -> Self {
        self.merge(Scope::repository(repository, &["pull"]));
        self
    }

    /// Adds what a challenge demanded, in front: some servers look only at the first scope.
    #[must_use]
    pub fn demanding(&self, demanded: &[Scope]) -> Self {
        let mut wider = self.clone();
        for scope in demanded.iter().rev() {
            let place = wider.merge(scope.clone());
            if let Some(turned) = wider.wire.get_mut(..=place) {
                turned.rotate_right(1);
            }
        }
        wider
    }

    /// The repository that is acted on: whose credential is looked up. `None` for the registry as a whole.
    pub fn repository(&self) -> Option<&RepositoryName> {
        self.repository.as_ref()
    }

    /// The scopes in wire order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.wire.iter()
    }

    /// Equal for two sets exactly when they allow the same, whatever their wire order.
    pub fn key(&self) -> String {
        let sorted: BTreeSet<String> = self.wire.iter().map(Scope::to_string).collect();
        sorted.into_iter().collect::<Vec<_>>().join(" ")
    }

    fn merge(&mut self, scope: Scope) -> usize {
        let found = self.wire.iter_mut().enumerate().find(|(_, known)| known.same_resource(&scope));
        if let Some((place, known)) = found {
            known.actions.extend(scope.actions);
            return place;
        }
        self.wire.push(scope);
        self.wire.len().saturating_sub(1)
    }
}

impl fmt::Display for Scopes {
    /// One space-separated line, as the form of a token request has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.wire.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{scope}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> RepositoryName {
        text.parse().unwrap()
    }

    fn scopes(texts: &str) -> Vec<Scope> {
        texts.split(' ').filter_map(Scope::parse).collect()
    }

    #[test]
    fn a_name_may_hold_a_host_and_a_port() {
        for text in ["repository:host:5000/a/b:pull,push", "registry:catalog:*", "repository(plugin):a:pull"]
        {
            assert_eq!(Scope::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "repository", "repository:a", "repository:a:", ":a:pull", "repository::pull", "::"] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }

    #[test]
    fn actions_are_sorted_and_merged() {
        assert_eq!(
            Scope::parse("repository:a:push,,pull,push").unwrap().to_string(),
            "repository:a:pull,push"
        );
        let both = Scopes::pull(&name("a")).demanding(&scopes("repository:a:push"));
        assert_eq!(both.key(), Scopes::push(&name("a")).key());
    }

    #[test]
    fn a_mount_reads_its_source_in_the_same_token() {
        let mount = Scopes::push(&name("b")).and_pull(&name("a"));
        assert_eq!(mount.to_string(), "repository:b:pull,push repository:a:pull");
        assert_eq!(mount.key(), "repository:a:pull repository:b:pull,push");
        assert_eq!(Scopes::push(&name("b")).and_pull(&name("b")), Scopes::push(&name("b")));
    }

    #[test]
    fn what_is_demanded_comes_first_in_its_own_order() {
        let mount = Scopes::push(&name("b")).and_pull(&name("a"));
        let wider = mount.demanding(&scopes("repository:c:pull repository:a:push"));
        assert_eq!(wider.to_string(), "repository:c:pull repository:a:pull,push repository:b:pull,push");
    }

    proptest! {
        #[test]
        fn demanding_twice_is_demanding_once(demands in prop::collection::vec("repository:[abc]:(pull|push)", 0..5)) {
            let demands = scopes(&demands.join(" "));
            let once = Scopes::push(&name("a")).demanding(&demands);
            let twice = once.demanding(&demands);
            prop_assert_eq!(once.key(), twice.key());
            let allows = |one: &Scope| once.iter().any(|scope| {
                scope.same_resource(one) && scope.actions.is_superset(&one.actions)
            });
            prop_assert!(demands.iter().all(allows));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,60}") {
            if let Some(scope) = Scope::parse(&text) {
                prop_assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
            }
        }
    }
}
