//! What is noted, and what is made of it later.
use std::sync::Arc;

use super::*;

/// Everything that was kept, and how often it had to be there at once.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(String, usize)>>);

impl Keep for Kept {
    fn add(&self, lines: &str, firm: bool) {
        let mut kept = self.0.lock().unwrap();
        kept.0.push_str(lines);
        kept.1 += usize::from(firm);
    }
}

impl Kept {
    fn text(&self) -> String {
        self.0.lock().unwrap().0.clone()
    }
}

fn item(destination: &str) -> Item {
    Item {
        source: "a.example/app:v1".parse().unwrap(),
        destination: destination.parse().unwrap(),
        immutable: true,
        platforms: Vec::new(),
        referrers: false,
        spot: crate::config::Spot::default(),
    }
}

fn digest(number: u8) -> Digest {
    format!("sha256:{number:064x}").parse().unwrap()
}

#[test]
fn what_arrived_is_believed_only_under_the_rules_by_which_it_did() {
    let kept = Kept::default();
    let notes = Notes::default().kept(kept.clone());
    let arrived = item("b.example/app:v1");
    notes.note_arrived(&arrived, &digest(1), false);
    let later = Notes::read(&kept.text());
    assert_eq!(later.arrived(&arrived, false), Some(digest(1)));
    assert_eq!(later.arrived(&arrived, true), None, "foreign layers were left out");
    for other in [
        Item { platforms: vec!["linux/amd64".to_owned()], ..arrived.clone() },
        Item { referrers: true, ..arrived.clone() },
        Item { immutable: false, ..arrived.clone() },
        Item { source: "a.example/other:v1".parse().unwrap(), ..arrived.clone() },
        item("b.example/app:v2"),
    ] {
        assert_eq!(later.arrived(&other, false), None, "{other:?}");
    }
    // What may move is not noted.
    later.note_arrived(&Item { immutable: false, ..item("b.example/app:v2") }, &digest(2), false);
    assert_eq!(later.arrived(&item("b.example/app:v2"), false), None);
}

#[test]
fn a_doubt_takes_back_what_is_to_be_written_or_its_whole_home_and_is_kept_at_once() {
    for (certain, left) in [(true, 8), (false, 0)] {
        let kept = Kept::default();
        let notes = Notes::default().kept(kept.clone());
        let names: Vec<String> = (0..10).map(|number| format!("b.example/app:v{number}")).collect();
        let elsewhere = item("b.example/other:v1");
        for item in names.iter().map(|name| item(name)).chain([elsewhere.clone()]) {
            notes.note_arrived(&item, &digest(1), false);
        }
        let doubted = [item(&names[0]), item(&names[1]), item("b.example/new:v1")];
        for _ in 0..2 {
            notes.doubt(doubted.iter().map(|item| &item.destination), |_| certain);
            assert_eq!(kept.0.lock().unwrap().1, 1, "once, whatever many are doubted");
        }
        let short = shorter(&(kept.text() + &"\n".repeat(200))).unwrap();
        for later in [notes, Notes::read(&kept.text()), Notes::read(&short)] {
            let believed = names.iter().filter(|name| later.arrived(&item(name), false).is_some());
            assert_eq!(believed.count(), left);
            assert!(later.arrived(&elsewhere, false).is_some());
        }
        // What arrives after it counts again.
        let notes = Notes::read(&kept.text()).kept(kept.clone());
        notes.note_arrived(&doubted[0], &digest(2), false);
        let short = shorter(&(kept.text() + &"\n".repeat(200))).unwrap();
        assert_eq!(Notes::read(&short).arrived(&doubted[0], false), Some(digest(2)));
    }
}

#[test]
fn what_is_known_is_not_noted_twice() {
    let kept = Kept::default();
    let notes = Notes::default().kept(kept.clone());
    let arrived = item("b.example/app:v1");
    for _ in 0..3 {
        notes.note_arrived(&arrived, &digest(1), false);
        notes.note_created(&digest(2), None);
        notes.made(&digest(3), &Platforms::All, &Descriptor::new(MediaType::oci_index(), digest(4), 5));
    }
    assert_eq!(kept.text().lines().count(), 3, "{}", kept.text());
    let later = Notes::read(&kept.text());
    assert_eq!(later.arrived(&arrived, false), Some(digest(1)));
    assert_eq!((later.created(&digest(2)), later.created(&digest(3))), (Some(Dated(None)), None));
    assert_eq!(later.made_of(&digest(3), &Platforms::All).unwrap().digest, digest(4));
    let other = "linux/amd64".parse().unwrap();
    assert_eq!(later.made_of(&digest(3), &other), None);
}

#[test]
fn a_torn_line_is_no_line_and_the_others_count() {
    let kept = Kept::default();
    let notes = Notes::default().kept(kept.clone());
    notes.note_arrived(&item("b.example/app:v1"), &digest(1), false);
    notes.note_arrived(&item("b.example/app:v2"), &digest(2), false);
    let text = kept.text();
    for end in 0..text.len() {
        let torn = text.get(..end).unwrap();
        let later = Notes::read(torn);
        let found: Vec<_> = ["b.example/app:v1", "b.example/app:v2"]
            .iter()
            .filter_map(|name| later.arrived(&item(name), false))
            .collect();
        let whole = torn.lines().filter(|line| line.ends_with("}}}")).count();
        assert_eq!(found.len(), whole, "{torn}");
    }
    let torn = format!("{}\0\0\n[1]\n{{}}\n{text}", text.get(..20).unwrap());
    assert_eq!(Notes::read(&torn).arrived(&item("b.example/app:v2"), false), Some(digest(2)));
}

#[test]
fn notes_grow_no_further_than_twice_what_they_say() {
    let kept = Kept::default();
    let notes = Notes::default().kept(kept.clone());
    for number in 0..100 {
        notes.note_arrived(&item("b.example/app:v1"), &digest(number), false);
        notes.note_arrived(&item("b.example/app:v2"), &digest(number), false);
        notes.doubt([item("b.example/app:v2").destination].iter(), |_| true);
    }
    let text = kept.text();
    assert_eq!(text.lines().count(), 300);
    let short = shorter(&text).unwrap();
    assert_eq!((short.lines().count(), short.starts_with(HEADER)), (2, true), "{short}");
    assert_eq!(Notes::read(&short).arrived(&item("b.example/app:v1"), false), Some(digest(99)));
    assert_eq!(shorter(&short), None);
    // Of too many of one kind the last ones stay, and those of another are not in their way.
    let dated = |number: usize| Note::Dated { digest: number.to_string(), created: None }.line();
    let many = |number: usize| short.clone() + &(0..number).map(dated).collect::<String>();
    assert_eq!(shorter(&many(MOST_OTHERS + SLACK)), None);
    let short = shorter(&many(MOST_OTHERS + SLACK + 1)).unwrap();
    assert_eq!(short.lines().count(), 1 + 1 + MOST_OTHERS);
    assert_eq!(Notes::read(&short).arrived(&item("b.example/app:v1"), false), Some(digest(99)));
    assert!(short.ends_with(&dated(MOST_OTHERS + SLACK)));
}
