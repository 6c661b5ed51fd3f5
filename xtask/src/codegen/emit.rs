//! Writes Rust code for a declaration; rustfmt makes it neat afterwards.

use std::fmt::Write;

use anyhow::{Result, bail};

use super::schema::{Api, Field, Kind, Role, Struct, Versions};

/// The field in which responses say how long a client is throttled.
const THROTTLE_TIME: &str = "throttle_time_ms";

const WARNING: &str =
    "// Made from `crates/wire/messages` by `cargo xtask codegen`; not to be edited.";

/// Appends a line of code.
macro_rules! line {
    ($code:expr, $($text:tt)*) => {{
        // Writing to a string cannot fail.
        let _ = writeln!($code, $($text)*);
    }};
}

/// The module file: one module per API and the list of them all.
pub(crate) fn index(apis: &[Api]) -> String {
    let mut code = format!(
        "//! The messages, a module per API.\n//!\n//! {}\n\n",
        WARNING.trim_start_matches("// ")
    );
    for api in apis {
        line!(code, "pub mod {};", api.module);
    }
    line!(
        code,
        "\n/// Hands a line for every API to a macro: name, key, versions, first flexible"
    );
    line!(code, "/// version, module, request, response.");
    line!(code, "#[macro_export]");
    line!(
        code,
        "macro_rules! for_each_api {{ ($with:ident) => {{ $with! {{"
    );
    for api in apis {
        let Api {
            name, key, module, ..
        } = api;
        let Versions { first, last } = api.versions;
        let flexible = flexible(api);
        line!(
            code,
            "{name} = {key}, {first}..={last}, {flexible}, {module}, {name}Request, {name}Response;"
        );
    }
    line!(code, "}} }}; }}\n\npub(crate) use for_each_api;");
    code
}

/// The file of one API.
pub(crate) fn api(api: &Api) -> Result<String> {
    let mut body = String::new();
    for part in &api.structs {
        structure(&mut body, api, part)?;
    }
    for name in api.nullable_structs() {
        line!(body, "crate::field::nullable_struct!({name});\n");
    }
    let mut code = String::new();
    module_doc(&mut code, api);
    line!(code, "\n{WARNING}\n");
    let uses = |word: &str| {
        let mut statements = body.lines().filter(|line| !line.starts_with("///"));
        statements.any(|line| {
            line.split(|c: char| !c.is_alphanumeric())
                .any(|found| found == word)
        })
    };
    for (word, path) in [("Bytes", "bytes::Bytes"), ("TopicId", "model::TopicId")] {
        if uses(word) {
            line!(code, "use {path};");
        }
    }
    line!(code, "\nuse crate::decoder::{{DecodeError, Source}};");
    let encoder = if uses("Tags") {
        "{Encoder, Tags}"
    } else {
        "Encoder"
    };
    line!(code, "use crate::encoder::{encoder};");
    line!(code, "use crate::field::Field;");
    line!(code, "use crate::message::message;");
    match (uses("Chunks"), uses("Text")) {
        (true, true) => line!(code, "use crate::{{Chunks, Text}};"),
        (true, false) => line!(code, "use crate::Chunks;"),
        (false, true) => line!(code, "use crate::Text;"),
        (false, false) => {}
    }
    code.push('\n');
    code.push_str(&body);
    Ok(code)
}

fn flexible(api: &Api) -> String {
    if api.flexible_from == i16::MAX {
        "i16::MAX".to_owned()
    } else {
        api.flexible_from.to_string()
    }
}

fn module_doc(code: &mut String, api: &Api) {
    let flexible = match api.flexible_from {
        i16::MAX => "never flexible".to_owned(),
        from => format!("flexible from {from}"),
    };
    line!(
        code,
        "//! {}, API {}, versions {} to {}, {flexible}.\n//!",
        api.name,
        api.key,
        api.versions.first,
        api.versions.last
    );
    let mut is_list = false;
    for text in &api.doc {
        // A line per version becomes a list.
        match text.split_once("  ") {
            Some((version, note)) if version.parse::<i16>().is_ok() => {
                is_list = true;
                line!(code, "//! - {version}: {}", note.trim());
            }
            _ if is_list && !text.is_empty() => line!(code, "//!   {}", text.trim()),
            _ => line!(code, "//! {}", text.trim()),
        }
    }
}

fn doc(code: &mut String, indent: usize, text: &str) {
    let width = 96 - indent;
    let mut current = String::new();
    for word in text.split(' ') {
        if !current.is_empty() && current.len() + 1 + word.len() > width {
            line!(code, "/// {current}");
            current.clear();
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    line!(code, "/// {current}");
}

fn structure(code: &mut String, api: &Api, part: &Struct) -> Result<()> {
    let name = &part.name;
    doc(code, 0, &part.doc);
    let mut is_natural = true;
    for field in &part.fields {
        is_natural &= default(field)? == natural(field);
    }
    let derived = if is_natural { ", Default" } else { "" };
    line!(
        code,
        "#[derive(Clone, Debug{derived}, PartialEq)]\npub struct {name} {{"
    );
    for field in &part.fields {
        doc(code, 4, &field_doc(api, field));
        line!(code, "pub {}: {},", field.name, rust_type(field));
    }
    line!(code, "}}\n");
    if !is_natural {
        line!(
            code,
            "impl Default for {name} {{ fn default() -> Self {{ Self {{"
        );
        for field in &part.fields {
            line!(code, "{}: {},", field.name, default(field)?);
        }
        line!(code, "}} }} }}\n");
    }
    field_impl(code, api, part)?;
    if part.role != Role::Part {
        let Versions { first, last } = api.versions;
        let key = &api.name;
        let answer = match part.role {
            Role::Request => format!(" => {key}Response"),
            Role::Response if part.fields.iter().any(|field| field.name == THROTTLE_TIME) => {
                format!(" with {THROTTLE_TIME}")
            }
            Role::Response | Role::Part => String::new(),
        };
        line!(
            code,
            "message!({name}, {first}..={last}, {}, {key}{answer});\n",
            flexible(api)
        );
    }
    Ok(())
}

fn field_doc(api: &Api, field: &Field) -> String {
    let Versions { first, last } = field.versions;
    let versions = match (first > api.versions.first, last < api.versions.last) {
        (false, false) => return field.doc.clone(),
        (_, true) if first == last => format!("Version {first}."),
        (_, true) => format!("Versions {first} to {last}."),
        (true, false) if first == last => format!("Version {first}."),
        (true, false) => format!("Versions {first}+."),
    };
    format!("{} {versions}", field.doc)
}

fn field_impl(code: &mut String, api: &Api, part: &Struct) -> Result<()> {
    let size_min = api.size_min(part)?;
    let mut reads = String::new();
    let mut writes = String::new();
    let mut tag_reads = String::new();
    let mut tag_writes = String::new();
    for field in &part.fields {
        let (name, absent) = (&field.name, default(field)?);
        let condition = condition(api, field.versions);
        if let Some(tag) = field.tag {
            let guard = condition
                .as_ref()
                .map_or(String::new(), |text| format!("if {text}"));
            let guard = if field.versions.first == api.flexible_from {
                String::new()
            } else {
                guard
            };
            line!(reads, "{name}: {absent},");
            line!(tag_reads, "{tag} {guard} => this.{name} = from.read()?,");
            let mut is_set = is_set(field, &absent);
            if !guard.is_empty() {
                is_set = format!("{} && {is_set}", guard.trim_start_matches("if "));
            }
            line!(tag_writes, "tags.add(to, {tag}, {is_set}, &self.{name});");
            continue;
        }
        let null = field
            .nullable_from
            .filter(|from| *from > field.versions.first);
        // Error codes go through a door of their own, so that the encoder knows them.
        let write = match name.as_str() {
            "error_code" => "write_error",
            _ => "write",
        };
        match (condition, null) {
            (None, None) => {
                line!(reads, "{name}: from.read()?,");
                line!(writes, "to.{write}(&self.{name});");
            }
            (Some(condition), None) => {
                line!(reads, "{name}: from.read_if({condition}, {absent})?,");
                line!(writes, "to.{write}_if({condition}, &self.{name});");
            }
            (None, Some(null)) => {
                line!(reads, "{name}: from.read_nullable(v >= {null})?,");
                line!(writes, "to.write_nullable(v >= {null}, &self.{name});");
            }
            (Some(condition), Some(null)) => {
                line!(
                    reads,
                    "{name}: if {condition} {{ from.read_nullable(v >= {null})? }} else {{ {absent} }},"
                );
                line!(
                    writes,
                    "if {condition} {{ to.write_nullable(v >= {null}, &self.{name}); }}"
                );
            }
        }
    }
    let version = |text: &str, from: &str| {
        let is_used = ["v >=", "v <=", "v ==", "&v)"]
            .iter()
            .any(|use_| text.contains(use_));
        if is_used {
            format!("let v = {from}.version();\n")
        } else {
            String::new()
        }
    };
    line!(
        code,
        "impl Field for {} {{\nconst SIZE_MIN: usize = {size_min};\n",
        part.name
    );
    line!(
        code,
        "fn read<S: Source>(from: &mut S) -> Result<Self, DecodeError> {{"
    );
    let is_tagged = !tag_reads.is_empty();
    code.push_str(&version(&format!("{reads}{tag_reads}"), "from"));
    let mutable = if is_tagged { "mut " } else { "" };
    line!(code, "let {mutable}this = Self {{ {reads} }};");
    if is_tagged {
        line!(
            code,
            "from.read_tags(|from, tag| {{ match tag {{ {tag_reads} _ => return Ok(false), }} Ok(true) }})?;"
        );
    } else if api.flexible_from < i16::MAX {
        line!(code, "from.read_tags(|_, _| Ok(false))?;");
    }
    line!(code, "Ok(this)\n}}\n");
    line!(code, "fn write(&self, to: &mut Encoder) {{");
    code.push_str(&version(&format!("{writes}{tag_writes}"), "to"));
    code.push_str(&writes);
    if is_tagged {
        line!(
            code,
            "let mut tags = Tags::default();\n{tag_writes}tags.write(to);"
        );
    } else if api.flexible_from < i16::MAX {
        line!(code, "Tags::default().write(to);");
    }
    line!(code, "}}\n}}\n");
    Ok(())
}

/// When a version has the field; `None` if every version does.
fn condition(api: &Api, versions: Versions) -> Option<String> {
    let Versions { first, last } = versions;
    match (first > api.versions.first, last < api.versions.last) {
        (false, false) => None,
        (true, false) => Some(format!("v >= {first}")),
        (false, true) => Some(format!("v <= {last}")),
        (true, true) if first == last => Some(format!("v == {first}")),
        (true, true) => Some(format!("({first}..={last}).contains(&v)")),
    }
}

fn rust_type(field: &Field) -> String {
    let plain = plain_type(&field.kind);
    if field.nullable_from.is_some() {
        format!("Option<{plain}>")
    } else {
        plain
    }
}

fn plain_type(kind: &Kind) -> String {
    match kind {
        Kind::Number(name) | Kind::Struct(name) => name.clone(),
        Kind::Bool => "bool".to_owned(),
        Kind::Uuid => "TopicId".to_owned(),
        Kind::Text => "Text".to_owned(),
        Kind::Bytes => "Bytes".to_owned(),
        Kind::Records => "Chunks".to_owned(),
        Kind::Array(element) => format!("Vec<{}>", plain_type(element)),
    }
}

fn empty(kind: &Kind) -> String {
    match kind {
        Kind::Number(name) if name == "f64" => "0.0".to_owned(),
        Kind::Number(_) => "0".to_owned(),
        Kind::Bool => "false".to_owned(),
        Kind::Uuid => "TopicId::ZERO".to_owned(),
        Kind::Text => "Text::EMPTY".to_owned(),
        Kind::Bytes => "Bytes::new()".to_owned(),
        Kind::Records => "Chunks::new()".to_owned(),
        Kind::Array(_) => "Vec::new()".to_owned(),
        Kind::Struct(name) => format!("{name}::default()"),
    }
}

/// What `Default` makes of the field's type.
fn natural(field: &Field) -> String {
    if field.nullable_from.is_some() {
        "None".to_owned()
    } else {
        empty(&field.kind)
    }
}

/// The field's value when nothing is said.
fn default(field: &Field) -> Result<String> {
    let Some(text) = &field.default else {
        let empty = empty(&field.kind);
        return Ok(if field.nullable_from.is_some() {
            format!("Some({empty})")
        } else {
            empty
        });
    };
    Ok(match (&field.kind, text.as_str()) {
        (_, "null") => "None".to_owned(),
        (Kind::Number(_), "-2147483648") => "i32::MIN".to_owned(),
        (Kind::Number(_), "0x7fffffff") => "i32::MAX".to_owned(),
        (Kind::Number(_), "0x7fffffffffffffff") => "i64::MAX".to_owned(),
        (Kind::Number(_) | Kind::Bool, text) => text.to_owned(),
        _ => bail!("{}: this default is not supported", field.name),
    })
}

/// Whether a tagged field has to be written.
fn is_set(field: &Field, absent: &str) -> String {
    let name = &field.name;
    match (&field.kind, absent) {
        (_, "None") => format!("self.{name}.is_some()"),
        (Kind::Array(_), "Vec::new()") => format!("!self.{name}.is_empty()"),
        (Kind::Bool, "false") => format!("self.{name}"),
        (Kind::Bool, _) => format!("!self.{name}"),
        _ => format!("self.{name} != {absent}"),
    }
}
