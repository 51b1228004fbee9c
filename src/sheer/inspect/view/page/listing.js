// The text of a program taken apart for showing: what stands before its function, the lines of the
// function in order, and the helper functions below it.

const TAIL_COMMENT = /\s+#[^'"]*$/;
// A heading of several, and the only one of a program; "# loss: ..." is a remark on the metric.
const PHASE_HEADING = /^# (?:\d+\. (forward|loss|backward|update|metrics)\b|(forward|loss|backward|update|metrics)$|what changes)/;

// {before, items, after}: the texts around the function, and its items:
//   {kind: "row", row, number, code}       a row of the program: one line, which the page breaks where
//                                          its own width asks; the result keeps its lines
//   {kind: "heading", phase, number, code} the heading of a phase
//   {kind: "remark" | "text", number, code}
// The body is moved left by its indentation. The comments behind rows give their shapes: they are
// left out, as the page shows the true ones.
export function listingOf({ text, name, rows }) {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`def ${name}(`));
  const end = endOfFunction(lines, start);
  const rowAt = new Map(rows.map((row, i) => [row.first, i]));
  const items = [];
  for (let number = start + 1; number <= end; number++) {
    const row = rowAt.get(number);
    if (row === undefined) items.push(itemOf(lines[number - 1], number));
    else {
      const { first, last, phase, source } = rows[row];
      const code = phase === "result" ? codeOf(lines.slice(first - 1, last)) : source;
      items.push({ kind: "row", row, number, code });
      number = last;
    }
  }
  return {
    before: lines.slice(0, start).join("\n").trim(),
    items: items.filter((item) => item.code),
    after: lines.slice(end).join("\n").trim(),
  };
}

// The number of the function's last line: the one before the next line that is not indented. The
// closing parenthesis of a broken signature does not end it.
function endOfFunction(lines, start) {
  const after = lines.findIndex((line, i) => i > start && /^[^\s)]/.test(line));
  return after < 0 ? lines.length : after;
}

function itemOf(line, number) {
  const code = line.replace(/^ {4}/, "").trimEnd();
  const heading = PHASE_HEADING.exec(code);
  if (heading) return { kind: "heading", phase: heading[1] ?? heading[2] ?? "result", number, code: code.slice(2) };
  return { kind: code.startsWith("#") ? "remark" : "text", number, code };
}

function codeOf(lines) {
  return lines.map((line) => line.replace(/^ {4}/, "").replace(TAIL_COMMENT, "")).join("\n");
}

// The lines of a code, each with its indentation apart: [{indent, text}].
export function indentedLines(code) {
  return code.split("\n").map((line) => ({ indent: line.search(/\S|$/), text: line.trim() }));
}
