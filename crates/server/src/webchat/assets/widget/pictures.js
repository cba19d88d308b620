// Pictures in the chat. They are painted, not loaded: only a request with the visitor's token gets them, and painting asks
// nothing of the security policy of the page around.

const PICTURE = /^image\/(png|jpe?g|gif|webp|avif|bmp)$/i;
// Larger ones, in bytes, stay links.
const LARGEST_PICTURE = 15 * 1024 * 1024;
const WIDEST = 560;
const TALLEST = 420;

class Pictures {
  #onPicture;
  #painted;
  #waiting = new Map();
  #watch = new IntersectionObserver((seen) => {
    seen.filter((one) => one.isIntersecting).forEach((one) => this.#show(one.target));
  });

  // `onPicture(url, most bytes)` gives the bytes; `painted()` is called around each change: a line grows.
  constructor(onPicture, painted) {
    this.#onPicture = onPicture;
    this.#painted = painted;
  }

  // Paints a picture into its link once that can be seen.
  add(into, url, mediaType) {
    if (!PICTURE.test(mediaType ?? "")) return;
    this.#waiting.set(into, url);
    this.#watch.observe(into);
  }

  async #show(into) {
    const url = this.#waiting.get(into);
    this.#watch.unobserve(into);
    this.#waiting.delete(into);
    if (!url) return;
    try {
      const bitmap = await createImageBitmap(await this.#onPicture(url, LARGEST_PICTURE));
      this.#painted(() => into.prepend(paint(bitmap)));
    } catch {
      // What is no picture, or is gone, stays a link.
    }
  }
}

// The link's text is the name of the file already.
function paint(bitmap) {
  const share = Math.min(1, WIDEST / bitmap.width, TALLEST / bitmap.height);
  const canvas = element("canvas", { className: "picture", "aria-hidden": "true" });
  canvas.width = Math.max(1, Math.round(bitmap.width * share));
  canvas.height = Math.max(1, Math.round(bitmap.height * share));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}
