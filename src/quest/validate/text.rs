//! Plans as people, planners and language models write them.
//!
//! One call a line, as in PDDL (`(unstack b c)`) or as levels name calls (`unstack(b, c)`), bare
//! (`unstack b c`), numbered, timed (`0.00: (unstack b c) [1]`); comments run from `;` to the end
//! of the line. Where a line says `[PLAN]` or `[PLAN END]`, what stands outside does not count.

/// A call that a plan asks for, in the plan's own spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Line of the text, from 1.
    pub line: usize,
    pub function: String,
    pub args: Vec<String>,
    /// The new object, where the plan names it: `search(q)->r1`.
    pub returns: Option<String>,
    /// The outcome, where the plan names it: `build(p)#timeout`.
    pub outcome: Option<String>,
}

/// A line that is no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Line of the text, from 1.
    pub line: usize,
    pub text: String,
}

/// Reads the calls of a plan, up to the first line that is none.
pub(super) fn read_plan(text: &str) -> (Vec<Step>, Option<Unreadable>) {
    let mut steps = Vec::new();
    let mut unreadable = None;
    for (line, full) in (1..).zip(text.lines()) {
        let content = full.split(';').next().unwrap_or_default().trim();
        // Language models like to fence what they write.
        if content.starts_with("```") {
            continue;
        }
        match marker(content) {
            Some(Marker::Begin) => {
                steps.clear();
                unreadable = None;
                continue;
            }
            Some(Marker::End) => break,
            None if unreadable.is_some() => continue,
            None => {}
        }
        let content = without_time(without_number(content));
        if read_calls(content, line, &mut steps).is_none() {
            unreadable = Some(Unreadable { line, text: content.to_owned() });
        }
    }
    (steps, unreadable)
}

enum Marker {
    Begin,
    End,
}

fn marker(line: &str) -> Option<Marker> {
    let inside = line.strip_prefix('[')?.strip_suffix(']')?.trim();
    match inside.to_ascii_lowercase().as_str() {
        "plan" => Some(Marker::Begin),
        "plan end" | "end plan" | "/plan" => Some(Marker::End),
        _ => None,
    }
}

/// Drops `3.`, `3)`, `3:`, `0.00:` and list marks before a call.
fn without_number(line: &str) -> &str {
    let after = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let (number, _) = line.split_at(line.len() - after.len());
    if number.starts_with(|c: char| c.is_ascii_digit()) {
        let rest = after.strip_prefix([':', ')']).unwrap_or(after);
        let ended = number.ends_with('.') || rest.len() < after.len();
        return if ended || rest.starts_with(' ') { rest.trim_start() } else { line };
    }
    let rest = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
    rest.map_or(line, str::trim_start)
}

/// Drops the duration `[1]` that some planners write after a call.
fn without_time(line: &str) -> &str {
    match line.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((call, time)) if time.trim().parse::<f64>().is_ok() => call.trim_end(),
        _ => line,
    }
}

/// Reads the calls of one line; `None` where something else stands there.
fn read_calls(line: &str, number: usize, steps: &mut Vec<Step>) -> Option<()> {
    let mut rest = line;
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('(') {
            Some(inside) => in_parentheses(inside, number)?,
            None => by_name(rest, number)?,
        };
        steps.push(step);
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '.'));
    }
    Some(())
}

fn words(text: &str) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || c == ',';
    text.split(ends).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn step(line: usize, function: &str, args: &str) -> Step {
    let (function, args) = (function.to_owned(), words(args));
    Step { line, function, args, returns: None, outcome: None }
}

/// `unstack b c)` and what follows.
fn in_parentheses(inside: &str, line: usize) -> Option<(Step, &str)> {
    let (call, after) = inside.split_once(')')?;
    let call = call.trim();
    let end = call.find(char::is_whitespace).unwrap_or(call.len());
    let (function, args) = call.split_at(end);
    let fits = !function.is_empty() && !call.contains('(');
    fits.then(|| (step(line, function, args), after))
}

/// `unstack(b, c)->r#outcome` and what follows, or `unstack b c` up to the end of the line.
fn by_name(rest: &str, line: usize) -> Option<(Step, &str)> {
    let Some((head, inside)) = rest.split_once('(') else {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (function, args) = rest.split_at(end);
        return Some((step(line, function, args), ""));
    };
    let (args, after) = inside.split_once(')')?;
    let function = head.trim();
    if function.is_empty() || function.contains(char::is_whitespace) || args.contains('(') {
        return None;
    }
    let mut step = step(line, function, args);
    let (returns, after) = suffix(after, "->");
    let (outcome, after) = suffix(after, "#");
    (step.returns, step.outcome) = (returns, outcome);
    Some((step, after))
}

fn suffix<'a>(text: &'a str, mark: &str) -> (Option<String>, &'a str) {
    let Some(rest) = text.strip_prefix(mark) else { return (None, text) };
    let ends = |c: char| c.is_whitespace() || matches!(c, '#' | ',');
    let (name, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
    (Some(name.to_owned()), after)
}
