//! Uploads: present, mounted, sent; and what is done when a registry does not play along.
use content::{Begun, Descriptor, FaultKind, Lent, Target, Upload, Verified};
use futures::StreamExt;

use crate::script::{Act, End, Script, Seen, answer, blob, lend, lend_from, silence};

const DATA: &[u8] = b"0123456789";

fn location(text: &str) -> Act {
    answer(202, &[&format!("Location: {text}")], "")
}

async fn begin(server: &Script, descriptor: &Descriptor) -> Box<dyn Upload> {
    match server.repository("app").begin(descriptor, None).await.unwrap() {
        Begun::Upload(upload) => upload,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_mount_from_itself_replaces_head_and_post() {
    let server = Script::start(|_, _| answer(201, &["Location: /v2/app/blobs/x"], "")).await;
    let descriptor = blob(DATA);
    let begun = server.repository("app").begin(&descriptor, None).await.unwrap();
    assert!(matches!(begun, Begun::Present));
    let digest = descriptor.digest.to_string().replace(':', "%3A");
    assert_eq!(server.lines(), [format!("POST /v2/app/blobs/uploads/?mount={digest}&from=app")]);
}

#[tokio::test]
async fn a_mount_answered_202_is_the_session_to_use() {
    let server = Script::start(|seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1?_state=a%2Fb=="),
        _ => answer(201, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let from = "lib/base".parse().unwrap();
    let begun = server.repository("app").begin(&descriptor, Some(&from)).await.unwrap();
    let Begun::Upload(mut upload) = begun else { panic!("an upload was due") };
    upload.send(lend(&descriptor, DATA, 3).0).await.unwrap();
    let digest = descriptor.digest.to_string().replace(':', "%3A");
    assert_eq!(
        server.lines(),
        [
            format!("POST /v2/app/blobs/uploads/?mount={digest}&from=lib/base"),
            format!("PUT /v2/app/blobs/uploads/1?_state=a%2Fb==&digest={digest}"),
        ]
    );
    let put = server.seen().remove(1);
    assert_eq!(put.header("content-length"), Some("10"));
    assert_eq!(put.header("transfer-encoding"), None);
    assert_eq!(put.body, DATA);
}

#[tokio::test]
async fn a_refused_mount_becomes_an_upload_once() {
    for status in [400, 401, 403, 404, 405, 500, 503] {
        let server = Script::start(move |seen, _| match seen.method.as_str() {
            "POST" if seen.target.contains("mount=") => answer(status, &[], ""),
            "POST" => location("/v2/app/blobs/uploads/1"),
            _ => answer(201, &[], ""),
        })
        .await;
        let descriptor = blob(DATA);
        let from = "lib/base".parse().unwrap();
        let begun = server.repository("app").begin(&descriptor, Some(&from)).await.unwrap();
        let Begun::Upload(mut upload) = begun else { panic!("an upload was due") };
        upload.send(lend(&descriptor, DATA, 3).0).await.unwrap();
        let posts: Vec<_> = server.lines().into_iter().filter(|line| line.starts_with("POST")).collect();
        assert_eq!(posts.len(), 3, "{status}");
        assert!(posts[0].ends_with("&from=lib/base") && posts[1].ends_with("&from=app"), "{posts:?}");
        assert_eq!(posts[2], "POST /v2/app/blobs/uploads/", "{status}");
    }
}

#[tokio::test]
async fn a_blob_that_is_there_is_not_sent_again_after_a_refused_mount() {
    let server = Script::start(|seen: &Seen, _| {
        if seen.target.ends_with("from=lib/base") { answer(403, &[], "") } else { answer(201, &[], "") }
    })
    .await;
    let repository = server.repository("app");
    let from = "lib/base".parse().unwrap();
    assert!(matches!(repository.begin(&blob(DATA), Some(&from)).await.unwrap(), Begun::Present));
    assert_eq!(server.lines().len(), 2);
    // What was refused is not asked again, for any blob; another repository is.
    assert!(matches!(repository.begin(&blob(b"more"), Some(&from)).await.unwrap(), Begun::Present));
    assert_eq!(server.lines().len(), 3);
    let other = "lib/other".parse().unwrap();
    assert!(matches!(repository.begin(&blob(b"more"), Some(&other)).await.unwrap(), Begun::Mounted));
}

#[tokio::test]
async fn a_mount_refused_for_one_blob_or_for_now_is_asked_again_for_the_next() {
    let unknown = r#"{"errors":[{"code":"BLOB_UNKNOWN"}]}"#;
    for (status, body) in [(404, unknown), (429, ""), (503, "")] {
        let server = Script::start(move |seen: &Seen, _| {
            if seen.target.ends_with("from=lib/base") {
                answer(status, &[], body)
            } else {
                answer(201, &[], "")
            }
        })
        .await;
        let repository = server.repository("app");
        let from = "lib/base".parse().unwrap();
        for data in [&b"one"[..], b"two"] {
            repository.begin(&blob(data), Some(&from)).await.unwrap();
        }
        assert_eq!(server.lines().len(), 4, "{status}");
    }
}

#[tokio::test]
async fn a_registry_that_refuses_mounts_from_itself_is_asked_by_head_from_then_on() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" if seen.target.contains("mount=") => answer(405, &[], ""),
        "POST" => location("/v2/app/blobs/uploads/1"),
        "HEAD" => answer(404, &[], ""),
        _ => answer(204, &[], ""),
    })
    .await;
    let repository = server.repository("app");
    let mut uploads = Vec::new();
    for data in [&b"one"[..], b"two"] {
        let Begun::Upload(upload) = repository.begin(&blob(data), None).await.unwrap() else { panic!() };
        uploads.push(upload);
    }
    let methods: Vec<_> = server.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["POST", "HEAD", "POST", "HEAD", "POST"]);
}

#[tokio::test]
async fn locations_are_resolved_as_urls_are() {
    for (given, expected) in [
        ("/v2/app/blobs/uploads/1", "/v2/app/blobs/uploads/1?digest="),
        ("1?a=b&c=%2F", "/v2/app/blobs/uploads/1?a=b&c=%2F&digest="),
        ("HOST/v2/other/2?x", "/v2/other/2?x&digest="),
    ] {
        let server = Script::start(move |seen, _| match seen.method.as_str() {
            "POST" => {
                let host = format!("http://{}", seen.header("host").unwrap());
                location(&given.replace("HOST", &host))
            }
            _ => answer(201, &[], ""),
        })
        .await;
        let descriptor = blob(DATA);
        begin(&server, &descriptor).await.send(lend(&descriptor, DATA, 3).0).await.unwrap();
        let line = server.lines().remove(1);
        assert!(line.starts_with(&format!("PUT {expected}sha256%3A")), "{line}");
    }
}

#[tokio::test]
async fn a_post_without_a_location_breaks_the_protocol() {
    let server = Script::start(|_, _| answer(202, &[], "")).await;
    let fault = server.repository("app").begin(&blob(DATA), None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Protocol);
}

#[tokio::test]
async fn an_empty_blob_is_sent_like_any_other() {
    let server = Script::start(|seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        _ => answer(201, &[], ""),
    })
    .await;
    let descriptor = blob(b"");
    begin(&server, &descriptor).await.send(lend(&descriptor, b"", 1).0).await.unwrap();
    let put = server.seen().remove(1);
    assert_eq!((put.method.as_str(), put.header("content-length")), ("PUT", Some("0")));
}

/// The kinds of request after the first POST.
fn methods(server: &Script) -> Vec<String> {
    server.seen().iter().skip(1).map(|seen| seen.method.clone()).collect()
}

#[tokio::test]
async fn a_put_that_is_too_large_steps_down_to_a_patch_and_is_remembered() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        "PATCH" => location("/v2/app/blobs/uploads/2"),
        "PUT" if seen.header("content-length") == Some("0") => answer(201, &[], ""),
        _ => answer(413, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let repository = server.repository("app");
    let Begun::Upload(mut upload) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    let fault = upload.send(lend(&descriptor, DATA, 3).0).await.unwrap_err();
    assert!(fault.is_momentary());
    assert!(!upload.realign().await.unwrap());
    upload.send(lend(&descriptor, DATA, 3).0).await.unwrap();
    assert_eq!(methods(&server), ["PUT", "DELETE", "POST", "PATCH", "PUT"]);
    let patch = server.seen().remove(4);
    assert_eq!((patch.header("content-range"), patch.body.as_slice()), (None, DATA));

    let Begun::Upload(mut second) = repository.begin(&descriptor, None).await.unwrap() else { panic!() };
    second.send(lend(&descriptor, DATA, 3).0).await.unwrap();
    assert_eq!(methods(&server)[5..], ["POST", "PATCH", "PUT"]);
}

#[tokio::test]
async fn the_last_rung_sends_chunks_of_the_size_the_registry_wants() {
    let size = 9 * 1024 * 1024;
    let server = Script::start(move |seen: &Seen, _| match seen.method.as_str() {
        "POST" => answer(202, &["Location: /v2/app/blobs/uploads/1", "OCI-Chunk-Min-Length: 1000"], ""),
        "PUT" if seen.header("content-length") == Some("0") => answer(201, &[], ""),
        "PATCH" if seen.header("content-range").is_some() => location("/v2/app/blobs/uploads/1"),
        _ => answer(413, &[], ""),
    })
    .await;
    let data = vec![5; size];
    let descriptor = blob(&data);
    let mut upload = begin(&server, &descriptor).await;
    for _ in 0..2 {
        let fault = upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap_err();
        assert!(fault.is_momentary());
        assert!(!upload.realign().await.unwrap());
    }
    upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap();
    let seen = server.seen();
    let chunks = seen.iter().filter_map(|seen| Some((seen.header("content-range")?, &seen.body)));
    let (ranges, bodies): (Vec<_>, Vec<_>) = chunks.unzip();
    assert_eq!(ranges, ["0-8388607", "8388608-9437183"]);
    assert_eq!(bodies.into_iter().flatten().copied().collect::<Vec<u8>>(), data);
}

#[tokio::test]
async fn a_413_on_the_last_rung_is_a_refusal() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        _ => answer(413, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let mut upload = begin(&server, &descriptor).await;
    let fault = loop {
        let fault = upload.send(lend(&descriptor, DATA, 3).0).await.unwrap_err();
        if !fault.is_momentary() {
            break fault;
        }
        upload.realign().await.unwrap();
    };
    assert_eq!(fault.kind(), FaultKind::Refused);
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_is_looked_up_not_sent_again() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        "PUT" => silence(usize::MAX, End::Close),
        "HEAD" => answer(200, &["Content-Length: 10"], ""),
        _ => answer(404, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let mut upload = begin(&server, &descriptor).await;
    let fault = upload.send(lend(&descriptor, DATA, 3).0).await.unwrap_err();
    assert!(fault.is_momentary());
    assert!(upload.realign().await.unwrap());
    assert_eq!(methods(&server), ["PUT", "HEAD"]);
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_the_registry_says() {
    let server = Script::start(|seen: &Seen, index| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        "PUT" if index == 1 => silence(6, End::Reset),
        "GET" => answer(204, &["Range: 0-3", "Location: /v2/app/blobs/uploads/1?at=4"], ""),
        "HEAD" => answer(404, &[], ""),
        _ => answer(201, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let mut upload = begin(&server, &descriptor).await;
    assert!(upload.send(lend(&descriptor, DATA, 3).0).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 4);
    upload.send(lend_from(&descriptor, DATA, 3, 4).0).await.unwrap();
    let put = server.seen().pop().unwrap();
    assert_eq!((put.header("content-range"), put.body.as_slice()), (Some("4-9"), &DATA[4..]));
    assert!(put.target.contains("/1?at=4&digest="));
}

#[tokio::test]
async fn a_session_that_may_hold_its_first_byte_is_not_sent_it_again() {
    // What distribution says of an empty session, it says of one with a single byte too.
    let server = Script::start(|seen: &Seen, index| match seen.method.as_str() {
        "POST" => location(&format!("/v2/app/blobs/uploads/{index}")),
        "PUT" if index == 1 => silence(1, End::Reset),
        "GET" => answer(204, &["Range: 0-0"], ""),
        "HEAD" => answer(404, &[], ""),
        "DELETE" => answer(204, &[], ""),
        _ => answer(201, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let mut upload = begin(&server, &descriptor).await;
    assert!(upload.send(lend(&descriptor, DATA, 3).0).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 0);
    upload.send(lend(&descriptor, DATA, 3).0).await.unwrap();
    let methods = methods(&server);
    let (put, before) = methods.split_last().unwrap();
    assert_eq!(before[before.len() - 3..], ["GET", "DELETE", "POST"]);
    assert_eq!(put, "PUT");
    let seen = server.seen();
    assert_ne!(seen[1].target, seen[seen.len() - 1].target);
    assert_eq!(seen[seen.len() - 1].body, DATA);
}

#[tokio::test]
async fn a_session_that_says_it_holds_more_than_it_was_given_begins_again() {
    let server = Script::start(|seen: &Seen, index| match seen.method.as_str() {
        "POST" => location(&format!("/v2/app/blobs/uploads/{index}")),
        "PUT" if index == 1 => silence(3, End::Reset),
        "GET" => answer(204, &["Range: 0-9"], ""),
        "HEAD" => answer(404, &[], ""),
        "DELETE" => answer(204, &[], ""),
        _ => answer(201, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let mut upload = begin(&server, &descriptor).await;
    // The source pauses after three bytes: more cannot be at the target.
    let mut verified = Verified::new(&descriptor);
    let first = futures::stream::iter([Ok(bytes::Bytes::from_static(&DATA[..3]))]);
    verified.feed(first.chain(futures::stream::pending()).boxed());
    let (lent, home) = Lent::new(verified);
    assert!(upload.send(lent).await.unwrap_err().is_momentary());
    home.await.unwrap();
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 0);
    upload.send(lend(&descriptor, DATA, 3).0).await.unwrap();
    let put = server.seen().pop().unwrap();
    assert_eq!((put.header("content-range"), put.body.as_slice()), (None, DATA));
}

#[tokio::test]
async fn a_session_that_is_gone_begins_again() {
    let server = Script::start(|seen: &Seen, index| match seen.method.as_str() {
        "POST" => location(&format!("/v2/app/blobs/uploads/{index}")),
        "PUT" if index == 1 => answer(503, &[], ""),
        "GET" => answer(404, &[], r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#),
        "HEAD" => answer(404, &[], ""),
        _ => answer(201, &[], ""),
    })
    .await;
    let descriptor = blob(DATA);
    let mut upload = begin(&server, &descriptor).await;
    assert!(upload.send(lend(&descriptor, DATA, 3).0).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 0);
    upload.send(lend(&descriptor, DATA, 3).0).await.unwrap();
    assert_eq!(methods(&server), ["PUT", "HEAD", "GET", "POST", "PUT"]);
}

#[tokio::test]
async fn a_repository_that_must_be_created_first_is_named() {
    let unknown = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such"}]}"#;
    let server = Script::start(move |_, _| answer(404, &[], unknown)).await;
    let fault = server.repository("app").begin(&blob(DATA), None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Absent);
    assert!(fault.hint_text().unwrap().contains("create the repository app"));
}

/// A peer that answers 413 and closes while bytes are still coming resets the connection: the answer is lost.
#[tokio::test]
async fn a_reset_of_a_first_large_put_steps_down_too() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        "PATCH" => location("/v2/app/blobs/uploads/2"),
        "PUT" if seen.header("content-length") == Some("0") => answer(201, &[], ""),
        "PUT" => silence(100_000, End::Reset),
        _ => answer(404, &[], ""),
    })
    .await;
    let data = vec![3; 30_000_000];
    let descriptor = blob(&data);
    let mut upload = begin(&server, &descriptor).await;
    assert!(upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap();
    assert_eq!(methods(&server), ["PUT", "GET", "POST", "PATCH", "PUT"]);
}

/// The session says what became of the bytes: a connection that broke is no refusal of their number.
#[tokio::test]
async fn a_reset_of_a_first_large_put_goes_on_where_the_session_says() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        "GET" => answer(204, &["Range: 0-14999999"], ""),
        "PUT" if seen.header("content-range") == Some("15000000-29999999") => answer(201, &[], ""),
        "PUT" => silence(15_000_000, End::Reset),
        _ => answer(404, &[], ""),
    })
    .await;
    let data = vec![3; 30_000_000];
    let descriptor = blob(&data);
    let mut upload = begin(&server, &descriptor).await;
    assert!(upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 15_000_000);
    upload.send(lend_from(&descriptor, &data[..], 100_000, 15_000_000).0).await.unwrap();
    assert_eq!(methods(&server), ["PUT", "GET", "PUT"]);
}

/// A registry without large requests, whose sessions take one chunk after another.
fn chunks_only(seen: &Seen, patch: impl Fn(&str) -> Act, status: &str) -> Act {
    match (seen.method.as_str(), seen.header("content-range")) {
        ("POST", _) => location("/v2/app/blobs/uploads/1"),
        ("GET", _) => answer(204, &[status], ""),
        ("PATCH", Some(range)) => patch(range),
        ("PUT", None) if seen.header("content-length") == Some("0") => answer(201, &[], ""),
        _ => answer(413, &[], ""),
    }
}

/// Begins an upload of `data` and comes down to chunks.
async fn down_to_chunks(server: &Script, descriptor: &Descriptor, data: &[u8]) -> Box<dyn Upload> {
    let mut upload = begin(server, descriptor).await;
    for _ in 0..2 {
        assert!(upload.send(lend(descriptor, data, 100_000).0).await.unwrap_err().is_momentary());
        assert!(!upload.realign().await.unwrap());
    }
    upload
}

#[tokio::test]
async fn a_416_is_settled_by_the_session_and_not_by_smaller_chunks() {
    let patched = std::sync::atomic::AtomicUsize::new(0);
    let server = Script::start(move |seen: &Seen, _| {
        let patch = |_: &str| match patched.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => answer(416, &[], ""),
            _ => location("/v2/app/blobs/uploads/1"),
        };
        chunks_only(seen, patch, "Range: 0-4194303")
    })
    .await;
    let data = vec![5; 13 * 1024 * 1024];
    let descriptor = blob(&data);
    let mut upload = down_to_chunks(&server, &descriptor, &data).await;
    assert!(upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 4 * 1024 * 1024);
    upload.send(lend_from(&descriptor, &data[..], 100_000, 4 * 1024 * 1024).0).await.unwrap();
    let ranges: Vec<_> =
        server.seen().iter().filter_map(|seen| Some(seen.header("content-range")?.to_owned())).collect();
    assert_eq!(ranges, ["0-8388607", "4194304-12582911", "12582912-13631487"]);
}

#[tokio::test]
async fn a_chunk_that_was_kept_in_part_goes_on_where_the_target_says() {
    let server = Script::start(move |seen: &Seen, _| {
        // After the first chunk it stands still, which is no word to go by.
        let patch = |_: &str| answer(202, &["Location: /v2/app/blobs/uploads/1", "Range: 0-4194303"], "");
        chunks_only(seen, patch, "Range: 0-4194303")
    })
    .await;
    let data = vec![5; 9 * 1024 * 1024];
    let descriptor = blob(&data);
    let mut upload = down_to_chunks(&server, &descriptor, &data).await;
    let fault = upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap_err();
    assert!(fault.is_momentary() && fault.to_string().contains("4194304 of the 8388608"), "{fault}");
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 4 * 1024 * 1024);
    upload.send(lend_from(&descriptor, &data[..], 100_000, 4 * 1024 * 1024).0).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[seen.len() - 2].header("content-range"), Some("4194304-9437183"));
}

/// distribution 2.8 forgets a session that broke; a proxy may end every connection after so many bytes.
#[tokio::test]
async fn chunks_go_over_connections_of_their_own_once_a_cut_between_them_has_cost_the_session() {
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "GET" => answer(404, &[], r#"{"errors":[{"code":"BLOB_UPLOAD_INVALID"}]}"#),
        "DELETE" => answer(204, &[], ""),
        _ => {
            let cut = seen.header("connection") != Some("close");
            let patch = |range: &str| {
                if cut && !range.starts_with("0-") {
                    return silence(100_000, End::Reset);
                }
                location("/v2/app/blobs/uploads/1")
            };
            chunks_only(seen, patch, "")
        }
    })
    .await;
    let data = vec![5; 17 * 1024 * 1024];
    let descriptor = blob(&data);
    let mut upload = down_to_chunks(&server, &descriptor, &data).await;
    assert!(upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap_err().is_momentary());
    assert!(!upload.realign().await.unwrap());
    assert_eq!(upload.offset(), 0);
    let before = server.seen().len();
    upload.send(lend(&descriptor, &data, 100_000).0).await.unwrap();
    let sent = server.seen().split_off(before);
    let patches: Vec<_> = sent.iter().filter(|seen| seen.method == "PATCH").collect();
    assert_eq!(patches.len(), 3);
    assert!(patches.iter().all(|patch| patch.header("connection") == Some("close")), "{patches:?}");
}

#[tokio::test]
async fn a_session_for_sha512_says_so_and_a_refusal_is_named() {
    let data = b"0123456789";
    let digest = content::Hasher::digest(reference::Algorithm::Sha512, data);
    let descriptor = Descriptor::new(content::MediaType::new("application/x"), digest, 10);
    let server = Script::start(|seen: &Seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        _ => answer(201, &[], ""),
    })
    .await;
    begin(&server, &descriptor).await.send(lend(&descriptor, data, 3).0).await.unwrap();
    assert!(server.lines()[0].ends_with("&from=app&digest-algorithm=sha512"), "{:?}", server.lines());

    let refusal = r#"{"errors":[{"code":"DIGEST_INVALID","message":"unsupported"}]}"#;
    let server = Script::start(move |seen: &Seen, _| match seen.method.as_str() {
        "POST" => location("/v2/app/blobs/uploads/1"),
        _ => answer(400, &[], refusal),
    })
    .await;
    let mut upload = begin(&server, &descriptor).await;
    let fault = upload.send(lend(&descriptor, data, 3).0).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused);
}
