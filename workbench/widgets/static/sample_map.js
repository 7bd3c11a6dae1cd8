// Two canvases: the points below, redrawn when the selection, size or theme changes; the brush above, cheap to move.

function bytes(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

// Where each point lies, in CSS pixels from the upper left corner.
function project(view, width, height) {
  const xy = new Float32Array(bytes(view).slice().buffer);
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < xy.length; i++) {
    low[i & 1] = Math.min(low[i & 1], xy[i]);
    high[i & 1] = Math.max(high[i & 1], xy[i]);
  }
  const edge = 10;
  const scale = [0, 1].map((k) => ([width, height][k] - 2 * edge) / (high[k] - low[k] || 1));
  for (let i = 0; i < xy.length; i += 2) {
    xy[i] = edge + (xy[i] - low[0]) * scale[0];
    xy[i + 1] = height - edge - (xy[i + 1] - low[1]) * scale[1];
  }
  return xy;
}

// A disc as offsets with their share of colour, so that its rim is smooth.
function disc(radius) {
  const stamp = [];
  const reach = Math.ceil(radius);
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const share = Math.min(1, radius + 0.5 - Math.hypot(x, y));
      if (share > 0) stamp.push([x, y, share]);
    }
  }
  return stamp;
}

// Any CSS colour as red, green, blue.
function rgb(context, colour) {
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

function paint(context, spots, kinds, mask, palette, ratio) {
  const { width, height } = context.canvas;
  const css = (name, other) => getComputedStyle(context.canvas).getPropertyValue(name).trim() || other;
  const faded = rgb(context, css("--jp-border-color2", "#ddd"));
  const colours = palette.map((colour) => rgb(context, colour));
  context.fillStyle = css("--jp-layout-color0", "white");
  context.fillRect(0, 0, width, height);
  const image = context.getImageData(0, 0, width, height);
  const pixels = image.data;
  const stamp = disc(ratio * (kinds.length > 20000 ? 1.2 : kinds.length > 3000 ? 1.8 : 3));
  const put = (i, colour) => {
    const left = Math.round(spots[2 * i] * ratio);
    const top = Math.round(spots[2 * i + 1] * ratio);
    for (const [x, y, share] of stamp) {
      const at = 4 * ((top + y) * width + left + x);
      for (let k = at; k < at + 3; k++) pixels[k] += (colour[k - at] - pixels[k]) * share;
    }
  };
  // What is not brushed first, so that it never covers what is.
  if (mask.length) for (let i = 0; i < kinds.length; i++) if (!mask[i]) put(i, faded);
  for (let i = 0; i < kinds.length; i++) if (!mask.length || mask[i]) put(i, colours[kinds[i] % colours.length]);
  context.putImageData(image, 0, 0);
}

function element(parent, tag, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  parent.append(made);
  return made;
}

function render({ model, el }) {
  el.classList.add("wb-map");
  const stage = element(el, "div", { class: "wb-map-stage" });
  const base = element(stage, "canvas", { "aria-hidden": "true" });
  const overlay = element(stage, "canvas", { tabindex: "0", role: "application", "aria-roledescription": "sample map" });
  const foot = element(el, "div", { class: "wb-map-foot" });
  const title = element(foot, "strong");
  const status = element(foot, "output");
  const ground = base.getContext("2d", { willReadFrequently: true });
  const front = overlay.getContext("2d");
  const palette = model.get("palette");
  model.get("class_names").forEach((name, k) => {
    const entry = element(foot, "span");
    element(entry, "i").style.background = palette[k % palette.length];
    element(entry, "span", {}, name);
  });

  let spots, width, height, ratio;
  let corner = null; // where the brush began
  let cross = null; // where the keyboard is

  function draw() {
    const mask = bytes(model.get("mask"));
    const began = performance.now();
    paint(ground, spots, bytes(model.get("classes")), mask, palette, ratio);
    const all = (spots.length / 2).toLocaleString();
    const count = mask.reduce((sum, one) => sum + one, 0).toLocaleString();
    status.textContent = mask.length ? `${count} of ${all} brushed` : `${all} samples`;
    title.textContent = model.get("label");
    const keys = "arrow keys move a cross, Enter sets the corners of the brush, Escape clears it";
    overlay.setAttribute("aria-label", `${model.get("label")}: ${status.textContent}; ${keys}`);
    base.dataset.draws = Number(base.dataset.draws ?? 0) + 1;
    base.dataset.milliseconds = (performance.now() - began).toFixed(1);
  }

  function fit() {
    stage.style.height = `${model.get("height")}px`;
    [width, height, ratio] = [stage.clientWidth, stage.clientHeight, devicePixelRatio];
    if (!width) return; // hidden; the observer calls again when it appears
    for (const canvas of [base, overlay]) [canvas.width, canvas.height] = [width * ratio, height * ratio];
    spots = project(model.get("points"), width, height);
    draw();
  }

  // The brush from its corner to `point`, or only the cross.
  function hover(point) {
    front.setTransform(ratio, 0, 0, ratio, 0, 0);
    front.clearRect(0, 0, width, height);
    front.strokeStyle = front.fillStyle = getComputedStyle(el).color;
    if (cross) {
      front.fillRect(cross[0] - 8, cross[1] - 0.5, 17, 1);
      front.fillRect(cross[0] - 0.5, cross[1] - 8, 1, 17);
    }
    if (!corner || !point) return;
    const box = [...corner, point[0] - corner[0], point[1] - corner[1]];
    front.strokeRect(...box);
    front.globalAlpha = 0.08;
    front.fillRect(...box);
    front.globalAlpha = 1;
  }

  function brush(point) {
    const [left, right] = [corner[0], point[0]].sort((a, b) => a - b);
    const [top, bottom] = [corner[1], point[1]].sort((a, b) => a - b);
    const mask = new Uint8Array(spots.length / 2);
    for (let i = 0; i < mask.length; i++) {
      const [x, y] = [spots[2 * i], spots[2 * i + 1]];
      mask[i] = x >= left && x <= right && y >= top && y <= bottom;
    }
    choose(right - left > 3 && bottom - top > 3 && mask.includes(1) ? mask : new Uint8Array());
  }

  function choose(mask) {
    corner = null;
    hover();
    model.set("mask", new DataView(mask.buffer));
    model.save_changes();
  }

  const place = (event) => [event.offsetX, event.offsetY];
  overlay.onpointerdown = (event) => {
    [corner, cross] = [place(event), null];
    overlay.setPointerCapture(event.pointerId);
  };
  overlay.onpointermove = (event) => corner && !cross && hover(place(event));
  overlay.onpointerup = (event) => corner && !cross && brush(place(event));
  overlay.onpointercancel = () => choose(bytes(model.get("mask")).slice());
  overlay.onkeydown = (event) => {
    const step = { ArrowLeft: [-12, 0], ArrowRight: [12, 0], ArrowUp: [0, -12], ArrowDown: [0, 12] }[event.key];
    if (!step && !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation(); // else Lab would leave or run the cell
    if (event.key === "Escape") {
      cross = null;
      choose(new Uint8Array());
    } else if (event.key === "Enter" && corner) brush(cross);
    else {
      cross ??= [width / 2, height / 2];
      if (step) cross = [0, 1].map((k) => Math.max(0, Math.min([width, height][k], cross[k] + step[k])));
      else corner = [...cross];
      hover(cross);
    }
  };

  const redraw = () => width && draw();
  const resized = new ResizeObserver(() => stage.clientWidth !== width && fit());
  const rethemed = new MutationObserver(redraw);
  model.on("change:mask change:label", redraw);
  model.on("change:height", fit);
  resized.observe(stage);
  rethemed.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
  fit();
  return () => {
    model.off("change:mask change:label", redraw);
    model.off("change:height", fit);
    resized.disconnect();
    rethemed.disconnect();
  };
}

export default { render };
