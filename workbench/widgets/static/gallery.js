// Cards of one page. All text goes in as textContent, so that names from data never become markup.

const SHOWN = 10; // more classes than this: only the likeliest of teacher and student

function element(parent, tag, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

function softmax(logits, temperature) {
  const top = Math.max(...logits);
  const parts = logits.map((logit) => Math.exp((logit - top) / temperature));
  const sum = parts.reduce((total, part) => total + part, 0);
  return parts.map((part) => part / sum);
}

const best = (logits) => logits.indexOf(Math.max(...logits));
const percent = (share) => `${(100 * share).toFixed(1)} %`;

// The classes of a card, in their own order; which ones does not depend on the temperature.
function classesOf(card) {
  const [teacher, student] = [softmax(card.teacher, 1), softmax(card.student, 1)];
  const all = teacher.map((_, k) => k);
  if (all.length <= SHOWN) return all;
  const weight = (k) => (k === card.label) + Math.max(teacher[k], student[k]);
  return all.sort((a, b) => weight(b) - weight(a)).slice(0, SHOWN).sort((a, b) => a - b);
}

function drawImage(canvas, pixels, [height, width, channels]) {
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = pixels[channels * i + (channels === 3 ? k : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// One card; returns what sets its bars to a temperature.
function addCard(parent, card, names, image) {
  const said = { label: card.label, teacher: best(card.teacher), student: best(card.student) };
  const name = (k) => names[k] ?? "none";
  const wrong = (k) => card.label >= 0 && k !== card.label;
  const spoken = Object.entries(said).map(([who, k]) => `${who} ${name(k)}${wrong(k) ? " (wrong)" : ""}`);
  const box = element(parent, "article", { "aria-label": `Sample ${card.id}: ${spoken.join(", ")}` });
  const head = element(box, "div", { class: "wb-gallery-head" });
  if (image) drawImage(element(head, "canvas", { "aria-hidden": "true" }), ...image);
  else element(head, "blockquote", {}, card.text);
  const list = element(head, "dl");
  for (const [who, k] of Object.entries({ sample: null, ...said })) {
    element(list, "dt", {}, who);
    const told = element(list, "dd", {}, k === null ? card.id : name(k));
    if (k !== null && wrong(k)) told.classList.add("wb-wrong");
  }

  const bars = element(box, "div", { class: "wb-gallery-bars", role: "img" });
  for (const title of ["teacher", "", "student"]) element(bars, "b", {}, title);
  const classes = classesOf(card);
  const rows = classes.map((k) => {
    const teacher = element(bars, "div", { class: "wb-gallery-bar wb-teacher" });
    element(bars, "span", { title: name(k), class: k === card.label ? "wb-label" : "" }, name(k));
    return { k, teacher, student: element(bars, "div", { class: "wb-gallery-bar wb-student" }) };
  });
  if (classes.length < names.length) element(bars, "small", {}, `${classes.length} of ${names.length} classes`);
  return (temperature) => {
    const shares = { teacher: softmax(card.teacher, temperature), student: softmax(card.student, temperature) };
    for (const row of rows) {
      for (const who of ["teacher", "student"]) {
        row[who].style.width = `${100 * shares[who][row.k]}%`;
        row[who].title = `${who}, ${name(row.k)}: ${percent(shares[who][row.k])}`;
      }
    }
    const top = (who) => `${who} ${name(said[who])} ${percent(shares[who][said[who]])}`;
    bars.setAttribute("aria-label", `Soft labels at temperature ${temperature}: ${top("teacher")}, ${top("student")}`);
  };
}

function render({ model, el }) {
  el.classList.add("wb-gallery");
  const header = element(el, "header");
  const count = element(header, "output");
  const slide = element(header, "label", {}, "temperature");
  const range = { type: "range", min: 0.5, max: 20, step: 0.1, "aria-label": "temperature" };
  const slider = element(slide, "input", range);
  const value = element(slide, "output");
  const pager = element(header, "nav", { "aria-label": "pages" });
  const back = element(pager, "button", { type: "button", "aria-label": "Previous page" }, "\u2039");
  const where = element(pager, "output");
  const next = element(pager, "button", { type: "button", "aria-label": "Next page" }, "\u203a");
  const grid = element(el, "div", { class: "wb-gallery-cards" });
  let warmers = [];

  function warm() {
    const temperature = model.get("temperature");
    slider.value = temperature;
    value.textContent = temperature.toFixed(1);
    warmers.forEach((set) => set(temperature));
  }

  function deal() {
    const [cards, shape, pixels] = ["_cards", "_shape", "_pixels"].map((name) => model.get(name));
    const size = shape.reduce((product, side) => product * side, 1);
    const image = (i) => [new Uint8Array(pixels.buffer, pixels.byteOffset + i * size, size), shape];
    grid.replaceChildren();
    warmers = cards.map((card, i) => addCard(grid, card, model.get("class_names"), shape.length && image(i)));
    if (!cards.length) element(grid, "p", { class: "wb-gallery-empty" }, "None of the chosen samples is in this gallery.");
    warm();
  }

  function number() {
    const [page, pages, total] = ["page", "pages", "total"].map((name) => model.get(name));
    count.textContent = `${total.toLocaleString()} sample${total === 1 ? "" : "s"}`;
    where.textContent = `page ${page + 1} of ${pages}`;
    [back.disabled, next.disabled] = [page === 0, page === pages - 1];
  }

  const turn = (by) => {
    model.set("page", model.get("page") + by);
    model.save_changes();
  };
  back.onclick = () => turn(-1);
  next.onclick = () => turn(1);
  slider.oninput = () => model.set("temperature", Number(slider.value)); // every view of this gallery, at once
  slider.onkeydown = (event) => event.stopPropagation(); // else Lab takes the arrow keys for its own
  slider.onchange = () => model.save_changes(); // the kernel, when the slider rests
  const counted = "change:page change:pages change:total";
  model.on("change:_cards", deal);
  model.on(counted, number);
  model.on("change:temperature", warm);
  deal();
  number();
  return () => {
    model.off("change:_cards", deal);
    model.off(counted, number);
    model.off("change:temperature", warm);
  };
}

export default { render };
