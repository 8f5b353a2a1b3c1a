//! Conversions to and from `oci-client`, so that programs built on it can hand a copy over to us.
//!
//! Its types are looser than ours: a conversion to ours may fail, one from ours does not. Its transport and its auth
//! are not used.
use auth::{Credential, Found, Given, Secret};
use content::{Descriptor, Fault, FaultKind, Manifest, MediaType, Shape, Step};
use oci_client::{
    manifest::{OciDescriptor, OciManifest},
    secrets::RegistryAuth,
};
use reference::{ParseError, Reference};

/// Our reading of an `oci-client` reference. A tag that it made up (`latest`) is kept, as there is no telling.
pub fn reference_from_oci(reference: &oci_client::Reference) -> Result<Reference, ParseError> {
    reference.whole().parse()
}

/// A reference for `oci-client`.
///
/// # Errors
/// Where its grammar is narrower than ours: an IPv6 host.
pub fn reference_to_oci(reference: &Reference) -> Result<oci_client::Reference, oci_client::ParseError> {
    reference.to_string().parse()
}

/// What `oci-client` would authenticate with, as a source of credentials.
pub fn credentials_from_oci(auth: &RegistryAuth) -> Given {
    let credential = match auth {
        RegistryAuth::Anonymous => return Given::default(),
        RegistryAuth::Basic(username, password) => {
            Credential::Basic { username: username.clone(), password: Secret::new(password.clone()) }
        }
        RegistryAuth::Bearer(token) => Credential::RegistryToken(Secret::new(token.clone())),
    };
    Given(Some(Found { credential, from: "the calling program".to_owned() }))
}

/// Our reading of a descriptor.
///
/// # Errors
/// [`FaultKind::Untrue`] for a digest that is none, or a negative size.
pub fn descriptor_from_oci(descriptor: &OciDescriptor) -> Result<Descriptor, Fault> {
    let untrue = |what: String| Fault::new(FaultKind::Untrue, Step::ReadManifest, what);
    let digest = descriptor.digest.parse().map_err(|why| untrue(format!("a descriptor's digest: {why}")))?;
    let size = u64::try_from(descriptor.size)
        .map_err(|_| untrue(format!("the size of {digest} is {}", descriptor.size)))?;
    Ok(Descriptor {
        urls: descriptor.urls.clone().unwrap_or_default(),
        annotations: descriptor.annotations.clone().unwrap_or_default(),
        ..Descriptor::new(MediaType::new(&descriptor.media_type), digest, size)
    })
}

/// A descriptor for `oci-client`; a size beyond its reach becomes the largest it knows.
pub fn descriptor_to_oci(descriptor: &Descriptor) -> OciDescriptor {
    let some = !descriptor.annotations.is_empty();
    OciDescriptor {
        media_type: descriptor.media_type.to_string(),
        digest: descriptor.digest.to_string(),
        size: i64::try_from(descriptor.size).unwrap_or(i64::MAX),
        urls: (!descriptor.urls.is_empty()).then(|| descriptor.urls.clone()),
        annotations: some.then(|| descriptor.annotations.clone()),
        artifact_type: None,
    }
}

/// A manifest as `oci-client` sees it: for looking only, as what it does not know is lost.
///
/// # Errors
/// [`FaultKind::Untrue`] for a manifest without the fields that it demands, and for one that is opaque to us.
pub fn manifest_to_oci(manifest: &Manifest) -> Result<OciManifest, Fault> {
    let untrue = |what: &str| Fault::new(FaultKind::Untrue, Step::ReadManifest, what);
    let parsed = match manifest.shape() {
        Shape::Image { .. } => serde_json::from_slice(manifest.bytes()).map(OciManifest::Image),
        Shape::Index { .. } => serde_json::from_slice(manifest.bytes()).map(OciManifest::ImageIndex),
        Shape::Opaque => return Err(untrue("oci-client knows image manifests and indexes only")),
    };
    parsed.map_err(|why| untrue("oci-client cannot hold this manifest").because(why))
}

/// A manifest that `oci-client` made, as bytes with their digest: what a push of it would send.
///
/// # Errors
/// As [`Manifest::read`].
pub fn manifest_from_oci(manifest: &OciManifest) -> Result<Manifest, Fault> {
    let bytes = serde_json::to_vec(manifest).map_err(|why| {
        Fault::new(FaultKind::Untrue, Step::ReadManifest, "the manifest cannot be written").because(why)
    })?;
    Manifest::read(bytes.into(), Some(manifest.content_type()), None, None)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn references_go_there_and_back() {
        for text in ["registry.example:5000/a/b:v1", &format!("ghcr.io/a/b@{DIGEST}")] {
            let ours: Reference = text.parse().unwrap();
            let theirs = reference_to_oci(&ours).unwrap();
            assert_eq!(theirs.whole(), text);
            assert_eq!(reference_from_oci(&theirs).unwrap(), ours);
        }
        let hub: oci_client::Reference = "alpine".parse().unwrap();
        assert_eq!(reference_from_oci(&hub).unwrap().to_string(), "docker.io/library/alpine:latest");
    }

    #[test]
    fn credentials_keep_their_kind_and_stay_hidden() {
        assert!(credentials_from_oci(&RegistryAuth::Anonymous).0.is_none());
        let basic = credentials_from_oci(&RegistryAuth::Basic("me".into(), "canary".into()));
        assert!(
            matches!(&basic.0.as_ref().unwrap().credential, Credential::Basic { username, .. } if username == "me")
        );
        let bearer = credentials_from_oci(&RegistryAuth::Bearer("canary".into()));
        assert!(matches!(bearer.0.as_ref().unwrap().credential, Credential::RegistryToken(_)));
        assert!(!format!("{basic:?}{bearer:?}").contains("canary"));
    }

    #[test]
    fn descriptors_go_there_and_back() {
        let mut ours = Descriptor::new(MediaType::new("application/x"), DIGEST.parse().unwrap(), 2);
        ours.urls = vec!["https://example.com/x".into()];
        ours.annotations.insert("a".into(), "b".into());
        assert_eq!(descriptor_from_oci(&descriptor_to_oci(&ours)).unwrap(), ours);
        let wrong = OciDescriptor { size: -1, ..descriptor_to_oci(&ours) };
        assert_eq!(descriptor_from_oci(&wrong).unwrap_err().kind(), FaultKind::Untrue);
        let wrong = OciDescriptor { digest: "sha256:../..".into(), ..descriptor_to_oci(&ours) };
        assert!(descriptor_from_oci(&wrong).is_err());
    }

    #[test]
    fn manifests_are_shown_and_taken() {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{DIGEST}","size":2}},"layers":[]}}"#
        );
        let ours = Manifest::read(Bytes::from(text), None, None, None).unwrap();
        let theirs = manifest_to_oci(&ours).unwrap();
        let OciManifest::Image(image) = &theirs else { panic!("an image was due") };
        assert_eq!(image.config.digest, DIGEST);
        let back = manifest_from_oci(&theirs).unwrap();
        assert_eq!(back.shape(), ours.shape());
    }
}
