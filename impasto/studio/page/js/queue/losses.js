// The losses as a line: logarithmic, as they fall by orders.

import { fill, h, svg } from "../core/dom.js";

const WIDE = 320;
const HIGH = 56;

/** Make the line; `begin(items)` takes what was before, `add` one more value. */
export function lossLine() {
  const node = h("figure.losses", { hidden: true });
  let points = []; // [iteration, total]

  const total = (losses) =>
    losses?.total ??
    Object.values(losses ?? {})
      .filter(Number.isFinite)
      .reduce((sum, one) => sum + one, 0);

  function draw() {
    const known = points.filter(([, value]) => value > 0);
    node.hidden = known.length < 2;
    if (node.hidden) return;
    const logs = known.map(([, value]) => Math.log10(value));
    const [least, most] = [Math.min(...logs), Math.max(...logs)];
    const [from, to] = [known[0][0], known.at(-1)[0]];
    const path = known
      .map(([n], at) => {
        const x = ((n - from) / Math.max(1, to - from)) * WIDE;
        const y = 3 + (1 - (logs[at] - least) / Math.max(1e-9, most - least)) * (HIGH - 6);
        return `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      })
      .join("");
    const now = known.at(-1)[1];
    fill(
      node,
      svg(
        "svg",
        {
          viewBox: `0 0 ${WIDE} ${HIGH}`,
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `Loss over ${known.length} iterations, now ${now.toPrecision(3)}`,
        },
        svg("path", { d: path, class: "curve", "vector-effect": "non-scaling-stroke" }),
      ),
      h("figcaption", {}, "loss ", now.toPrecision(3)),
    );
  }

  return {
    node,
    begin(items) {
      // Iterations begin anew at each scale, so they are counted here.
      points = items.map((item, n) => [n + 1, item.total]);
      draw();
    },
    add(losses) {
      const last = points.at(-1)?.[0] ?? 0;
      points.push([last + 1, total(losses)]);
      if (points.length > 2000) points = points.filter((_, n) => n % 2 === 0);
      draw();
    },
  };
}
