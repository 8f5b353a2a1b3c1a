//! Plans that tests begin with.
use content::Hasher;
use reference::{Algorithm, Digest};

use crate::plan::{Base, Content, Image, Plan, VERSION, Witness};

pub(crate) fn digest(number: u8) -> Digest {
    Hasher::digest(Algorithm::Sha256, &[number])
}

pub(crate) fn content(number: u8, media_type: Option<&str>, at: &[(u32, u64)]) -> Content {
    Content {
        digest: digest(number),
        size: at.iter().map(|part| part.1).sum(),
        media_type: media_type.map(str::to_owned),
        source: 0,
        data: None,
        at: at.to_vec(),
    }
}

pub(crate) fn some() -> Plan {
    let manifest = content(1, Some("application/vnd.oci.image.manifest.v1+json"), &[(1, 400)]);
    let needs = [(digest(9), (77, ["app".parse().unwrap()].into()))].into();
    let witness = Witness { id: digest(200), made: "now".to_owned(), of: "registry.example".to_owned() };
    let image =
        Image { repository: "app".parse().unwrap(), tag: Some("v1".parse().unwrap()), digest: digest(1) };
    Plan {
        bundle: VERSION,
        set: Digest::sha256([0; 32]),
        volume_size: Some(10_000),
        volumes: 3,
        foreign: false,
        base: Base::new(vec![witness], &needs),
        sources: vec!["source.example/app".to_owned()],
        images: vec![image],
        contents: vec![
            manifest,
            content(2, None, &[(1, 5000), (2, 8000), (3, 10)]),
            content(3, None, &[(3, 77)]),
        ],
    }
    .seal()
}
