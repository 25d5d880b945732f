// Elements made from descriptions. Text stays text: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element: h("button.primary", { onclick: paint }, "Paint").
 * `on…` become listeners, `style` and `dataset` are objects, true and false switch an attribute.
 * Children may be nodes, texts, lists of them, or null.
 */
export function h(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props ?? {})) set(node, name, value);
  append(node, children);
  return node;
}

function set(node, name, value) {
  if (value === undefined || value === null) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "class") node.className = `${node.className} ${value}`.trim();
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (name === "style") {
    // By the object model, which a strict content security policy allows.
    for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
  } else if (typeof value === "boolean" && !name.startsWith("aria-")) {
    node.toggleAttribute(name, value);
    if (name === "checked") node.checked = value;
  } else if (["value", "htmlFor", "textContent", "indeterminate", "srcObject"].includes(name)) {
    node[name] = value;
  } else node.setAttribute(name, String(value));
}

/** Append nodes, texts and lists of them. */
export function append(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** Put these children in the place of all that are there. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

/** Make an element of SVG. */
export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

let count = 0;

/** Return an ID that no other element has. */
export function uid(prefix = "e") {
  count += 1;
  return `${prefix}-${count}`;
}

/** Return a function that calls another once it has not been called for so many milliseconds. */
export function debounced(action, milliseconds) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), milliseconds);
  };
}
