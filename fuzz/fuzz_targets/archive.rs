//! Tar files: what is found in one lies in it, behind no other's end; and one that is cut off is never read.
#![no_main]

use layout::fuzzing::{Found, archive};
use libfuzzer_sys::fuzz_target;

const BLOCK: usize = 512;

fuzz_target!(|data: &[u8]| {
    check(data);
    // A check sum keeps most of what a fuzzer tries from being looked at.
    check(&summed(data));
});

fn check(data: &[u8]) {
    let found = match archive(data) {
        Ok(found) => found,
        Err(fault) => return fuzz::fits_a_line(&fault.to_string(), 70_000),
    };
    let Found { end, parts } = found;
    let end = usize::try_from(end).expect("it lies in memory");
    assert_eq!(end % BLOCK, 0);
    assert!(data[end..end + BLOCK].iter().all(|byte| *byte == 0));
    for (name, at, size) in &parts {
        fuzz::fits_a_line(name, 200);
        let (at, size) = (usize::try_from(*at).unwrap(), usize::try_from(*size).unwrap());
        assert!(at >= BLOCK && at % BLOCK == 0 && at + size <= end, "{name}");
    }
    assert!(archive(&data[..end]).is_err(), "it has no end");
    let mut more = data[..end + BLOCK].to_vec();
    more.resize(end + 3 * BLOCK, 0);
    assert_eq!(archive(&more).expect("what follows the end is not looked at").parts, parts);
}

/// The same, where each block has the check sum that a header would have.
fn summed(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    for block in data.chunks_exact_mut(BLOCK).filter(|block| block.iter().any(|byte| *byte != 0)) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        block[154] = 0;
    }
    data
}
