//! Bytes that are not what their name says never become content at the target.
use content::{Begun, FaultKind, Target};

use crate::script::{End, Script, answer, blob, lend};

/// The measured trap: over HTTP/1.1 with a `Content-Length`, a client stops asking the body at the last byte, and an
/// error raised after it is never seen. The last chunk must be withheld.
#[tokio::test]
async fn wrong_last_byte_never_completes_at_the_target() {
    let good = vec![7_u8; 300_000];
    let mut wrong = good.clone();
    *wrong.last_mut().unwrap() = 8;
    for chunk in [1_000, 64 * 1024, 300_000] {
        let server = Script::start(|seen, _| match seen.method.as_str() {
            "POST" => answer(202, &["Location: /v2/app/blobs/uploads/1?_state=x"], ""),
            "PUT" => answer(201, &[], ""),
            _ => answer(204, &[], ""),
        })
        .await;
        let descriptor = blob(&good);
        let repository = server.repository("app");
        let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else {
            panic!("an upload was due")
        };
        let (body, home) = lend(&descriptor, &wrong, chunk);
        assert!(upload.send(body).await.is_err());
        let verified = home.await.unwrap();
        assert_eq!(verified.fault().unwrap().kind(), FaultKind::Untrue);
        let puts: Vec<_> = server.seen().into_iter().filter(|seen| seen.method == "PUT").collect();
        assert!(puts.iter().all(|put| !put.complete), "chunk {chunk}: a whole body arrived");
    }
}

#[tokio::test]
async fn a_body_comes_home_when_the_target_answers_early() {
    let good = vec![7_u8; 30_000_000];
    let denied = r#"{"errors":[{"code":"DENIED","message":"quota"}]}"#;
    let server = Script::start(move |seen, _| match seen.method.as_str() {
        "POST" => answer(202, &["Location: /v2/app/blobs/uploads/1"], ""),
        "PUT" => answer(403, &[], denied).reading(10).then(End::Hang),
        _ => answer(204, &[], ""),
    })
    .await;
    let descriptor = blob(&good);
    let repository = server.repository("app");
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else {
        panic!("an upload was due")
    };
    let (body, home) = lend(&descriptor, &good, 64 * 1024);
    let fault = upload.send(body).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Authentication);
    assert!(fault.to_string().contains("DENIED (quota)"), "{fault}");
    let verified = home.await.unwrap();
    assert!(verified.fault().is_none() && !verified.is_true());
}
