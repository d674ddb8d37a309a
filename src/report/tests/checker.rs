//! A tiny checker of our own pages: tags balance, attributes are quoted, text is escaped.

/// Checks a whole document; says what is wrong with it.
pub fn check(page: &str) -> Result<(), String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").ok_or("no declaration")?;
    let mut open: Vec<String> = Vec::new();
    while let Some(at) = rest.find('<') {
        text_is_escaped(&rest[..at])?;
        let end = rest[at..].find('>').ok_or("a tag has no end")? + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop().unwrap_or_default();
            if last != name {
                return Err(format!("</{name}> closes <{last}>"));
            }
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(format!("<{name}> is no element"));
        }
        attributes_are_quoted(attributes)?;
        if closed {
            continue;
        }
        if name == "style" {
            rest = rest.split_once("</style>").ok_or("the style has no end")?.1;
            continue;
        }
        open.push(name.to_owned());
    }
    text_is_escaped(rest)?;
    match open.last() {
        Some(name) => Err(format!("<{name}> is never closed")),
        None => Ok(()),
    }
}

/// What a reader sees, without tags, with entities resolved.
pub fn text_of(page: &str) -> String {
    let body = page.split_once("<body>").map_or(page, |p| p.1);
    let mut out = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(out, |text, (entity, c)| text.replace(entity, c))
}

fn text_is_escaped(text: &str) -> Result<(), String> {
    if text.contains('>') {
        return Err(format!("a bare > in {text}"));
    }
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
        if !known.iter().any(|k| text[at..].starts_with(k)) {
            return Err(format!("a bare & in {text}"));
        }
    }
    Ok(())
}

fn attributes_are_quoted(mut rest: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").ok_or(format!("no value in {rest}"))?;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(format!("{name} is no attribute"));
        }
        if seen.contains(&name) {
            return Err(format!("{name} stands twice"));
        }
        seen.push(name);
        let (value, after) = after.split_once('"').ok_or(format!("no end in {after}"))?;
        text_is_escaped(value)?;
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    Ok(())
}
