//! Connections that are cut after so many bytes, again and again, on either side: every copy arrives, and what is read
//! twice is bounded.
use crate::{
    large::{MIB, one_layer, read_back, size},
    proxies::{Cutter, Way},
    registries::{distribution, distribution_3},
    relay::{Exchange, Relay},
    transship_quiet,
};

/// How far a connection carries: 50 MB of a GiB, and as large a part of less.
fn reach() -> u64 {
    size() / 1024 * 50_000_000 / MIB
}

/// How often such connections must be cut before the layer is through.
fn cuts() -> usize {
    usize::try_from((size() - 1) / reach()).unwrap()
}

/// What may lie between two programs: in the buffers of their sockets, and in those of our client.
const BETWEEN: u64 = 16 * MIB;

/// The reads of the layer, not those of the config.
fn layer_reads(source: &Relay) -> Vec<Exchange> {
    source.of("GET", one_layer().layer().hex())
}

#[test]
fn a_source_cut_again_and_again_is_read_twice_by_a_mib_a_cut_at_most() {
    let source = distribution().holding(one_layer()).start();
    let target = distribution_3().start();
    let cutter = Cutter::of(&source.host(), Way::Down, reach());
    let relay = Relay::to(&cutter.host());
    transship_quiet()
        .run(&["copy", "-q", "--ranges", "1", &relay.reference("large:v1"), &target.reference("copied:v1")])
        .exits(0);
    assert_eq!(read_back(&target.host(), "copied", "v1").as_ref(), Some(&one_layer().root));
    let reads = layer_reads(&relay);
    let again = reads.len() - 1;
    assert!(again >= cuts(), "{again} of {} cuts", cuts());
    let read: u64 = reads.iter().map(|read| read.got).sum();
    println!("{again} cuts at the source: {} bytes were read twice", read - size());
    assert!(read <= size() + again as u64 * MIB, "{reads:#?}");
}

/// Copies through cuts to a target that continues sessions, and looks at what was read again at the source.
fn cut_at(host: &str) {
    let source = distribution().holding(one_layer()).start();
    let cutter = Cutter::of(host, Way::Up, reach());
    let (reads, writes) = (Relay::to(&source.host()), Relay::to(&cutter.host()));
    transship_quiet()
        .run(&["copy", "-q", "--ranges", "1", &reads.reference("large:v1"), &writes.reference("copied:v1")])
        .exits(0);
    assert_eq!(read_back(host, "copied", "v1").as_ref(), Some(&one_layer().root));
    let (reads, asked) = (layer_reads(&reads), asked_where(&writes.exchanges()));
    assert!(asked.len() >= cuts(), "{asked:?}");
    assert_eq!(asked.len() + 1, reads.len(), "{asked:?} {reads:#?}");
    let mut twice = 0;
    for (&(sent, held), read) in asked.iter().zip(&reads[1..]) {
        let lost = sent.saturating_sub(held);
        // From where hashing can go on lies further back, the further back the target is.
        let back = MIB + lost / 4;
        assert!(read.from <= held && held - read.from <= back, "{held} of {sent} were held: {read:?}");
        twice += lost + back + BETWEEN;
    }
    let read: u64 = reads.iter().map(|read| read.got).sum();
    let count = asked.len();
    println!("{count} cuts at the target: {} bytes were read twice, of {twice} at most", read - size());
    assert!(read <= size() + twice, "{asked:?} {reads:#?}");
}

/// Each time that an upload session was asked where it stands: how far it had been sent, and what it said it holds.
fn asked_where(exchanges: &[Exchange]) -> Vec<(u64, u64)> {
    let (mut sent, mut asked) = (0, Vec::new());
    for exchange in exchanges {
        match (exchange.method.as_str(), exchange.held) {
            ("GET", Some(held)) => asked.push((sent, held)),
            ("PUT" | "PATCH", _) => sent = exchange.from + exchange.sent,
            _ => {}
        }
    }
    asked
}

#[test]
fn cuts_at_distribution_3_cost_what_it_had_not_acknowledged_and_a_mib_each() {
    cut_at(&distribution_3().start().host());
}

#[test]
fn cuts_at_the_embedded_server_cost_what_it_had_not_acknowledged_and_a_mib_each() {
    cut_at(&testkit::Registry::start().host());
}

/// distribution 2.8 forgets a session that was cut: nothing arrives there but what fits into one connection.
#[test]
fn a_registry_that_forgets_sessions_gets_the_layer_through_cuts_in_chunks() {
    let source = distribution().holding(one_layer()).start();
    let target = distribution().start();
    let cutter = Cutter::of(&target.host(), Way::Up, reach());
    transship_quiet()
        .run(&["copy", "-q", &source.reference("large:v1"), &cutter.reference("copied:v1")])
        .exits(0);
    assert_eq!(read_back(&target.host(), "copied", "v1").as_ref(), Some(&one_layer().root));
}
