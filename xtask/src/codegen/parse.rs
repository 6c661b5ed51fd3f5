//! Reads a declaration; `crates/wire/messages/README.md` describes the form.

use anyhow::{Context, Result, bail, ensure};

use super::schema::{Api, Field, Kind, Role, Struct, Versions};

pub(crate) fn parse(module: &str, text: &str) -> Result<Api> {
    let mut api = Api {
        module: module.to_owned(),
        doc: Vec::new(),
        name: String::new(),
        key: -1,
        versions: Versions { first: 0, last: 0 },
        flexible_from: i16::MAX,
        structs: Vec::new(),
    };
    for (number, line) in text.lines().enumerate() {
        parse_line(&mut api, line).with_context(|| format!("line {}: {line}", number + 1))?;
    }
    ensure!(
        api.key >= 0 && !api.name.is_empty(),
        "`api` and `key` are missing"
    );
    check(&api)?;
    Ok(api)
}

fn parse_line(api: &mut Api, line: &str) -> Result<()> {
    if let Some(doc) = line.strip_prefix('#') {
        api.doc
            .push(doc.strip_prefix(' ').unwrap_or(doc).to_owned());
        return Ok(());
    }
    let (code, doc) = line.split_once('#').unwrap_or((line, ""));
    let doc = doc.trim().to_owned();
    let words: Vec<&str> = code.split_whitespace().collect();
    if line.starts_with(' ') {
        let field = parse_field(api, &words, doc)?;
        api.structs
            .last_mut()
            .context("a field stands in a structure")?
            .fields
            .push(field);
        return Ok(());
    }
    let begin = |role, name, doc| Struct {
        role,
        name,
        doc,
        fields: Vec::new(),
    };
    match words.as_slice() {
        [] => {}
        ["api", name] => (*name).clone_into(&mut api.name),
        ["key", key] => api.key = key.parse()?,
        ["versions", versions] => api.versions = parse_versions(versions, i16::MAX)?,
        ["flexible", "never"] => api.flexible_from = i16::MAX,
        ["flexible", from] => api.flexible_from = parse_versions(from, i16::MAX)?.first,
        ["request"] => {
            let doc = format!("A request of {}.", api.name);
            api.structs
                .push(begin(Role::Request, format!("{}Request", api.name), doc));
        }
        ["response"] => {
            let doc = format!("The answer to [`{}Request`].", api.name);
            api.structs
                .push(begin(Role::Response, format!("{}Response", api.name), doc));
        }
        ["struct", name] => api.structs.push(begin(Role::Part, (*name).to_owned(), doc)),
        _ => bail!("not understood"),
    }
    Ok(())
}

fn parse_field(api: &Api, words: &[&str], doc: String) -> Result<Field> {
    let (name, kind, mut rest) = match words {
        [name, kind, rest @ ..] => (*name, *kind, rest),
        _ => bail!("a field has a name and a type"),
    };
    let (kind, null) = match kind.split_once('?') {
        Some((kind, "")) => (kind, Some(api.versions.first)),
        Some((kind, from)) => (kind, Some(parse_versions(from, i16::MAX)?.first)),
        None => (kind, None),
    };
    let mut field = Field {
        name: name.to_owned(),
        kind: parse_kind(kind)?,
        nullable_from: null,
        versions: api.versions,
        tag: None,
        default: None,
        doc,
    };
    if let [versions, after @ ..] = rest
        && versions.starts_with(|c: char| c.is_ascii_digit())
    {
        field.versions = parse_versions(versions, api.versions.last)?;
        rest = after;
    }
    if let ["tag", tag, after @ ..] = rest {
        field.tag = Some(tag.parse()?);
        rest = after;
    }
    if let ["=", default, after @ ..] = rest {
        field.default = Some((*default).to_owned());
        rest = after;
    }
    ensure!(rest.is_empty(), "not understood: {rest:?}");
    ensure!(!field.doc.is_empty(), "a field says what it means");
    Ok(field)
}

fn parse_kind(text: &str) -> Result<Kind> {
    if let Some(element) = text.strip_prefix('[') {
        let element = element.strip_suffix(']').context("`]` is missing")?;
        return Ok(Kind::Array(Box::new(parse_kind(element)?)));
    }
    Ok(match text {
        "i8" | "i16" | "i32" | "i64" | "u16" | "u32" | "f64" => Kind::Number(text.to_owned()),
        "bool" => Kind::Bool,
        "uuid" => Kind::Uuid,
        "string" => Kind::Text,
        "bytes" => Kind::Bytes,
        "records" => Kind::Records,
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) => Kind::Struct(name.to_owned()),
        _ => bail!("there is no type {text}"),
    })
}

/// `3`, `3-7` or `3+`, which ends at `last`.
fn parse_versions(text: &str, last: i16) -> Result<Versions> {
    if let Some(first) = text.strip_suffix('+') {
        return Ok(Versions {
            first: first.parse()?,
            last,
        });
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok(Versions {
        first: first.parse()?,
        last: last.parse()?,
    })
}

/// What the lines one by one cannot show to be wrong.
fn check(api: &Api) -> Result<()> {
    ensure!(
        api.structs.iter().any(|part| part.role == Role::Request),
        "there is no request"
    );
    ensure!(
        api.structs.iter().any(|part| part.role == Role::Response),
        "there is no response"
    );
    for part in &api.structs {
        let mut tags = Vec::new();
        for field in &part.fields {
            let place = format!("{}.{}", part.name, field.name);
            let versions = field.versions;
            ensure!(
                api.versions.contains(versions.first) && api.versions.contains(versions.last),
                "{place}: the API has no such versions"
            );
            ensure!(
                versions.first <= versions.last,
                "{place}: its versions run backwards"
            );
            let element = match &field.kind {
                Kind::Array(element) => element,
                kind => kind,
            };
            if let Kind::Struct(name) = element {
                api.find(name).with_context(|| place.clone())?;
            }
            if let Some(tag) = field.tag {
                ensure!(
                    versions.first >= api.flexible_from,
                    "{place}: tagged before flexible"
                );
                ensure!(
                    tags.last().is_none_or(|last| *last < tag),
                    "{place}: tags must ascend"
                );
                tags.push(tag);
            }
            let null = field.default.as_deref() == Some("null");
            ensure!(
                !null || field.nullable_from.is_some(),
                "{place}: null is not allowed"
            );
        }
    }
    Ok(())
}
