//! Markup that cannot be torn: an element closes what it opens, and text from outside cannot become markup.
use std::fmt::{self, Display, Formatter, Write as _};

/// Elements of HTML that have no end tag.
const VOID: [&str; 2] = ["br", "meta"];

/// One element, with what is in it.
#[derive(Debug, Clone)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Element(Element),
    Text(String),
    /// Our own style sheet, which is no text: `>` means something in it.
    Style(&'static str),
}

/// An element of this name.
pub(super) fn el(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), children: Vec::new() }
}

impl Element {
    pub(super) fn attr(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    pub(super) fn class(self, name: &str) -> Self {
        self.attr("class", name)
    }

    /// A coordinate or a length, to a tenth of a unit.
    pub(super) fn at(self, name: &'static str, value: f64) -> Self {
        let value = if value.is_finite() { (value * 10.0).round() / 10.0 } else { 0.0 };
        self.attr(name, value)
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    pub(super) fn style(mut self, sheet: &'static str) -> Self {
        self.children.push(Node::Style(sheet));
        self
    }

    pub(super) fn with(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    pub(super) fn all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }
}

impl Display for Element {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(out, " {name}=\"{}\"", Escaped(value))?;
        }
        if VOID.contains(&self.name) {
            return out.write_str("/>");
        }
        out.write_char('>')?;
        for child in &self.children {
            match child {
                Node::Element(element) => element.fmt(out)?,
                Node::Text(text) => Escaped(text).fmt(out)?,
                Node::Style(sheet) => out.write_str(sheet)?,
            }
        }
        write!(out, "</{}>", self.name)
    }
}

/// Text in which nothing is markup, nothing steers, and nothing turns the writing direction.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                '\n' => out.write_char('\n')?,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    write!(out, "{}", character.escape_default())?;
                }
                // No document may hold these, not even escaped.
                '\u{fffe}' | '\u{ffff}' => out.write_char('\u{fffd}')?,
                _ if character.is_control() => write!(out, "{}", character.escape_default())?,
                _ => out.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_become_markup() {
        let hostile = "</p><script>alert(\"1\" & '2')</script>\u{202e}\u{1b}[2J\0";
        let text = el("p").attr("title", hostile).text(hostile).to_string();
        let inner = "&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;\
                     \\u{202e}\\u{1b}[2J\\u{0}";
        assert_eq!(text, format!("<p title=\"{inner}\">{inner}</p>"));
    }

    #[test]
    fn elements_close_what_they_open() {
        let list = el("ul").all([el("li").text("a"), el("li").with(el("br"))]).with(el("svg"));
        assert_eq!(list.to_string(), "<ul><li>a</li><li><br/></li><svg></svg></ul>");
    }

    #[test]
    fn coordinates_are_short_and_always_numbers() {
        let shape = el("rect").at("x", 1.04).at("y", 1.0 / 0.0).at("width", 10.0);
        assert_eq!(shape.to_string(), "<rect x=\"1\" y=\"0\" width=\"10\"></rect>");
    }
}
