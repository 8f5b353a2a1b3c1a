//! References and short names: what is read is written the same, and a refusal points into what was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reference::Reference;

fuzz_target!(|text: &str| {
    for read in [text.parse::<Reference>(), Reference::familiar(text)] {
        match read {
            Ok(reference) => assert_eq!(reference.to_string().parse(), Ok(reference)),
            Err(why) => {
                assert!(why.at <= why.input.len(), "{why:?}");
                fuzz::fits_a_line(&why.to_string(), 4000);
                for line in why.pointed().lines() {
                    fuzz::fits_a_line(line, 4000);
                }
            }
        }
    }
    // The full grammar is a part of the familiar one, and means the same.
    if let Ok(full) = text.parse::<Reference>() {
        assert_eq!(Reference::familiar(text), Ok(full));
    }
});
