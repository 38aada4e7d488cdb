// Runs inside a page (page-faults.ts brings it there): what is wrong with the page for those who see little, use no mouse, or have a phone.

const leastContrast = 4.5;
const leastRingContrast = 3;

const paint = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const colours = new Map();

/** Red, green, blue to 255 and opacity to 1, of any way to write a colour. */
function colourOf(text) {
  const known = colours.get(text);
  if (known !== undefined) return known;
  paint.clearRect(0, 0, 1, 1);
  paint.fillStyle = text;
  paint.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = paint.getImageData(0, 0, 1, 1).data;
  const colour = [red, green, blue, alpha / 255];
  colours.set(text, colour);
  return colour;
}

function over(top, below) {
  const alpha = top[3] + below[3] * (1 - top[3]);
  if (alpha === 0) return [0, 0, 0, 0];
  return [...[0, 1, 2].map((at) => (top[at] * top[3] + below[at] * below[3] * (1 - top[3])) / alpha), alpha];
}

const faded = ([red, green, blue, alpha], opacity) => [red, green, blue, alpha * opacity];

/** What an ink of an element looks like, and the ground round it, with all that is transparent. */
function seenAt(element, ink) {
  let pair = [ink, [0, 0, 0, 0]];
  for (let at = element; at !== null; at = at.parentElement) {
    const { backgroundColor, opacity } = getComputedStyle(at);
    pair = pair.map((colour) => faded(over(colour, colourOf(backgroundColor)), Number(opacity)));
  }
  return pair.map((colour) => over(colour, [255, 255, 255, 1]));
}

function luminanceOf(colour) {
  const [red, green, blue] = colour.slice(0, 3).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** From 1 (the same) to 21 (black on white). */
function contrastOf([one, other]) {
  const [dark, light] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const inWords = (colour) => `rgb(${colour.slice(0, 3).map(Math.round).join(" ")})`;

/** As a person would point at it. */
function nameOf(element) {
  const words = element.getAttribute("aria-label") ?? element.innerText ?? "";
  const name = words.trim().replaceAll(/\s+/g, " ").slice(0, 60);
  return `<${element.tagName.toLowerCase()}${element.id === "" ? "" : `#${element.id}`}> “${name}”`;
}

const isOff = (element) => element.closest(":disabled, [aria-disabled=true], [data-disabled]") !== null;

/** Not for eyes: the likes of sr-only are a pixel wide. */
function isTiny(element) {
  for (let at = element; at !== null; at = at.parentElement) {
    const { width, height } = at.getBoundingClientRect();
    if (width <= 1 && height <= 1 && getComputedStyle(at).overflow !== "visible") return true;
  }
  return false;
}

function isShown(element) {
  return element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true }) && !isTiny(element);
}

function paleText(element, words, ink) {
  const seen = seenAt(element, ink);
  const contrast = contrastOf(seen);
  if (contrast >= leastContrast) return [];
  return [`“${words.trim().slice(0, 60)}” has a contrast of ${contrast.toFixed(2)}: ${inWords(seen[0])} on ${inWords(seen[1])}`];
}

/** Text that is hard to read; what is switched off may be. */
function paleTexts() {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  const range = document.createRange();
  while (walker.nextNode() !== null) {
    const { currentNode: node } = walker;
    const { parentElement: element } = node;
    if (node.data.trim() === "" || element instanceof SVGElement || isOff(element) || !isShown(element)) continue;
    range.selectNodeContents(node);
    if (range.getBoundingClientRect().width > 1) found.push(...paleText(element, node.data, colourOf(getComputedStyle(element).color)));
  }
  return found;
}

/** The same of what stands in fields, which is no text of the document. */
function paleFields() {
  return [...document.querySelectorAll("input:not([type=checkbox], [type=radio], [type=file], [type=hidden]), select, textarea")].flatMap((field) => {
    if (isOff(field) || !isShown(field)) return [];
    const isEmpty = field.value === "" && (field.placeholder ?? "") !== "";
    const { color, opacity } = getComputedStyle(field, isEmpty ? "::placeholder" : undefined);
    return paleText(field, isEmpty ? field.placeholder : field.value, faded(colourOf(color), isEmpty ? Number(opacity) : 1));
  });
}

function twins() {
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))].map((id) => `more than one element is called #${id}`);
}

function headings() {
  const shown = [...document.querySelectorAll("h1")].filter((each) => each.checkVisibility({ visibilityProperty: true }));
  const words = shown.map((each) => each.textContent).join(" | ");
  const mains = document.querySelectorAll("main").length;
  return [
    ...(shown.length === 1 ? [] : [`there are ${shown.length} headings of the first level: ${words}`]),
    ...(mains === 1 ? [] : [`there are ${mains} main parts`]),
    ...(/^\S.* – Backlot$/.test(document.title) ? [] : [`the title is “${document.title}”`]),
  ];
}

/** What makes a page wider than its window. */
function tooWide(widthPx) {
  const { scrollWidth } = document.documentElement;
  if (scrollWidth <= widthPx) return [];
  const beyond = [...document.body.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > widthPx + 1).slice(0, 3);
  return [`it is ${scrollWidth} px wide in a window of ${widthPx} px: ${beyond.map(nameOf).join(", ")}`];
}

/** The sides on which a ring is cut off by what its element is in. */
function sidesCutOff(element, outsidePx) {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const ring = { left: left - outsidePx, top: top - outsidePx, right: right + outsidePx, bottom: bottom + outsidePx };
  const cut = new Set();
  const note = (side, isCut) => isCut && cut.add(side);
  for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement) {
    const { overflowX, overflowY } = getComputedStyle(at);
    const box = at.getBoundingClientRect();
    const inner = { left: box.left + at.clientLeft, top: box.top + at.clientTop };
    if (overflowX !== "visible") {
      note("left", ring.left < inner.left - 0.5);
      note("right", ring.right > inner.left + at.clientWidth + 0.5);
    }
    if (overflowY !== "visible") {
      note("top", ring.top < inner.top - 0.5);
      note("bottom", ring.bottom > inner.top + at.clientHeight + 0.5);
    }
  }
  return [...cut];
}

/** What is wrong with how the focus shows at the element that has it; empty when nothing is. A text cursor shows by itself. */
function ringFaults() {
  const element = document.activeElement;
  const name = nameOf(element);
  if (element.isContentEditable || element.classList.contains("xterm-helper-textarea")) return [];
  const { outlineStyle, outlineWidth, outlineOffset, outlineColor } = getComputedStyle(element);
  if (outlineStyle === "none" || Number.parseFloat(outlineWidth) < 2) return [`${name} has the focus and no ring`];
  const offset = Number.parseFloat(outlineOffset);
  const contrast = contrastOf(seenAt(offset < 0 ? element : (element.parentElement ?? element), colourOf(outlineColor)));
  // Two pixels of it are enough to be seen.
  const cut = sidesCutOff(element, offset + 2);
  return [
    ...(contrast < leastRingContrast ? [`the ring of ${name} has a contrast of ${contrast.toFixed(2)}`] : []),
    ...(cut.length > 0 ? [`the ring of ${name} is cut off: ${cut.join(", ")}`] : []),
  ];
}

/** What the Tab key leads to, as far as the page alone can tell; a dialog holds it. */
function tabStops() {
  const root = [...document.querySelectorAll("[role=dialog]")].at(-1) ?? document;
  const radios = new Set();
  return [...root.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]")].filter((each) => {
    if ((each.tabIndex < 0 && !each.isContentEditable) || each.matches(":disabled, [type=hidden], [data-radix-focus-guard]")) return false;
    if (!each.checkVisibility({ visibilityProperty: true })) return false;
    // A group that hands the focus on counts by the one that gets it.
    if (each.matches("[role=radiogroup]") && each.querySelector("[tabindex='0']") !== null) return false;
    if (each.type !== "radio" || each.name === "") return true;
    // Of a group of radio buttons one takes part.
    const isFirst = !radios.has(each.name);
    radios.add(each.name);
    return isFirst;
  });
}

/** Gives the focus to one after the other. */
function ringsEverywhere() {
  const before = document.activeElement;
  const found = tabStops().flatMap((each) => {
    each.focus();
    // A group hands it on to one of its own.
    return each.contains(document.activeElement) ? ringFaults() : [`${nameOf(each)} does not take the focus`];
  });
  if (before instanceof HTMLElement && before !== document.body) before.focus();
  else document.activeElement.blur();
  return found;
}

/** On a busy machine what appears just now is not to be seen before its next frame, however short its way is. */
function settle() {
  for (const moving of document.getAnimations()) if (Number.isFinite(Number(moving.effect?.getComputedTiming().endTime))) moving.finish();
}

globalThis.backlotEyes = {
  faults: (widthPx) => {
    settle();
    return [...new Set([...tooWide(widthPx), ...headings(), ...twins(), ...paleTexts(), ...paleFields(), ...ringsEverywhere()])];
  },
  ringFaults: () => {
    settle();
    return ringFaults();
  },
  tabStops,
};
