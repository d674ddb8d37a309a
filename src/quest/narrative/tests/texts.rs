//! Texts about a level: each construction that the reader knows, and what it leaves unread.

use super::{goal, goal_of, init};
use crate::quest::level::Level;
use crate::quest::narrative::{Basis, Constraint, analyze_narrative, narrated_goal};

const HOUSE: &str = r#"
schema = "fq-level/1"
id = "house"
family = "hand"
level = 1
challenge = 1
source = { kind = "hand" }
init = ["at(mia, hall)", "lies(book, cellar)", "lies(vase, hall)", "lies(globe, hall)", "credits = 5"]
goal = "lies(book, hall)"
limits = { max_calls = 30 }

[types]
room = "object"
parcel = "object"
carrier = "object"
lamp = "object"

[objects]
room = ["hall", "cellar", "red_room"]
parcel = ["book", "vase", "globe"]
carrier = ["mia", "tom"]
lamp = ["lamp1", "lamp2"]

[predicates.at]
params = ["?c: carrier", "?r: room"]
says = ["{0} is at {1}", "{0} stands in {1}"]

[predicates.lies]
params = ["?x: parcel", "?r: room"]
says = ["{0} lies in {1}", "{0} has been brought to {1}"]

[predicates.holds]
params = ["?c: carrier", "?x: parcel"]

[predicates.lit]
params = ["?l: lamp"]
says = ["{0} is on"]

[predicates.wrapped]
description = "The parcel is in paper."
params = ["?x: parcel"]

[predicates.alarm]

[fluents.credits]
description = "Money that is left."
max = 9

[functions.go]
description = "Walks to another room."
params = ["?c: carrier", "?a: room", "?b: room"]
pre = "at(?c, ?a)"
effects = "at(?c, ?b), not at(?c, ?a)"

[functions.pick_up]
description = "Takes a parcel."
params = ["?c: carrier", "?x: parcel", "?r: room"]
pre = "at(?c, ?r) and lies(?x, ?r)"
effects = "holds(?c, ?x), not lies(?x, ?r)"

[functions.put_down]
description = "Leaves a parcel."
params = ["?c: carrier", "?x: parcel", "?r: room"]
pre = "at(?c, ?r) and holds(?c, ?x)"
effects = "lies(?x, ?r), not holds(?c, ?x)"

[functions.switch_on]
description = "Switches a lamp on."
params = ["?l: lamp"]
effects = "lit(?l), credits -= 1"

[functions.switch_off]
description = "Switches a lamp off."
params = ["?l: lamp"]
effects = "not lit(?l)"

[functions.wrap]
description = "Wraps a parcel."
params = ["?x: parcel"]
effects = "wrapped(?x), credits -= 1"

[functions.ring]
description = "Rings the alarm."
effects = "alarm"
"#;

fn house() -> Level {
    Level::from_toml(HOUSE).unwrap()
}

#[track_caller]
fn reads(text: &str, wanted: &[&str]) {
    assert_eq!(goal_of(&house(), text), wanted, "{text}");
}

#[test]
fn a_wish_is_found_in_many_wordings() {
    for text in [
        "Bring the book to the hall.",
        "Please bring the book to the hall.",
        "Your task is to carry the book into the hall.",
        "You are done when the book lies in the hall.",
        "The work counts as finished once the book lies in the hall.",
        "Make sure that the book lies in the hall.",
        "We need you to move the book to the hall.",
        "What we want is that the book has been brought to the hall.",
        "The book must be in the hall.",
        "In the end the book lies in the hall.",
        "Goal: the book lies in the hall.",
        "Put down the book in the hall.",
    ] {
        reads(text, &["lies(book, hall)"]);
    }
}

#[test]
fn lists_share_a_predicate_or_an_object() {
    let both = ["lies(book, hall)", "lies(vase, hall)"];
    reads("Bring the book and the vase to the hall.", &both);
    reads(
        "Make sure that the book, the vase and the globe lie in the hall.",
        &["lies(book, hall)", "lies(globe, hall)", "lies(vase, hall)"],
    );
    reads(
        "Bring the book to the hall and the vase to the cellar.",
        &["lies(book, hall)", "lies(vase, cellar)"],
    );
    reads(
        "The book belongs in the hall, the vase in the cellar: this is wanted.",
        &["lies(book, hall)", "lies(vase, cellar)"],
    );
    reads(
        "Make sure that the book is wrapped and lies in the hall.",
        &["lies(book, hall)", "wrapped(book)"],
    );
    reads(
        "Bring the book and the vase to the cellar and the hall respectively.",
        &["lies(book, cellar)", "lies(vase, hall)"],
    );
    reads("To be wrapped: book and globe. That is wanted.", &["wrapped(book)", "wrapped(globe)"]);
}

#[test]
fn objects_are_named_in_several_ways() {
    reads("Bring the book to the red room.", &["lies(book, red_room)"]);
    reads("Bring the parcel book to room red_room.", &["lies(book, red_room)"]);
    reads("Switch on lamp 2.", &["lit(lamp2)"]);
    reads("Every lamp must be on.", &["lit(lamp1)", "lit(lamp2)"]);
    reads("Both lamps must be on.", &["lit(lamp1)", "lit(lamp2)"]);
    reads("Take the vase and wrap it.", &["wrapped(vase)"]);
    reads(
        "Wrap the vase and the globe, then bring them to the cellar.",
        &["lies(globe, cellar)", "lies(vase, cellar)", "wrapped(globe)", "wrapped(vase)"],
    );
}

#[test]
fn what_is_denied_is_denied() {
    reads("Lamp 1 must not be on.", &["not lit(lamp1)"]);
    reads("Make sure that no lamp is on.", &["not lit(lamp1)", "not lit(lamp2)"]);
    reads("Lamp 1 must be off and lamp 2 must be on.", &["not lit(lamp1)", "lit(lamp2)"]);
    reads("Nobody asked for the globe to be wrapped.", &[]);
    reads("The globe was not asked for.", &[]);
}

#[test]
fn numbers_are_bounds_where_something_is_to_be_kept() {
    for (text, wanted) in [
        ("Keep one credit.", "credits >= 1"),
        ("Finish with at least two credits.", "credits >= 2"),
        ("Leave 3 credits or more.", "credits >= 3"),
        ("You must have exactly 4 credits.", "credits == 4"),
        ("Spend at most 2 credits.", "credits >= 3"),
    ] {
        reads(text, &[wanted]);
    }
    reads("A lamp costs one credit each time.", &[]);
    let start = analyze_narrative(&house(), "You start with 5 credits.");
    assert_eq!((goal(&start), init(&start)), (vec![], vec!["credits = 5".to_owned()]));
}

#[test]
fn the_start_is_told_from_the_end() {
    let text = "Currently the book lies in the cellar. Bring it to the hall.";
    let read = analyze_narrative(&house(), text);
    assert_eq!(goal(&read), ["lies(book, hall)"]);
    assert_eq!(init(&read), ["lies(book, cellar)"]);
    // A statement that the level knows to be false tells of what shall be.
    reads("By tonight, the vase lies in the cellar.", &["lies(vase, cellar)"]);
    reads("The vase lies in the hall.", &[]);
}

#[test]
fn prohibitions_and_bounds_on_calls_are_constraints() {
    let read = analyze_narrative(
        &house(),
        "Bring the book to the hall in at most 12 calls. Never ring. Do not wrap the vase. \
         The alarm must never be on.",
    );
    let found: Vec<&Constraint> = read.constraints.iter().map(|r| &r.what).collect();
    let never = |function: &str, args: Vec<Option<String>>| Constraint::NeverCall {
        function: function.to_owned(),
        args,
    };
    assert!(found.contains(&&Constraint::MostCalls { calls: 12 }), "{found:?}");
    assert!(found.contains(&&never("ring", vec![])), "{found:?}");
    assert!(found.contains(&&never("wrap", vec![Some("vase".to_owned())])), "{found:?}");
    let alarm = |c: &&Constraint| matches!(c, Constraint::NeverTrue { fact } if fact.to_string() == "alarm");
    assert!(found.iter().any(alarm), "{found:?}");
    assert_eq!(goal(&read), ["lies(book, hall)"]);
    // A prohibition under a condition is no absolute one.
    let read = analyze_narrative(&house(), "Never wrap a parcel that lies in the hall.");
    assert!(read.constraints.is_empty() && !read.unread.is_empty(), "{read:?}");
}

#[test]
fn every_reading_names_its_words_and_nothing_is_dropped() {
    let text = "The old house sleeps. Bring the book to the hall, whatever the neighbours say. \
                Light the lanterns or wrap the vase. What a life!";
    let read = analyze_narrative(&house(), text);
    let said = |span: crate::quest::narrative::Span| &text[span.start..span.end];
    assert_eq!(said(read.goal[0].span), "Bring the book to the hall");
    assert_eq!(read.goal[0].basis, Basis::Says);
    assert!(read.goal[0].confidence > 0.9);
    let unread: Vec<&str> = read.unread.iter().map(|u| said(u.span)).collect();
    for part in
        ["The old house sleeps", "whatever the neighbours say", "wrap the vase", "What a life"]
    {
        assert!(unread.contains(&part), "{part}: {unread:?}");
    }
}

#[test]
fn functions_are_implied_by_their_telling_words() {
    let read = analyze_narrative(&house(), "Please wrap the book and pick up the vase.");
    let functions: Vec<&str> = read.functions.iter().map(|f| f.what.as_str()).collect();
    assert_eq!(functions, ["wrap", "pick_up"]);
    let read = analyze_narrative(&house(), "Do not wrap the book.");
    assert!(read.functions.is_empty());
}

#[test]
fn the_basis_and_the_confidence_fall_from_templates_to_types() {
    let basis = |text: &str| {
        let read = analyze_narrative(&house(), text);
        (read.goal[0].basis, read.goal[0].confidence)
    };
    let (says, high) = basis("Make sure that the book lies in the hall.");
    let (name, middle) = basis("Make sure that mia holds the book.");
    let (types, low) = basis("Get the book over to the hall.");
    assert_eq!((says, name, types), (Basis::Says, Basis::Name, Basis::Types));
    assert!(high > middle && middle > low);
}

#[test]
fn a_level_whose_goal_is_in_its_narrative_is_read() {
    let mut level = house();
    level.narrative = "Bring the book to the hall.".to_owned();
    assert_eq!(narrated_goal(&level).unwrap().to_string(), "lies(book, hall)");
    // The level's own goal is not looked at.
    level.goal = "wrapped(vase)".parse().unwrap();
    assert_eq!(narrated_goal(&level).unwrap().to_string(), "lies(book, hall)");
    level.narrative = "A house at night.".to_owned();
    let text = narrated_goal(&level).unwrap_err().to_string();
    assert!(text.contains("read a goal from the narrative of level `house`"), "{text}");
}
