//! What is wrong in a file is told with its place and what to write.

use super::{DOMAIN, PROBLEM, import};

/// The errors of single changes to the domain (`d`) or the problem (`p`), one a line.
fn errors(changes: &[(char, &str, &str)]) -> String {
    let mut found = String::new();
    for (file, from, to) in changes {
        let (domain, problem) = match file {
            'd' => (DOMAIN.replacen(from, to, 1), PROBLEM.to_owned()),
            _ => (DOMAIN.to_owned(), PROBLEM.replacen(from, to, 1)),
        };
        assert!(domain != DOMAIN || problem != PROBLEM, "`{from}` is not in the file");
        let error = import(&domain, &problem).expect_err(to).to_string();
        found.push_str(error.strip_prefix("read ").unwrap_or(&error));
        found.push('\n');
    }
    found
}

#[test]
fn parentheses_and_outline() {
    let found = errors(&[
        ('d', "(in ?c ?v) (at ?v depot))", "(in ?c ?v) (at ?v depot)"),
        ('d', "(not (closed)))\n", "(not (closed))\n"),
        ('d', "(:action unload", "(:action unload)"),
        ('d', "(not (at ?c ?p)) (in", "(not (at ?c ?p))) (in"),
        ('p', "(total-cost)))\n", "(total-cost))))\n"),
        ('p', "(total-cost)))\n", "(total-cost)))\n(:goal (at c1 depot))"),
        ('p', PROBLEM, ""),
        ('p', PROBLEM, "; nothing but a comment"),
        ('p', PROBLEM, "unstack b c"),
        ('p', PROBLEM, "(stack a b)"),
        ('p', PROBLEM, DOMAIN),
        ('d', DOMAIN, PROBLEM),
        ('d', "(define (domain Parcels)", "(define (domain)"),
        ('p', "(:domain parcels)", "(:domain letters)"),
        ('p', "(:domain parcels)", ""),
        ('p', "(:init ", "(:initial "),
        ('p', "(:metric minimize (total-cost))", "(:goal (at c1 depot))"),
        ('p', "(:objects Mill", "(:objects Mühle"),
        ('d', ":effect (and (not (in", ":effects (and (not (in"),
        ('d', ":precondition (and (in", ":effect (and (in"),
        ('d', "(:requirements :strips", "(:requirements :strip"),
    ]);
    insta::assert_snapshot!(found, @r#"
    domain.pddl:1:1: this `(` is never closed (write `)` at its end)
    domain.pddl:17:4: `(:action` begins before the section of line 13 is closed (write the missing `)` before it)
    domain.pddl:20:50: `)` closes nothing: `(define` is closed already (delete it)
    domain.pddl:17:3: text follows after the end of `(define …)` (delete it, or move the `)` that closes `(define` behind it)
    p1.pddl:8:35: `)` closes nothing: `(define` is closed already (delete it)
    p1.pddl:9:1: text follows after the end of `(define …)` (delete it, or move the `)` that closes `(define` behind it)
    p1.pddl:1:1: there is nothing here (write `(define (domain …) …)`)
    p1.pddl:1:1: there is nothing here (write `(define (domain …) …)`)
    p1.pddl:1:1: a word stands outside of `(define …)` (delete it)
    p1.pddl:1:1: this is no PDDL file (begin the file with `(define (problem name)`)
    p1.pddl:1:9: this is a domain (the problem file is expected here; are the two swapped?)
    domain.pddl:1:9: this is a problem (the domain file is expected here; are the two swapped?)
    domain.pddl:1:9: no name of the domain (begin the file with `(define (domain name)`)
    p1.pddl:2:3: the domain file defines `parcels` (name it here, or give the other domain file)
    p1.pddl:1:1: the problem names no domain (write `(:domain parcels)`)
    p1.pddl:4:3: section `:initial` is not known (known here: :domain :requirements :objects :init :goal :metric :length)
    p1.pddl:8:3: section `:goal` stands twice (join the two)
    p1.pddl:3:13: `\u{fc}` stands in a word (write names in ASCII)
    domain.pddl:20:5: `:effects` is not expected in an action (did you mean `:effect`?)
    domain.pddl:20:5: `:effect` stands twice (join the two)
    domain.pddl:2:18: requirement `:strip` is not known (did you mean `:strips`?)
    "#);
}

#[test]
fn names_and_types() {
    let found = errors(&[
        ('d', "(and (at ?t ?from)", "(and (att ?t ?from)"),
        ('d', "(and (at ?t ?from)", "(and (at ?t ?form)"),
        ('d', "(and (at ?t ?from)", "(and (at ?t)"),
        ('d', "(and (at ?t ?from)", "(and (at ?from ?t)"),
        ('d', "(and (at ?t ?from)", "(and (at ?t ?from) ?to"),
        ('d', "(at ?v depot))", "(at ?v depo))"),
        ('d', "(?t - truck", "(?t - truk"),
        ('d', "(?t - truck", "(t - truck"),
        ('d', "(?t - truck ?from", "(?to - truck ?from"),
        ('d', "?to - place)", "?to -)"),
        ('d', "(?t - truck", "(- truck ?t"),
        ('d', "(closed))", "(closed) (in ?x))"),
        ('d', "(closed))", "(closed) (and ?x))"),
        ('d', "(:action load", "(:action drive"),
        ('d', "thing place - object", "thing - parcel place - object"),
        ('d', "thing place - object", "thing place - object parcel - place"),
        ('p', "Mill shop - place", "Mill mill - place"),
        ('p', "Mill shop - place", "Mill shop depot - place"),
        ('p', "Mill shop - place", "Mill shop - plaice"),
        ('p', "(at c2 depot) (not", "(at c3 depot) (not"),
        ('p', "(not (closed))", "(closed) (not (closed))"),
        ('p', "(= (road-length mill depot) 3)", "(= (road-length depot mill) 3)"),
        ('p', "(= (road-length mill depot) 3)", "(= (road-lenght mill depot) 3)"),
        ('p', "(= (road-length mill depot) 3)", "(= (road-length mill depot) -3)"),
        ('p', "(= (road-length mill depot) 3)", "(= (road-length mill depot) three)"),
        ('p', "(:goal (and (at c1 depot) (at c2 depot)))", "(:goal (at c1 depot) (at c2 depot))"),
        ('p', "(:goal (and (at c1 depot) (at c2 depot)))", "(:goal (and))"),
        ('p', "(:goal (and", "(:goal (and (= c1 c2)"),
        ('p', "(:goal (and", "(:goal (and (not (at c1 depot))"),
    ]);
    insta::assert_snapshot!(found, @r#"
    domain.pddl:10:24: predicate `att` is not declared (did you mean `at`?)
    domain.pddl:10:31: `?form` is not a parameter here (did you mean `?from`?)
    domain.pddl:10:24: arguments of `at` given here: 1 (its declaration has 2)
    domain.pddl:10:28: `?from` is of type `place` (`at` takes a `thing` there)
    domain.pddl:10:38: a predicate is expected here (write `(name argument …)`)
    domain.pddl:19:42: object `depo` is not declared (did you mean `depot`?)
    domain.pddl:9:23: type `truk` is not declared (did you mean `truck`?)
    domain.pddl:9:18: `t` stands where a parameter such as `?x` is expected (check the parentheses before it)
    domain.pddl:9:36: parameter `?to` stands twice (rename one of them)
    domain.pddl:9:39: no type follows `-` (write one, or drop it)
    domain.pddl:9:18: no name stands before `-` (write `name - type`)
    domain.pddl:6:76: predicate `in` is declared twice (rename one of them)
    domain.pddl:6:76: no predicate can be called `and` (rename it)
    domain.pddl:13:3: action `drive` is declared twice (rename one of them)
    domain.pddl:3:11: type `parcel` does not lead up to `object` (break the circle, or nest at most 32 deep)
    domain.pddl:3:55: type `parcel` has two parents (give it one)
    p1.pddl:3:18: object `mill` is declared twice (declare it once, with one type)
    p1.pddl:3:23: object `depot` is declared twice (declare it once, with one type)
    p1.pddl:3:25: type `plaice` is not declared (did you mean `place`?)
    p1.pddl:4:41: object `c3` is not declared (did you mean `c1`?)
    p1.pddl:4:60: `closed` is both true and false at the start (drop one of the two)
    p1.pddl:6:60: `(road-length depot mill)` has two values (drop one of them)
    p1.pddl:6:63: function `road-lenght` is not declared (did you mean `road-length`?)
    p1.pddl:6:88: cost -3 is negative (write 0 or more)
    p1.pddl:6:88: a number is expected here (write it in digits, such as 3 or 0.5)
    p1.pddl:7:3: the goal is not one condition (write `(:goal (and …))`)
    p1.pddl:7:10: the goal asks for nothing (name a fact that must hold at the end)
    p1.pddl:7:10: `c1 == c2` can never hold (drop it from the goal)
    p1.pddl:7:10: `at(c1, depot)` must be true and false at once (drop one of the two)
    "#);
}

#[test]
fn what_the_subset_leaves_out_is_refused_by_name() {
    let found = errors(&[
        ('d', "(and (at ?t ?from)", "(or (at ?t ?from)"),
        ('d', "(and (at ?t ?from)", "(and (imply (closed) (at ?t ?from))"),
        ('d', "(and (at ?t ?from)", "(and (exists (?x - place) (at ?t ?x))"),
        ('d', "(and (at ?t ?from)", "(and (forall (?x - place) (at ?t ?x))"),
        ('d', "(and (at ?t ?from)", "(and (not (and (closed) (closed)))"),
        ('d', "(and (at ?t ?from)", "(and (> (road-length ?from ?to) 2)"),
        ('d', "(and (at ?t ?from)", "(and (= (road-length ?from ?to) 2)"),
        ('d', "(and (not (in ?c ?v))", "(and (when (closed) (not (in ?c ?v)))"),
        ('d', "(and (not (in ?c ?v))", "(and (forall (?x - place) (at ?c ?x))"),
        ('d', "(and (not (in ?c ?v))", "(and (increase (fuel ?v) 1)"),
        ('d', "(and (not (in ?c ?v))", "(and (decrease (total-cost) 1)"),
        ('d', "(and (not (in ?c ?v))", "(and (assign (total-cost) 1)"),
        ('d', "(total-cost) 1.5", "(total-cost) (* 2 1.5)"),
        ('d', "(total-cost) 1.5)", "(total-cost) 1) (increase (total-cost) (road-length ?p ?p))"),
        ('d', "(?c - parcel ?v - vehicle ?p - place)", "(?c - (either parcel truck))"),
        ('d', "(:action load", "(:durative-action load"),
        ('d', "(:action load", "(:derived (closed) (and)) (:action load"),
        ('d', "(road-length ?a ?b - place) - number", "(next ?a - place) - place"),
        ('p', "(:init ", "(:init (at 5 (closed)) "),
        ('p', "(:init ", "(:init (or (closed) (closed)) "),
        ('p', "(:goal (and", "(:goal (and (sometime (closed))"),
        ('p', "(:goal (and", "(:goal (and (preference soon (closed))"),
        ('p', "(:metric minimize (total-cost))", "(:metric maximize (total-cost))"),
        ('p', "(:metric minimize (total-cost))", "(:metric minimize (total-time))"),
        ('p', "(:metric minimize (total-cost))", "(:constraints (and))"),
    ]);
    insta::assert_snapshot!(found, @r#"
    domain.pddl:10:19: `or` is not supported (write one action for each alternative)
    domain.pddl:10:24: `imply` is not supported (write one action for each alternative)
    domain.pddl:10:24: `exists` is not supported (add the variable to `:parameters`)
    domain.pddl:10:24: `forall` is not supported (write the parts out, or split the action)
    domain.pddl:10:29: only a fact can be negated (negate each fact on its own)
    domain.pddl:10:24: `>` is not supported (use facts instead of numbers)
    domain.pddl:10:24: comparing numbers is not supported (`=` compares parameters and objects)
    domain.pddl:20:18: `when` is not supported (write one action for each condition)
    domain.pddl:20:18: `forall` is not supported (write the parts out, or split the action)
    domain.pddl:20:28: numeric fluent `(fuel ?v)` is not supported (only `(total-cost)` can be increased)
    domain.pddl:20:18: `decrease` is not supported (only `(increase (total-cost) …)` changes a number)
    domain.pddl:20:18: `assign` is not supported (only `(increase (total-cost) …)` changes a number)
    domain.pddl:16:69: arithmetic (`*`) is not supported (write a number, or a function of the parameters)
    domain.pddl:16:72: a sum of costs is not supported (let one function give the whole cost of the action)
    domain.pddl:14:23: `either` types are not supported (declare a type above the alternatives and name that)
    domain.pddl:13:3: durative actions are not supported (write the problem without them)
    domain.pddl:13:3: derived predicates are not supported (write the problem without them)
    domain.pddl:7:57: only functions to numbers are supported (write `- number`)
    p1.pddl:4:10: timed initial literals are not supported (say what is true at the start)
    p1.pddl:4:10: `or` is not a fact (list the facts one by one)
    p1.pddl:7:15: `sometime` is not supported (only what holds before a step, after it and at the end can be asked for)
    p1.pddl:7:15: `preference` is not supported (only what holds before a step, after it and at the end can be asked for)
    p1.pddl:8:3: this metric is not supported (write `(:metric minimize (total-cost))`, or drop it)
    p1.pddl:8:3: this metric is not supported (write `(:metric minimize (total-cost))`, or drop it)
    p1.pddl:8:3: constraints are not supported (write the problem without them)
    "#);
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = format!("(:goal {}(at c1 depot){})", "(and ".repeat(80), ")".repeat(80));
    let problem = PROBLEM.replace("(:goal (and (at c1 depot) (at c2 depot)))", &deep);
    let error = import(DOMAIN, &problem).unwrap_err().to_string();
    assert!(error.contains("more than 64 parentheses are open"), "{error}");
    let long = format!("{PROBLEM};{}", "x".repeat(4 * 1024 * 1024));
    let error = import(DOMAIN, &long).unwrap_err().to_string();
    assert!(error.contains("at most 4194304 are read"), "{error}");
    let facts: Vec<String> = (0..600).map(|i| format!("(at c1 p{i})")).collect();
    let places: Vec<String> = (0..600).map(|i| format!("p{i}")).collect();
    let problem = PROBLEM
        .replace("(:goal (and", &format!("(:goal (and {}", facts.join(" ")))
        .replace("Mill shop", &format!("Mill shop {}", places.join(" ")));
    let error = import(DOMAIN, &problem).unwrap_err().to_string();
    assert!(error.contains("602 parts, ") && error.contains("at most 512 parts"), "{error}");
}
