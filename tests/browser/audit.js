/** What is wrong with the page as it looks now, in words; run by the tests.

    Contrast by axe takes ten times as long, in each of three looks. */
() => {
  const LEAST_CONTRAST = 4.5;
  const LEAST_CONTRAST_LARGE = 3;
  const CLEAR = "rgba(0, 0, 0, 0)";
  const faults = [];
  // Half way from light to dark, colours are neither.
  for (const animation of document.getAnimations()) {
    if (animation instanceof CSSTransition) animation.finish();
  }
  const seen = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    element.getClientRects().length > 0;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const name = (element) =>
    `<${element.tagName.toLowerCase()} id="${element.id}" class="${element.className}">`;

  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    brush.fillStyle = "#fff";
    brush.fillRect(0, 0, 1, 1);
    for (const colour of colours) {
      brush.fillStyle = colour;
      brush.fillRect(0, 0, 1, 1);
    }
    return brush.getImageData(0, 0, 1, 1).data;
  };
  // A page has hundreds of texts, and few colours.
  const paintedBefore = new Map();
  const painted = (colours) => {
    const key = colours.join();
    if (!paintedBefore.has(key)) paintedBefore.set(key, paint(colours));
    return paintedBefore.get(key);
  };
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behindBefore = new Map([[null, []]]);
  const behind = (element) => {
    if (!behindBefore.has(element)) {
      const colour = getComputedStyle(element).backgroundColor;
      const under = behind(element.parentElement);
      behindBefore.set(element, colour === CLEAR ? under : [...under, colour]);
    }
    return behindBefore.get(element);
  };
  const contrast = (element, { color }) => {
    const under = behind(element);
    const light = luminance(painted([...under, color]));
    const dark = luminance(painted(under));
    return (Math.max(light, dark) + 0.05) / (Math.min(light, dark) + 0.05);
  };
  const least = (style) => {
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    return large ? LEAST_CONTRAST_LARGE : LEAST_CONTRAST;
  };

  const checkContrast = () => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const elements = new Set();
    while (walker.nextNode()) {
      if (walker.currentNode.data.trim()) elements.add(walker.currentNode.parentElement);
    }
    for (const field of all("input, textarea, select")) elements.add(field);
    for (const element of elements) {
      if (!seen(element) || element.closest(":disabled, [aria-disabled=true], script")) {
        continue;
      }
      const style = getComputedStyle(
        element, element.matches(":placeholder-shown") ? "::placeholder" : null,
      );
      const ratio = contrast(element, style);
      if (ratio < least(style)) {
        const words = (element.value || element.textContent).trim().slice(0, 40);
        faults.push(`contrast ${ratio.toFixed(2)}: “${words}” in ${name(element)}`);
      }
    }
  };
  const checkIds = () => {
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    const twice = new Set(ids.filter((id, index) => ids.indexOf(id) !== index));
    for (const id of twice) faults.push(`id twice: ${id}`);
  };
  const checkWidth = () => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return;
    const wide = all("body *").filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    );
    faults.push(`${scrollWidth} px wide on ${clientWidth}: ${wide.slice(0, 8).map(name)}`);
  };
  // A phone zooms in on smaller letters, and a finger misses lower fields.
  const checkFields = () => {
    if (innerWidth > 480) return;
    const fields = all(`textarea, select, input:not([type=hidden], [type=checkbox],
      [type=radio], [type=range], [type=file], [type=submit], [type=button])`);
    for (const field of fields) {
      if (field.closest(".visually-hidden")) continue;
      const { width, height } = field.getBoundingClientRect();
      const size = parseFloat(getComputedStyle(field).fontSize);
      if (size < 16 || height < 36 || width < 50) {
        faults.push(`field of ${width} x ${height} px, letters of ${size}: ${name(field)}`);
      }
    }
  };
  // Text that hangs at the top of its button.
  const checkButtons = () => {
    for (const link of all(".submit-row a")) {
      const text = document.createRange();
      text.selectNodeContents(link);
      const [inner, outer] = [text, link].map((one) => one.getBoundingClientRect());
      const above = inner.top - outer.top;
      const below = outer.bottom - inner.bottom;
      if (Math.abs(above - below) > 6) faults.push(`text not centred: ${name(link)}`);
    }
  };
  checkContrast();
  checkFields();
  checkButtons();
  checkIds();
  checkWidth();
  return faults;
}
