// The card of a file of trained styles: headings, paragraphs and tables of its Markdown.

import { append, h } from "../core/dom.js";

/** Return the card as an element, and the names of the styles: the first column of its table. */
export function card(text) {
  const node = h("div.card");
  const names = [];
  for (const block of text
    .split(/\n{2,}/)
    .map((one) => one.trim())
    .filter(Boolean)) {
    if (block.startsWith("#")) node.append(h("h2", {}, block.replace(/^#+\s*/, "")));
    else if (block.startsWith("|")) node.append(table(block, names));
    else node.append(append(h("p", {}), marked(block.replaceAll("\n", " "))));
  }
  return { node, names };
}

function table(block, names) {
  const rows = block
    .split("\n")
    .filter((line) => !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [head, ...body] = rows;
  names.push(...body.map(([name]) => name));
  return h(
    "div.scrolled",
    { tabindex: 0, role: "region", "aria-label": "Figures of the styles" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((cell) => h("th", { scope: "col" }, cell)),
        ),
      ),
      h(
        "tbody",
        {},
        body.map(([name, ...cells]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, name),
            cells.map((cell) => h("td", {}, cell)),
          ),
        ),
      ),
    ),
  );
}

// `code` and *emphasis*, which is all that a card has.
const marked = (text) =>
  text.split(/(`[^`]+`|\*[^*]+\*)/).map((part) => {
    if (part.startsWith("`")) return h("code", {}, part.slice(1, -1));
    return part.startsWith("*") && part.length > 1 ? h("em", {}, part.slice(1, -1)) : part;
  });
