// The page: joins the source, the app and the panels, and lays them out. Who mounts it: the page that
// the server sends and the exported file (assets.py), and a notebook by render().

import { h, fill, isOwnPage, unseen, wantsCalm, write } from "./dom.js";
import { widgetSource } from "./source.js";
import { createApp } from "./store.js";
import { themeSwitch } from "./theme.js";
import { listenToKeys, helpDialog } from "./keys.js";
import { controlsBar } from "./controls.js";
import { statusLine } from "./status.js";
import { findingsList } from "./findings.js";
import { flowPanel } from "./flow.js";
import { programPanel } from "./program.js";
import { lensPanel } from "./lens.js";
import { layersPanel } from "./layers.js";
import { samplesPanel } from "./samples.js";
import { curvesPanel } from "./curves.js";
import { weightsPanel } from "./weights.js";
import { drawPanel } from "./draw.js";
import { whatifPanel } from "./whatif.js";

// Beside the program, from the top down. A panel that has nothing to show for this model (first-layer
// weights without an image, say) returns null.
const PANELS = {
  lens: lensPanel,
  layers: layersPanel,
  samples: samplesPanel,
  curves: curvesPanel,
  weights: weightsPanel,
  draw: drawPanel,
  whatif: whatifPanel,
};

const LOST = "The training is out of reach: its process has ended, or is busy. What was recorded stays to look at.";

// Builds the page in an element from a source, and returns its app; app.close() lets the source go.
export async function mount(el, source) {
  el.classList.add("sheer");
  fill(el, h("p", { class: "waiting", role: "status" }, "Reading the training…"));
  let state;
  try {
    state = await source.state();
  } catch (error) {
    fill(el, h("p", { class: "alert", role: "alert" }, error.message));
    throw error;
  }
  const voice = createVoice();
  const app = createApp(source, state, voice);
  const page = createPage(app, el, voice);
  fill(el, page.el);
  app.onChange(page.update);
  page.update(app.view);
  const listen = (patch) => {
    if (patch.restart && isOwnPage(el)) location.reload(); // another training: all is new
    else app.patch(patch);
  };
  source.subscribe(listen, (isLost) => voice.error(isLost ? LOST : ""));
  if (isOwnPage(el)) document.title = `${state.title} · sheer`;
  app.close = () => source.close();
  return app;
}

// The two lines that say things: errors in sight of all, the rest to screen readers.
function createVoice() {
  const alert = h("p", { class: "alert", role: "alert" });
  const quiet = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
  return {
    alert,
    quiet,
    error: (text) => write(alert, text),
    say: (text) => fill(quiet, text),
  };
}

function createPage(app, root, voice) {
  const help = helpDialog(app);
  const panels = panelsOf(app);
  const bar = controlsBar(app);
  const status = statusLine(app);
  const findings = findingsList(app);
  const flow = flowPanel(app);
  const program = programPanel(app);
  app.reveal = (name) => revealPanel(panels, name);

  const el = h(
    "div",
    { class: "page" },
    skipLink(program.el),
    h(
      "header",
      { class: "top" },
      h("h1", {}, h("span", { class: "mark", "aria-hidden": "true" }, "sheer"), unseen("sheer: "), app.state.title),
      status.el,
      h("div", { class: "corner" }, help.button, themeSwitch(app, root)),
    ),
    bar.el,
    voice.alert,
    findings.el,
    flow.el,
    h(
      "main",
      {},
      program.el,
      h("div", { class: "panels" }, navigation(panels), Object.values(panels).map((panel) => panel.el)),
    ),
    help.dialog,
    voice.quiet,
  );
  listenToKeys(app, root, help);
  measureBar(bar.el, el);

  const parts = [status, bar, findings, flow, program, ...Object.values(panels)];
  return { el, update: (view) => parts.forEach((part) => updated(part, view, voice)) };
}

// The first stop of Tab: past the header and the flow to the current row.
function skipLink(program) {
  const click = (event) => {
    event.preventDefault();
    program.querySelector("[aria-current]")?.focus();
  };
  return h("a", { class: "skip", href: "#sheer-lens", on: { click } }, "Go to the program");
}

// What sticks below the controls must know how high they are.
function measureBar(bar, page) {
  const measure = () => page.style.setProperty("--bar", `${bar.offsetHeight}px`);
  new ResizeObserver(measure).observe(bar);
}

// One panel's failure is said, and leaves the others alone.
function updated(part, view, voice) {
  try {
    part.update(view);
  } catch (error) {
    voice.error(`${part.title ?? "The page"}: ${error.message}`);
    console.error(error);
  }
}

function panelsOf(app) {
  const made = Object.entries(PANELS).map(([name, make]) => [name, make(app)]);
  const shown = made.filter(([, panel]) => panel);
  for (const [name, panel] of shown) {
    panel.el.id = `sheer-${name}`;
    panel.el.classList.add("panel");
    panel.el.tabIndex = -1;
    panel.el.setAttribute("aria-label", panel.title);
  }
  return Object.fromEntries(shown);
}

// Links to the panels. They move by hand, as a page in a notebook must not change its address.
function navigation(panels) {
  const links = Object.entries(panels).map(([name, { title }]) => {
    const click = (event) => {
      event.preventDefault();
      revealPanel(panels, name);
    };
    return h("li", {}, h("a", { href: `#sheer-${name}`, on: { click } }, title));
  });
  return h("nav", { "aria-label": "Panels" }, h("ul", {}, links));
}

// Brings a panel into sight, and the focus to it.
function revealPanel(panels, name) {
  const el = panels[name]?.el;
  el?.scrollIntoView({ behavior: wantsCalm() ? "auto" : "smooth", block: "start" });
  el?.focus({ preventScroll: true });
}

// The widget's entry: what anywidget calls with its model and its place.
function render({ model, el }) {
  const source = widgetSource(model);
  mount(el, source).catch(console.error);
  return () => source.close();
}

export default { mount, render };
