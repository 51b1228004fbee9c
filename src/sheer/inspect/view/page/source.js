// Where the page has its data from: a live server, the file that it stands in, or a notebook's
// kernel. All three are asked alike:
//
//   state()              Promise of the State
//   subscribe(callback, lost)  calls back with the parts of the State that changed; lost(true) when
//                        the connection breaks, lost(false) when it is there again
//   tensor(step, name)   Promise of {shape, dtype, data}, data a Float32Array or Float64Array
//   command(name, args)  Promise of the answer
//   live                 whether commands work
//   close()              ends the subscription

const NOT_LIVE = "This is an exported page: it shows what was recorded, and no training stands behind it.";

// A server at a URL, which wants this token with every question.
export function liveSource(url, token) {
  const headers = { "X-Sheer-Token": token };
  let events = null;

  async function ask(path, options = {}) {
    let response;
    try {
      response = await fetch(url + path, { ...options, headers: { ...headers, ...options.headers } });
    } catch {
      throw new Error("The page lost its server. Has the training ended, or the notebook restarted?");
    }
    if (!response.ok) throw new Error(await refusal(response));
    return response;
  }

  return {
    live: true,
    state: async () => (await ask("/api/state")).json(),
    subscribe(callback, lost = () => {}) {
      events = new EventSource(`${url}/api/events?token=${encodeURIComponent(token)}`);
      events.onmessage = (event) => callback(JSON.parse(event.data));
      events.onerror = () => lost(true);
      // The first event holds what changed before the events came, or while they did not.
      events.onopen = () => lost(false);
    },
    async tensor(step, name) {
      const response = await ask(`/api/tensor?step=${step}&name=${encodeURIComponent(name)}`);
      const shape = shapeOf(response.headers.get("X-Shape"));
      const dtype = response.headers.get("X-Dtype");
      return { shape, dtype, data: numbersOf(await response.arrayBuffer(), dtype) };
    },
    async command(name, args = {}) {
      const body = JSON.stringify({ name, arguments: args });
      const asJson = { "Content-Type": "application/json" };
      return (await ask("/api/command", { method: "POST", body, headers: asJson })).json();
    },
    close: () => events?.close(),
  };
}

// What the server says against a question: its message, as JSON {"error": ...} or as text.
async function refusal(response) {
  const text = await response.text();
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return text || `The server answered ${response.status}.`;
  }
}

// The data embedded in an exported file: {state, tensors}.
export function fileSource(embedded) {
  return {
    live: false,
    state: async () => embedded.state,
    subscribe() {},
    async tensor(step, name) {
      const kept = embedded.tensors?.[step]?.[name];
      if (!kept) throw new Error(`The file does not hold the numbers of ${name} for this step.`);
      const buffer = await inflated(kept.data);
      return { shape: kept.shape, dtype: kept.dtype, data: numbersOf(buffer, kept.dtype) };
    },
    async command() {
      throw new Error(NOT_LIVE);
    },
    close() {},
  };
}

// The bytes of a text in base64 that holds them deflated.
async function inflated(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// A notebook's kernel, through the model of an anywidget. Each question goes out as
// {id, name, arguments} and comes back as {id, answer} or {id, error}; "state" and "tensor"
// ({step, name} → {shape, dtype} and a buffer) are asked like commands. Changes come as {patch}.
export function widgetSource(model) {
  const waiting = new Map();
  let asked = 0;
  let changed = () => {};

  function receive(message, buffers) {
    if (message.patch) return changed(message.patch);
    const promise = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error !== undefined) promise?.reject(new Error(message.error));
    else promise?.resolve({ answer: message.answer, buffers: buffers ?? [] });
  }

  function ask(name, args) {
    const id = ++asked;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      model.send({ id, name, arguments: args });
    });
  }

  model.on("msg:custom", receive);
  return {
    live: true,
    state: async () => (await ask("state", {})).answer,
    subscribe(callback) {
      changed = callback;
    },
    async tensor(step, name) {
      const { answer, buffers } = await ask("tensor", { step, name });
      const view = buffers[0];
      const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
      return { ...answer, data: numbersOf(bytes, answer.dtype) };
    },
    command: async (name, args = {}) => (await ask(name, args)).answer,
    close: () => model.off("msg:custom", receive),
  };
}

function shapeOf(text) {
  return text ? text.split(",").map(Number) : [];
}

function numbersOf(buffer, dtype) {
  return dtype === "float64" ? new Float64Array(buffer) : new Float32Array(buffer);
}
