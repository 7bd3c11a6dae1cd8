// One figure. The kernel's `_figure` is the whole picture, `_change` what was added to it since; both travel as trait
// updates, so they arrive in order. All views of the model draw from the one `figure` kept here.

const arrays = {
  i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array,
  i4: Int32Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array,
};

// What was gzipped is evaluated once per page, however many views ask for it at the same time.
function plotly(model) {
  globalThis.__workbench_plotly__ ??= evaluate(model).catch((error) => {
    delete globalThis.__workbench_plotly__;
    throw error;
  });
  return globalThis.__workbench_plotly__;
}

async function evaluate(model) {
  const library = await model.widget_manager.get_model(model.get("library").replace("IPY_MODEL_", ""));
  const packed = new Blob([library.get("bundle")]).stream();
  const source = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).blob();
  const url = URL.createObjectURL(source.slice(0, source.size, "text/javascript"));
  await import(url);
  URL.revokeObjectURL(url);
  performance.mark("workbench-plotly-evaluated");
  return globalThis.Plotly;
}

// Plotly.py sends numpy columns as base64; a column that grows becomes a plain array.
function plain(column) {
  if (!column?.bdata) return Array.from(column ?? []);
  const bytes = Uint8Array.from(atob(column.bdata), (letter) => letter.charCodeAt(0));
  return Array.from(new arrays[column.dtype](bytes.buffer));
}

// What the figure itself sets stays. Its template gets margins that only grow where labels need room and, in a dark
// theme, gives way to the page's colours.
function themed(layout) {
  const { layout: base = {}, ...traces } = layout.template ?? {};
  const margin = { l: 16, r: 16, b: 16, t: layout.title?.text ? 44 : 16, ...base.margin };
  const roomy = { ...base, margin };
  if (document.body.dataset.jpThemeLight !== "false") return { ...layout, template: { ...traces, layout: roomy } };
  const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const line = css("--jp-border-color2");
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: line };
  const dark = {
    ...roomy,
    font: { ...base.font, color: css("--jp-ui-font-color1") },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    xaxis: { ...base.xaxis, ...axis },
    yaxis: { ...base.yaxis, ...axis },
  };
  return { ...layout, template: { ...traces, layout: dark } };
}

const config = {
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["sendDataToCloud", "sendChartToCloud", "zoomIn2d", "zoomOut2d", "autoScale2d"],
};

export default () => {
  const redraws = new Set();
  let figure, revision;
  let shown = 0;

  function restore(model) {
    ({ figure, revision } = JSON.parse(model.get("_figure")));
    figure.layout.uirevision ??= ++shown; // zoom and hidden traces survive added points, not another figure
    redraws.forEach((redraw) => redraw());
  }

  function amend(model) {
    const change = JSON.parse(model.get("_change"));
    if (change.revision <= revision) return;
    // A page that was loading may have missed one.
    if (change.revision > revision + 1) return model.send("resend");
    revision = change.revision;
    for (const [position, columns] of Object.entries(change.points ?? {})) {
      const trace = figure.data[position];
      for (const [name, added] of Object.entries(columns)) {
        trace[name] = plain(trace[name]).concat(plain(added)).slice(-(change.max_points ?? 0));
      }
    }
    Object.assign(figure.layout, change.layout);
    redraws.forEach((redraw) => redraw());
  }

  return {
    initialize({ model }) {
      restore(model);
      model.on("change:_figure", () => restore(model));
      model.on("change:_change", () => amend(model));
    },

    async render({ model, el }) {
      const plot = document.createElement("div");
      el.classList.add("wb-plot");
      el.setAttribute("role", "figure");
      el.append(plot);
      let library;
      try {
        library = await plotly(model);
      } catch (error) {
        el.classList.add("wb-plot-failed");
        el.textContent = `Plotly could not be loaded: ${error.message}`;
        return;
      }

      let frame = 0;
      const choose = (event) => {
        const id = (point) => point.customdata ?? point.pointIndex;
        model.set("selected", (event?.points ?? []).map((p) => (ArrayBuffer.isView(id(p)) ? [...id(p)] : id(p))));
        model.save_changes();
      };
      const draw = async () => {
        frame = 0;
        el.setAttribute("aria-label", model.get("label"));
        plot.style.height = `${model.get("height")}px`;
        if (!plot.clientWidth) return; // hidden; the observer draws it when it appears
        const first = !plot.on;
        const layout = { ...themed(structuredClone(figure.layout)), width: plot.clientWidth, height: model.get("height") };
        await library.react(plot, figure.data.map((trace) => ({ ...trace })), layout, config);
        if (first) {
          plot.on("plotly_selected", choose);
          plot.on("plotly_deselect", () => choose());
          plot.on("plotly_click", ({ points: [p] }) => model.send({ clicked: p.customdata ?? null }));
        }
      };
      const redraw = () => (frame ||= requestAnimationFrame(draw));
      const resized = new ResizeObserver(redraw);
      const rethemed = new MutationObserver(redraw);
      redraws.add(redraw);
      model.on("change:height change:label", redraw);
      resized.observe(plot);
      rethemed.observe(document.body, { attributeFilter: ["data-jp-theme-name"] });
      redraw();
      return () => {
        redraws.delete(redraw);
        model.off("change:height change:label", redraw);
        resized.disconnect();
        rethemed.disconnect();
        cancelAnimationFrame(frame);
        library.purge(plot);
      };
    },
  };
};
