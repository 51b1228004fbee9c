// What the reader chose, kept in the browser where it lets us; the page works without.

export function remember(name, value) {
  try {
    localStorage.setItem(`sheer.${name}`, value);
  } catch {
    // A sandboxed frame, or a browser that keeps nothing.
  }
}

export function recall(name) {
  try {
    return localStorage.getItem(`sheer.${name}`);
  } catch {
    return null;
  }
}
