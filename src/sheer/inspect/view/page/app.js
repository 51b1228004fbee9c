// A page that shows the program and the status: the least that tells that all is connected.

import { fileSource, liveSource, widgetSource } from "./source.js";

export async function mount(el, source) {
  const state = await source.state();
  const status = document.createElement("p");
  status.id = "status";
  const show = () => {
    const { state: name, epoch, batch, message } = state.status;
    status.textContent = `${name}, epoch ${epoch}, batch ${batch}, ${state.steps.length} steps. ${message}`;
  };
  const text = document.createElement("pre");
  text.textContent = state.program.text;
  el.append(status, text);
  source.subscribe((patch) => {
    Object.assign(state, { ...patch, steps: [...state.steps, ...(patch.steps ?? [])] });
    show();
  });
  show();
}

export default { mount, render: ({ model, el }) => mount(el, widgetSource(model)) };
