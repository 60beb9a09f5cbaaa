"use strict";
// Shows the tokens that the element `data` lists. Rows of the text are filled when they come near
// the screen and emptied when they leave it, so a text may have millions of tokens.

const data = JSON.parse(document.getElementById("data").textContent);
const settings = { ids: false, space: false };
const main = document.getElementById("text");
const details = document.getElementById("details");
const HINT = "Point at a token, or reach one with Tab and the arrow keys, for its id and bytes. " +
  "Click it, or press Enter, to see its merges.";
const COLOURS = 5;
const STEP = 700; // milliseconds between two merges

// ---- data -----------------------------------------------------------------------------------

function bytesOfBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function bytesOfHex(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.substr(2 * i, 2), 16);
  return bytes;
}

for (const vocabulary of data.vocabularies) {
  const packed = bytesOfBase64(vocabulary.sequence);
  const view = new DataView(packed.buffer);
  vocabulary.sequence = new Uint32Array(packed.length / 4);
  for (let i = 0; i < vocabulary.sequence.length; i++) {
    vocabulary.sequence[i] = view.getUint32(4 * i, true);
  }
  vocabulary.tokens = vocabulary.tokens.split(",");
  vocabulary.differs = bytesOfBase64(vocabulary.differs);
  vocabulary.special = new Set(vocabulary.special);
  vocabulary.segments = new Map();
}

const differs = (vocabulary, place) => vocabulary.differs[place >> 3] >> (place & 7) & 1;

// ---- a token's text -------------------------------------------------------------------------

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Returns the parts of bytes: `{text}` for whole characters, `{raw}` for other bytes. */
function segmentsOf(bytes) {
  const found = [];
  const add = (kind, value) => {
    const last = found[found.length - 1];
    if (last && last[kind] !== undefined) last[kind] += (kind === "raw" ? " " : "") + value;
    else found.push({ [kind]: value });
  };
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i];
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    try {
      add("text", decoder.decode(bytes.subarray(i, i + length)));
      i += length;
    } catch (error) {
      add("raw", hex(bytes.subarray(i, i + 1)));
      i += 1;
    }
  }
  return found;
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/u;
const RIGHT_TO_LEFT = /^\P{L}*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const JOINER = /^[\u200c\u200d\ufe00-\ufe0f]$/;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Puts a token's text into an element. Signs stand for what cannot be seen. */
function write(target, segments, breaksLines) {
  for (const segment of segments) {
    if (segment.raw !== undefined) {
      target.append(element("span", "raw", segment.raw));
      continue;
    }
    const chars = Array.from(segment.text);
    let plain = /^\p{M}/u.test(segment.text) && !JOINER.test(chars[0]) ? "\u25cc" : "";
    const sign = (text, className) => {
      target.append(plain, element("span", className, text));
      plain = "";
    };
    chars.forEach((char, place) => {
      if (char === "\n") {
        sign("\u21b5", "sign");
        if (breaksLines) plain = "\n";
      } else if (char === "\r") sign("\u240d", "sign");
      else if (char === "\t") plain += settings.space ? "\u2192\t" : "\t";
      else if (char === " " && settings.space) plain += "\u00b7";
      else if (JOINER.test(char) ? place === 0 || place === chars.length - 1 && char < "\ufe00"
        : HIDDEN.test(char)) {
        sign("U+" + char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0"), "raw");
      } else plain += char;
    });
    target.append(plain);
  }
}

function tokenOf(vocabulary, number) {
  if (!vocabulary.segments.has(number)) {
    vocabulary.segments.set(number, segmentsOf(bytesOfHex(vocabulary.tokens[number])));
  }
  return vocabulary.segments.get(number);
}

/** Returns what a screen reader says of a token, which begins with what is to be seen. */
function spoken(seen) {
  if (/^[ \u00b7]+$/.test(seen)) return seen.length === 1 ? "space" : `${seen.length} spaces`;
  return seen.replace(/\n/g, "") + (seen.includes("\u21b5") ? " line end" : "");
}

// ---- rows -----------------------------------------------------------------------------------

const several = data.vocabularies.length > 1;
const rows = [];
let current = null; // the token that Tab reaches

function tokenElement(vocabulary, which, place) {
  const number = vocabulary.sequence[place];
  const segments = tokenOf(vocabulary, number);
  const special = vocabulary.special.has(number);
  const made = element("span", `token c${place % COLOURS}`);
  if (special) made.classList.add("special");
  const ringed = differs(vocabulary, place);
  if (ringed) made.classList.add("differs");
  made.dataset.vocabulary = which;
  made.dataset.place = place;
  made.setAttribute("role", "button");
  made.tabIndex = -1;
  if (segments[0].text && /^\p{M}/u.test(segments[0].text)) made.classList.add("mark");
  made.dataset.id = vocabulary.ids[number];
  write(made, segments, !settings.ids);
  made.setAttribute("aria-label", `${spoken(made.textContent)}, ` +
    `${special ? "special token, " : ""}id ${vocabulary.ids[number]}${ringed ? ", differs" : ""}`);
  return made;
}

function fill(row) {
  if (row.filled) return;
  row.filled = true;
  row.element.style.minHeight = "";
  data.vocabularies.forEach((vocabulary, which) => {
    const cell = element("div", "cell");
    cell.setAttribute("role", "group");
    cell.setAttribute("aria-label", `Tokens of ${vocabulary.name}`);
    cell.append(element("span", "name", vocabulary.name));
    const start = vocabulary.rows[row.number];
    const end = vocabulary.rows[row.number + 1] ?? vocabulary.sequence.length;
    let line = []; // tokens with their ids below have no direction, so the line is told it
    for (let place = start ?? end; place < end; place++) {
      const token = tokenElement(vocabulary, which, place);
      if (!settings.ids) {
        cell.append(token);
        continue;
      }
      line.push(token);
      const hasLineEnd = tokenOf(vocabulary, vocabulary.sequence[place])
        .some((segment) => segment.text && segment.text.includes("\n"));
      if (hasLineEnd || place + 1 === end) {
        const text = line.map((token) => token.textContent).join("");
        cell.append(RIGHT_TO_LEFT.test(text) ? "\u200f" : "\u200e", ...line, hasLineEnd ? "\n" : "");
        line = [];
      }
    }
    row.element.append(cell);
  });
  if (!current || !document.contains(current)) setCurrent(row.element.querySelector(".token"));
}

function empty(row) {
  if (!row.filled || row.element.contains(document.activeElement)) return;
  row.element.style.minHeight = `${row.element.offsetHeight}px`;
  row.element.replaceChildren();
  row.filled = false;
}

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const row = rows[Number(entry.target.dataset.row)];
    if (entry.isIntersecting) fill(row);
    else empty(row);
  }
}, { rootMargin: "1200px 0px" });

function build() {
  observer.disconnect();
  main.replaceChildren();
  main.classList.toggle("ids", settings.ids);
  main.classList.toggle("several", several);
  rows.length = 0;
  current = null;
  if (several) {
    const columns = element("div", "columns");
    for (const vocabulary of data.vocabularies) columns.append(element("div", "", vocabulary.name));
    main.append(columns);
  }
  const count = Math.max(...data.vocabularies.map((vocabulary) => vocabulary.rows.length));
  for (let number = 0; number < count; number++) {
    const row = { number, filled: false, element: element("div", "row") };
    row.element.dataset.row = number;
    row.element.style.minHeight = "600px";
    rows.push(row);
    main.append(row.element);
    observer.observe(row.element);
  }
}

// ---- which token ----------------------------------------------------------------------------

function setCurrent(token) {
  if (!token) return;
  if (current) current.tabIndex = -1;
  current = token;
  current.tabIndex = 0;
}

function tokenAt(which, place) {
  const vocabulary = data.vocabularies[which];
  if (place < 0 || place >= vocabulary.sequence.length) return null;
  let low = 0, high = vocabulary.rows.length;
  while (high - low > 1) {
    const middle = low + high >> 1;
    if (vocabulary.rows[middle] <= place) low = middle;
    else high = middle;
  }
  fill(rows[low]);
  return rows[low].element.querySelector(
    `[data-vocabulary="${which}"][data-place="${place}"]`);
}

function described(token) {
  const vocabulary = data.vocabularies[token.dataset.vocabulary];
  const place = Number(token.dataset.place);
  const number = vocabulary.sequence[place];
  return { vocabulary, place, number, id: vocabulary.ids[number],
    bytes: bytesOfHex(vocabulary.tokens[number]), special: vocabulary.special.has(number) };
}

let timer = null;
let shown = null;

function stop() {
  clearInterval(timer);
  timer = null;
}

function describe(token) {
  if (shown) return; // merges stay until they are closed
  const { vocabulary, place, id, bytes, special } = described(token);
  const line = element("p");
  line.append(element("strong", "", `id ${id}`), special ? " (special)" : "",
    ` · bytes ${hex(bytes)} · token ${(place + 1).toLocaleString("en")} of ` +
    `${vocabulary.sequence.length.toLocaleString("en")} · ${vocabulary.name}`);
  const text = element("p", "cell");
  write(text.appendChild(element("span", "part")), segmentsOf(bytes), false);
  details.replaceChildren(line, text);
}

// ---- merges ---------------------------------------------------------------------------------

/** Returns the parts after each merge: lists of `{bytes, id, isNew}`. */
function stepsOf({ vocabulary, number, bytes }) {
  let parts = Array.from(bytes, (byte) => ({ bytes: [byte] }));
  const steps = [parts];
  const merges = vocabulary.merges[number] || [];
  for (let i = 0; i < merges.length; i += 2) {
    const at = merges[i];
    const merged = { bytes: [...parts[at].bytes, ...parts[at + 1].bytes], id: merges[i + 1],
      isNew: true };
    parts = [...parts.slice(0, at), merged, ...parts.slice(at + 2)]
      .map((part) => part === merged ? part : { ...part, isNew: false });
    steps.push(parts);
  }
  return steps;
}

function conclusion(token, steps) {
  if (token.special) return "A special token: its name is found in the text, nothing is merged.";
  if (token.vocabulary.merges[token.number] === null) return "Too long for its merges to be shown.";
  if (steps[steps.length - 1].length > 1) {
    return "No pair of these can be merged: the whole piece was looked up in the vocabulary.";
  }
  if (steps.length === 1) return "A single byte: nothing is merged.";
  return "";
}

function play(element_) {
  stop();
  const token = described(element_);
  const steps = stepsOf(token);
  shown = element_;
  const title = element("p");
  title.append(element("strong", "", `id ${token.id}`), ` · bytes ${hex(token.bytes)} · ` +
    `${steps.length - 1} merge${steps.length === 2 ? "" : "s"} · ${token.vocabulary.name}`);
  const list = element("ol");
  list.start = 0;
  list.setAttribute("aria-label", "Parts after each merge");
  const end = element("p", "hint");
  end.setAttribute("role", "status");
  const again = element("button", "", "Play again");
  const close = element("button", "", "Close");
  const buttons = element("p");
  buttons.append(again, close);
  details.replaceChildren(title, buttons, list, end);
  let next = 0;
  const add = () => {
    const item = element("li", "cell");
    for (const part of steps[next]) {
      const made = element("span", part.isNew ? "part new" : "part");
      write(made, segmentsOf(Uint8Array.from(part.bytes)), false);
      if (part.id !== undefined) made.title = `id ${part.id}`;
      item.append(made);
    }
    list.append(item);
    details.scrollTop = details.scrollHeight;
    if (++next < steps.length) return;
    stop();
    end.textContent = conclusion(token, steps);
  };
  const start = () => {
    stop();
    list.replaceChildren();
    end.textContent = "";
    next = 0;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    do add(); while (still && next < steps.length);
    if (next < steps.length) timer = setInterval(add, STEP);
  };
  again.addEventListener("click", start);
  close.addEventListener("click", closeMerges);
  start();
}

function closeMerges() {
  stop();
  const token = shown;
  shown = null;
  details.replaceChildren(element("p", "hint", HINT));
  if (token && document.contains(token)) token.focus();
}

// ---- events ---------------------------------------------------------------------------------

const tokenUnder = (event) => event.target.closest ? event.target.closest(".token") : null;

main.addEventListener("pointerover", (event) => {
  const token = tokenUnder(event);
  if (token) describe(token);
});
main.addEventListener("focusin", (event) => {
  const token = tokenUnder(event);
  if (!token) return;
  setCurrent(token);
  if (token !== shown) {
    stop();
    shown = null;
  }
  describe(token);
});
main.addEventListener("click", (event) => {
  const token = tokenUnder(event);
  if (!token) return;
  token.focus();
  play(token);
});
main.addEventListener("keydown", (event) => {
  const token = tokenUnder(event);
  if (!token) return;
  const which = Number(token.dataset.vocabulary);
  const place = Number(token.dataset.place);
  const last = data.vocabularies[which].sequence.length - 1;
  const target = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: last }[event.key];
  if (target !== undefined) {
    const next = tokenAt(which, target);
    if (next) next.focus();
    event.preventDefault();
  } else if (event.key === "Enter" || event.key === " ") {
    play(token);
    event.preventDefault();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown) closeMerges();
});
for (const [id, setting] of [["show-ids", "ids"], ["show-space", "space"]]) {
  const box = document.getElementById(id);
  box.checked = false;
  box.addEventListener("change", () => {
    settings[setting] = box.checked;
    build();
  });
}

// ---- counts ---------------------------------------------------------------------------------

function buildCounts() {
  const table = element("table");
  const head = table.createTHead().insertRow();
  const titles = ["vocabulary", "tokens", "characters", "bytes", "characters per token"];
  if (several && data.sameText) titles.push("tokens that differ");
  for (const title of titles) {
    const cell = element("th", "", title);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const vocabulary of data.vocabularies) {
    const row = body.insertRow();
    const name = element("th", "", vocabulary.name);
    name.scope = "row";
    row.append(name);
    const tokens = vocabulary.sequence.length;
    const cells = [tokens, vocabulary.characters, vocabulary.bytes].map(
      (number) => number.toLocaleString("en"));
    cells.push(tokens ? (vocabulary.characters / tokens).toFixed(2) : "–");
    if (titles.length > 5) cells.push(vocabulary.differing.toLocaleString("en"));
    for (const cell of cells) row.append(element("td", "", cell));
  }
  document.getElementById("counts").append(table);
  if (!several) return;
  const legend = document.getElementById("legend");
  if (data.sameText) legend.append(element("span", "ringed", "ringed"), " tokens that differ");
  else legend.append("The vocabularies change the text in different ways: not compared.");
}

buildCounts();
build();
closeMerges();
