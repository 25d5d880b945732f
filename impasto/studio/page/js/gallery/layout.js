// Pictures in rows of equal height that fill the width, each with its own proportions.

/**
 * Return rows [{top, height, items: [{item, left, width}]}] and the height of all.
 * The last row is not stretched; `isEnd` says whether it may stay short.
 */
export function rowsOf(items, width, { target = 220, gap = 10 } = {}) {
  const rows = [];
  let top = 0;
  let row = [];
  let sum = 0; // of the row's proportions
  for (const item of items) {
    const ratio = Math.min(3, Math.max(0.4, item.width / item.height || 1));
    row.push({ item, ratio });
    sum += ratio;
    const height = (width - gap * (row.length - 1)) / sum;
    if (height <= target) {
      rows.push(placed(row, top, height, gap));
      top += height + gap;
      row = [];
      sum = 0;
    }
  }
  if (row.length) {
    rows.push(placed(row, top, Math.min(target, (width - gap * (row.length - 1)) / sum), gap));
    top += rows.at(-1).height + gap;
  }
  return { rows, height: Math.max(0, top - gap) };
}

function placed(row, top, height, gap) {
  let left = 0;
  const items = row.map(({ item, ratio }) => {
    const width = ratio * height;
    const at = { item, left, width };
    left += width + gap;
    return at;
  });
  return { top, height, items };
}

/** Return the first and last row (exclusive) that lie between two heights. */
export function between(rows, from, to) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    // the rows lie in order, so halving finds the first
    const mid = (low + high) >> 1;
    if (rows[mid].top + rows[mid].height < from) low = mid + 1;
    else high = mid;
  }
  let end = low;
  while (end < rows.length && rows[end].top < to) end += 1;
  return [low, end];
}
