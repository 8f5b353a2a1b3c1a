//! What is read from stdin: requests and passwords, and signals that come meanwhile.
use crate::run::Home;

const LINE: [&str; 6] = ["import", "--target", "a.example", "--no-wait", "--request", "-"];

#[test]
fn a_signal_ends_a_run_that_waits_for_its_stdin() {
    let password =
        ["import", "--target", "a.example", "--no-wait", "--source", "b.example/app", "--password-stdin"];
    for words in [&LINE[..], &password] {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let home = Home::new();
            let (running, stdin) = home.start(words);
            // The note comes right before stdin is read.
            running.says("--no-wait");
            running.signal(signal);
            running.wait().exits(code);
            drop(stdin);
        }
    }
}

#[test]
fn a_request_names_the_field_that_does_not_fit_and_never_repeats_it() {
    let fields = [
        (r#"{"source":{"credentials":{"password":90210}}}"#, "source.credentials.password: must be a string"),
        (r#"{"source":{"credentials":{"password":9.5e7}}}"#, "source.credentials.password: must be a string"),
        (r#"{"source":{"credentials":true}}"#, "source.credentials: must be an object"),
        (r#"{"source":"app"}"#, "source: must be an object"),
        ("[90210]", "--request: must be an object"),
        ("", "--request: there is nothing in it"),
    ];
    for (body, said) in fields {
        let body = body.replace("\"source\":{", r#""source":{"sourceImage":"a","registryUri":"b.example","#);
        let text = Home::new().run_with(&LINE, &body).exits(2).says(said);
        let json = Home::new().run_with(&[&LINE[..], &["-o", "json"]].concat(), &body).exits(2);
        for ran in [text, json] {
            for hidden in ["90210", "9.5e7", "9500", "true,", "struct", "column 0", "invalid"] {
                assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(hidden), "{ran}");
            }
        }
    }
}

#[test]
fn an_empty_password_is_refused_before_anything_is_sent() {
    let import = ["import", "--target", "127.0.0.1:1", "--source", "127.0.0.1:1/app", "-u", "me"];
    let home = Home::new().with("TRANSSHIP_SOURCE_PASSWORD", "");
    home.run(&import).exits(2).says("--username").says("without a password");
    let empty = home.file("empty", "\n");
    home.run(&[&import[..], &["--password-stdin"]].concat())
        .exits(2)
        .says("--password-stdin: the password is empty");
    let file = [&import[..], &["--password-file", &empty]].concat();
    home.run(&file).exits(2).says("--password-file: the password is empty");
    home.run(&[&import[..], &["-p", ""]].concat()).exits(2).says("--password: the password is empty");
    let target = ["--target-username", "you", "--target-password-file", &empty];
    home.run(&[&import[..5], &target].concat())
        .exits(2)
        .says("--target-password-file: the password is empty");
    let body = r#"{"source":{"registryUri":"127.0.0.1:1","sourceImage":"a","credentials":{"username":"me","password":""}}}"#;
    home.run_with(&["import", "--target", "127.0.0.1:1", "--request", "-"], body)
        .exits(2)
        .says("without a password");
}

#[test]
fn a_password_alone_names_the_flag_that_gave_it() {
    let import = ["import", "--target", "127.0.0.1:1", "--source", "b.example/app"];
    let by_stdin = [&import[..], &["--password-stdin"]].concat();
    Home::new().run_with(&by_stdin, "token").exits(2).says("error: --password-stdin: ");
    Home::new().run(&[&import[..], &["-p", "token"]].concat()).exits(2).says("error: --password: ");
}
