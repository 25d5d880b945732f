// The page of the API: the calls, as its own description has them.

import { get } from "./core/api.js";
import { fill, h } from "./core/dom.js";
import * as theme from "./core/theme.js";

theme.start();
const main = h("main.column", {}, h("h1", {}, "The studio's API"));
document.body.append(main);

function call(path, verb, about, schemas) {
  const body = Object.values(about.requestBody?.content ?? {})[0]?.schema;
  const known = body?.$ref ? schemas[body.$ref.split("/").at(-1)] : body;
  return h(
    "section.call",
    {},
    h("h3", {}, h("b", {}, verb.toUpperCase()), h("code", {}, path)),
    h("p", {}, about.description ?? about.summary ?? ""),
    about.parameters?.length
      ? h("p.quiet", {}, "Parameters: ", about.parameters.map((one) => one.name).join(", "))
      : null,
    known
      ? h(
          "details",
          {},
          h("summary", {}, "Body"),
          h("pre", { tabindex: 0 }, JSON.stringify(known.properties ?? known, null, 2)),
        )
      : null,
  );
}

try {
  const told = await get("/openapi.json");
  const schemas = told.components?.schemas ?? {};
  fill(
    main,
    h("h1", {}, "The studio's API"),
    h(
      "p.quiet",
      {},
      "The page of the studio uses these calls alone. For programs: ",
      h("a", { href: "/api/v1/openapi.json" }, "openapi.json"),
      ".",
    ),
    Object.entries(told.paths).flatMap(([path, verbs]) =>
      Object.entries(verbs).map(([verb, about]) => call(path, verb, about, schemas)),
    ),
  );
} catch (error) {
  fill(main, h("h1", {}, "The studio's API"), h("p.trouble", {}, error.message));
}
