// A drawing as an image of the data: cut out, made as small as theirs, and centred by its mass, as
// MNIST's digits were.

// In MNIST a digit fills a box of 20 × 20 pixels in an image of 28 × 28.
const BOX = 20 / 28;
// Images smaller than this are filled to their edges.
const SMALL = 16;

// `pixels` are the drawing's, from 0 to 1, `width` in a row. Answers {height} × {width} numbers from
// 0 to 1, all 0 where nothing is drawn.
export function centredImage(pixels, drawnWidth, { height, width }) {
  const box = boundsOf(pixels, drawnWidth);
  const image = new Float64Array(height * width);
  if (!box) return image;
  const share = Math.min(height, width) < SMALL ? 1 : BOX;
  const scale = Math.min((height * share) / box.height, (width * share) / box.width);
  const size = {
    height: Math.max(1, Math.round(box.height * scale)),
    width: Math.max(1, Math.round(box.width * scale)),
  };
  const small = shrunk(pixels, drawnWidth, box, size);
  const [down, across] = share === 1 ? [(size.height - 1) / 2, (size.width - 1) / 2] : massCentre(small, size);
  const top = placeInside(Math.round((height - (share === 1 ? 1 : 0)) / 2 - down), height - size.height);
  const left = placeInside(Math.round((width - (share === 1 ? 1 : 0)) / 2 - across), width - size.width);
  for (let i = 0; i < size.height; i += 1)
    for (let j = 0; j < size.width; j += 1) image[(top + i) * width + left + j] = small[i * size.width + j];
  return image;
}

const placeInside = (start, room) => Math.max(0, Math.min(room, start));

// The smallest box around what is drawn: {top, left, height, width}; null where nothing is.
export function boundsOf(pixels, width) {
  const bounds = { top: Infinity, left: Infinity, bottom: -1, right: -1 };
  pixels.forEach((value, k) => {
    if (value <= 0.02) return;
    const [row, column] = [Math.floor(k / width), k % width];
    bounds.top = Math.min(bounds.top, row);
    bounds.bottom = Math.max(bounds.bottom, row);
    bounds.left = Math.min(bounds.left, column);
    bounds.right = Math.max(bounds.right, column);
  });
  if (bounds.bottom < 0) return null;
  return {
    top: bounds.top,
    left: bounds.left,
    height: bounds.bottom - bounds.top + 1,
    width: bounds.right - bounds.left + 1,
  };
}

// A part of the drawing in another size: each new pixel is the mean of the old ones under it, shares
// of pixels counted, so that edges are soft.
export function shrunk(pixels, drawnWidth, box, size) {
  const small = new Float64Array(size.height * size.width);
  const rows = Array.from({ length: size.height }, (_, i) => overlaps(i, size.height, box.height));
  const columns = Array.from({ length: size.width }, (_, j) => overlaps(j, size.width, box.width));
  rows.forEach((row, i) =>
    columns.forEach((column, j) => {
      let [total, area] = [0, 0];
      for (const [y, high] of row) {
        for (const [x, wide] of column) {
          total += pixels[(box.top + y) * drawnWidth + box.left + x] * high * wide;
          area += high * wide;
        }
      }
      small[i * size.width + j] = total / area;
    }),
  );
  return small;
}

// The old pixels under the kth of `parts` new ones, with the share of each that is.
function overlaps(k, parts, length) {
  const [from, to] = [(k * length) / parts, ((k + 1) * length) / parts];
  const found = [];
  for (let place = Math.floor(from); place < Math.min(length, Math.ceil(to)); place += 1) {
    const share = Math.min(to, place + 1) - Math.max(from, place);
    if (share > 1e-9) found.push([place, share]);
  }
  return found;
}

function massCentre(image, { height, width }) {
  let [mass, down, across] = [0, 0, 0];
  for (let i = 0; i < height; i += 1) {
    for (let j = 0; j < width; j += 1) {
      const weight = image[i * width + j];
      mass += weight;
      down += i * weight;
      across += j * weight;
    }
  }
  return mass ? [down / mass, across / mass] : [height / 2, width / 2];
}
