//! Lists of names: read to their end, and no further than is sane.
use std::sync::Arc;

use auth::Given;
use content::{Catalog, Fault, FaultKind};
use reference::RepositoryName;
use registry::{Options, Registries};

use crate::script::{Act, Script, Seen, answer};

fn tags(names: &[&str], link: Option<&str>) -> Act {
    let body = serde_json::json!({"name": "app", "tags": names}).to_string();
    let link = link.map(|link| format!("Link: {link}"));
    answer(200, &link.iter().map(String::as_str).collect::<Vec<_>>(), body)
}

async fn names(server: &Script) -> Result<Vec<String>, Fault> {
    let names = server.repository("app").names().await?;
    Ok(names.iter().map(|name| name.as_str().to_owned()).collect())
}

async fn repositories(server: &Script) -> Result<Vec<RepositoryName>, Fault> {
    let registries = Registries::new(Options::default()).unwrap();
    registries.repositories(&server.host.parse().unwrap(), Arc::new(Given(None))).await
}

#[tokio::test]
async fn every_page_of_tags_is_read_by_its_link() {
    let server = Script::start(|seen: &Seen, _| match seen.target.as_str() {
        "/v2/app/tags/list?n=1000" => tags(&["b", "a"], Some("</v2/app/tags/list?n=2&last=b>; rel=\"next\"")),
        "/v2/app/tags/list?n=2&last=b" => tags(&[], Some("<list?token=x%2F>; rel=next")),
        "/v2/app/tags/list?token=x%2F" => tags(&["c", "a"], None),
        _ => answer(500, &[], ""),
    })
    .await;
    assert_eq!(names(&server).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(server.lines().len(), 3);
}

#[tokio::test]
async fn a_full_page_without_a_link_is_gone_on_behind() {
    let all: Vec<String> = (0..1500).map(|number| format!("t{number:04}")).collect();
    let expected = all.clone();
    let server = Script::start(move |seen: &Seen, _| {
        let after = seen.target.split_once("last=").map_or("", |(_, last)| last);
        let page: Vec<&str> = all.iter().map(String::as_str).filter(|tag| *tag > after).take(1000).collect();
        tags(&page, None)
    })
    .await;
    assert_eq!(names(&server).await.unwrap(), expected);
    let asked = ["GET /v2/app/tags/list?n=1000", "GET /v2/app/tags/list?n=1000&last=t0999"];
    assert_eq!(server.lines(), asked);
}

#[tokio::test]
async fn a_registry_that_gives_all_at_once_is_asked_once_more_at_most() {
    let all: Vec<String> = (0..3000).map(|number| format!("t{number:04}")).collect();
    let expected = all.clone();
    let server =
        Script::start(move |_, _| tags(&all.iter().map(String::as_str).collect::<Vec<_>>(), None)).await;
    assert_eq!(names(&server).await.unwrap(), expected);
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_registry_that_limits_the_number_of_a_page_is_asked_without_one() {
    let refusal = r#"{"errors":[{"code":"PAGINATION_NUMBER_INVALID","message":"invalid number"}]}"#;
    let server = Script::start(move |seen: &Seen, _| {
        if seen.target.contains('?') {
            answer(400, &[], refusal)
        } else {
            answer(200, &[], r#"{"repositories":["b/c","a"]}"#)
        }
    })
    .await;
    assert_eq!(repositories(&server).await.unwrap(), ["a".parse().unwrap(), "b/c".parse().unwrap()]);
    assert_eq!(server.lines(), ["GET /v2/_catalog?n=1000", "GET /v2/_catalog"]);
    let server = Script::start(move |_, _| answer(400, &[], refusal)).await;
    assert_eq!(repositories(&server).await.unwrap_err().kind(), FaultKind::Protocol);
    assert_eq!(server.lines().len(), 2);
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_is_an_error() {
    for links in [["<list?page=a>", "<list?page=a>"], ["<list?page=a>", "<list?n=1000>"]] {
        let server = Script::start(move |seen: &Seen, _| {
            let link = if seen.target.contains("page=a") { links[1] } else { links[0] };
            tags(&["v1"], Some(&format!("{link}; rel=\"next\"")))
        })
        .await;
        let fault = names(&server).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Protocol);
        assert!(fault.to_string().contains("read before"), "{fault}");
        assert_eq!(server.lines().len(), 2);
    }
}

#[tokio::test]
async fn a_list_without_an_end_is_not_read_without_end() {
    let server =
        Script::start(|_, index| tags(&[], Some(&format!("<list?page={index}>; rel=\"next\"")))).await;
    let fault = names(&server).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused);
    assert_eq!(server.lines().len(), 5_000);
}

#[tokio::test]
async fn more_names_than_anybody_has_are_refused() {
    let page: Vec<String> = (0..100_000).map(|number| format!("t{number}")).collect();
    let server = Script::start(move |_, index| {
        let page: Vec<&str> = page.iter().map(String::as_str).collect();
        tags(&page, Some(&format!("<list?page={index}>; rel=\"next\"")))
    })
    .await;
    assert_eq!(names(&server).await.unwrap_err().kind(), FaultKind::Refused);
    assert_eq!(server.lines().len(), 6);
}

#[tokio::test]
async fn a_page_elsewhere_is_not_asked_for() {
    let other = Script::start(|_, _| tags(&["v2"], None)).await;
    let link = format!("<http://{}/v2/app/tags/list>; rel=\"next\"", other.host);
    let server = Script::start(move |_, _| tags(&["v1"], Some(&link))).await;
    let fault = names(&server).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Address);
    assert!(fault.to_string().contains("another origin"), "{fault}");
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_name_that_would_lead_astray_is_left_out() {
    let odd = ["v1", "../../other/manifests/v1", "-x", "", "a b", "v2"];
    let server = Script::start(move |_, _| tags(&odd, None)).await;
    assert_eq!(names(&server).await.unwrap(), ["v1", "v2"]);
    let server = Script::start(|_, _| answer(200, &[], r#"{"repositories":["a","../x","B"]}"#)).await;
    assert_eq!(repositories(&server).await.unwrap(), ["a".parse().unwrap()]);
}

#[tokio::test]
async fn a_repository_that_does_not_exist_is_absent_and_no_empty_list() {
    let body = r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#;
    let server = Script::start(move |_, _| answer(404, &[], body)).await;
    let fault = names(&server).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Absent);
    assert!(fault.to_string().contains("/app: list: tags: "), "{fault}");
}

#[tokio::test]
async fn a_registry_that_lists_no_repositories_says_so_with_a_remedy() {
    for (status, kind) in
        [(401, FaultKind::Authentication), (404, FaultKind::Absent), (405, FaultKind::Protocol)]
    {
        let server = Script::start(move |_, _| answer(status, &["WWW-Authenticate: Basic"], "")).await;
        let fault = repositories(&server).await.unwrap_err();
        assert_eq!(fault.kind(), kind, "{fault}");
        assert!(fault.hint_text().unwrap().contains("name them one by one"));
        assert!(fault.to_string().starts_with(&format!("{}: list: _catalog: ", server.host)), "{fault}");
    }
}

#[tokio::test]
async fn a_web_page_is_no_list() {
    for status in [200, 404] {
        let page = "<html>Please log in</html>";
        let server = Script::start(move |_, _| answer(status, &["Content-Type: text/html"], page)).await;
        assert_eq!(names(&server).await.unwrap_err().kind(), FaultKind::Untrue);
        assert_eq!(repositories(&server).await.unwrap_err().kind(), FaultKind::Untrue);
    }
}
