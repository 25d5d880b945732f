// Where a picture lies in a frame: zoom and place, and what moves them.

/** A picture of `width` × `height` in a frame, scaled by `scale` and moved by `x`, `y`. */
export class Viewport {
  constructor(width, height) {
    Object.assign(this, { width, height, scale: 1, x: 0, y: 0, frame: { width: 1, height: 1 } });
    this.isFitted = true;
    this.most = 16;
  }

  /** Show all of the picture, as large as the frame allows. */
  fit(margin = 0, most = Infinity) {
    this.isFitted = true;
    this.scale = Math.min(
      most,
      (this.frame.width - 2 * margin) / this.width,
      (this.frame.height - 2 * margin) / this.height,
    );
    this.x = (this.frame.width - this.width * this.scale) / 2;
    this.y = (this.frame.height - this.height * this.scale) / 2;
  }

  /** Zoom by a factor around a point of the frame, by default its middle. */
  zoom(factor, point = { x: this.frame.width / 2, y: this.frame.height / 2 }) {
    const least = Math.min(0.05, this.scale);
    const scale = Math.min(this.most, Math.max(least, this.scale * factor));
    this.x = point.x - ((point.x - this.x) * scale) / this.scale;
    this.y = point.y - ((point.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.isFitted = false;
    this.#hold();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
    this.#hold();
  }

  // Some of the picture always stays in the frame.
  #hold() {
    const edge = 60;
    this.x = Math.min(this.frame.width - edge, Math.max(edge - this.width * this.scale, this.x));
    this.y = Math.min(this.frame.height - edge, Math.max(edge - this.height * this.scale, this.y));
  }

  /** Return the picture's point under a point of the frame. */
  inside({ x, y }) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }
}

/** Return a pointer event's place in an element. */
export function place(event, node) {
  const box = node.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

/**
 * Let wheel, pinch and drag move a viewport. `changed` is called after each movement.
 * `draw` hears what one pointer does: {down, move, up, cancel}; without it, that pans.
 */
export function gestures(node, viewport, changed, { draw = null, isPanning = () => false } = {}) {
  const pointers = new Map();
  let mode = "";

  node.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      viewport.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018)), place(event, node));
      changed();
    },
    { passive: false },
  );

  node.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, input, a")) return;
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault();
    node.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event, node));
    if (pointers.size === 2) {
      if (mode === "draw") draw.cancel();
      mode = "pinch";
    } else if (pointers.size === 1) {
      mode = draw && event.button === 0 && !isPanning() ? "draw" : "pan";
      if (mode === "draw") draw.down(place(event, node), event);
    }
  });

  node.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    const now = place(event, node);
    if (!before) return draw?.hover?.(now);
    pointers.set(event.pointerId, now);
    if (mode === "draw") {
      const all = event.getCoalescedEvents?.() ?? [];
      for (const one of all.length ? all : [event]) draw.move(place(one, node));
    } else if (mode === "pan") viewport.pan(now.x - before.x, now.y - before.y);
    else if (mode === "pinch" && pointers.size === 2) pinch(event.pointerId, before, now);
    changed();
  });

  const end = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (mode === "draw") {
      if (event.type === "pointerup") draw.up(place(event, node));
      else draw.cancel();
    }
    if (pointers.size === 0) mode = "";
    else if (mode === "pinch") mode = "rest"; // the finger that stays does not draw
    changed();
  };
  node.addEventListener("pointerup", end);
  node.addEventListener("pointercancel", end);
  node.addEventListener("pointerleave", () => draw?.hover?.(null));

  function pinch(id, before, now) {
    const [other] = [...pointers].filter(([key]) => key !== id).map(([, at]) => at);
    const wide = Math.hypot(now.x - other.x, now.y - other.y);
    const was = Math.hypot(before.x - other.x, before.y - other.y) || 1;
    viewport.zoom(wide / was, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    viewport.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  }
}
